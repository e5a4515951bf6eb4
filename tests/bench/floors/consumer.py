"""The floors of a delivery: a pushed message is decoded and one document written, or one read and one written."""

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
    message, body = _decoded(request)
    _write(message, body)
    return "", 204


@functions_framework.http
def read_and_write(request: flask.Request) -> tuple[str, int]:
    """Whoever decides on what is stored has to read it: here the row that a check-in is about."""
    message, body = _decoded(request)
    prefix, _, name = body["provider"].partition("/")
    row = database().document("organizations", body["organization_id"], "installations", f"{prefix}:{name}").get()
    _write(message, {**body, "was": row.get("health")})
    return "", 204


def _decoded(request: flask.Request) -> tuple[Any, Any]:
    message = request.get_json()["message"]
    return message, json.loads(b64decode(message["data"]))


def _write(message: Any, body: Any) -> None:
    database().document("consumed", message["messageId"]).set({"body": body, "at": datetime.now(UTC)})
