"""The floor of a list: the same token, the tenant's rows and their providers, as JSON."""

import os
from functools import cache
from typing import Any

import flask
import functions_framework
import jwt
from google.cloud import firestore

_KEY = os.environ.get("BENCH_PUBLIC_KEY", "")
_ISSUER = os.environ.get("HUB_CUSTOMER_ISSUER", "")


@cache
def database() -> Any:
    return firestore.Client()


@functions_framework.http
def installed(request: flask.Request) -> flask.Response:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, _KEY, algorithms=["RS256"], issuer=_ISSUER)
    rows = database().collection("organizations", claims["o"]["id"], "installations").order_by("created_at").stream()
    found = {document.id: document.to_dict() for document in rows}
    providers = [database().document("providers", document_id) for document_id in found]
    latest = {document.id: document.get("latest_version") for document in database().get_all(providers)}
    return flask.jsonify([{**row, "latest_version": latest.get(document_id)} for document_id, row in found.items()])
