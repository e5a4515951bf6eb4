"""The floor of a delivery: a pushed message is decoded and one document written."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from typing import Any

import flask
import functions_framework
from google.cloud import firestore


@cache
def database() -> Any:
    return firestore.Client()


@functions_framework.http
def consume(request: flask.Request) -> tuple[str, int]:
    message = request.get_json()["message"]
    body = json.loads(b64decode(message["data"]))
    database().document("consumed", message["messageId"]).set({"body": body, "at": datetime.now(UTC)})
    return "", 204
