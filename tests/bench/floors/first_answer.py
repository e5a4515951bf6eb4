"""The floor of a cold start: a function's Google clients are imported, one document is read, and that is the answer."""

import importlib
import os
from functools import cache
from typing import Any

import flask
import functions_framework
from google.cloud import firestore

for client in os.environ.get("BENCH_CLIENTS", "").split():
    importlib.import_module(client)


@cache
def database() -> Any:
    return firestore.Client()


@functions_framework.http
def first_answer(_: flask.Request) -> tuple[str, int]:
    database().document("nothing", "here").get()
    return "", 204
