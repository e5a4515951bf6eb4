"""The floor of an install: the same token, three of its four reads, its two writes, one publish, and nothing else.

Google's ordinary clients do the work. The publisher sends each message at once: with its usual batching
every request would wait ten milliseconds for company that does not come.
"""

import json
import os
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

import flask
import functions_framework
import jwt
from google.cloud import firestore, pubsub_v1

_KEY = os.environ.get("BENCH_PUBLIC_KEY", "")
_ISSUER = os.environ.get("HUB_CUSTOMER_ISSUER", "")

_TOPIC = f"projects/{os.environ.get('GOOGLE_CLOUD_PROJECT')}/topics/{os.environ.get('BENCH_EVENTS_TOPIC')}"


@cache
def clients() -> tuple[Any, Any]:
    """Made in the worker, at the first request: a gRPC channel does not survive gunicorn's fork."""
    return firestore.Client(), pubsub_v1.PublisherClient(pubsub_v1.types.BatchSettings(max_messages=1))


@functions_framework.http
def install(request: flask.Request) -> tuple[dict[str, Any], int]:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, _KEY, algorithms=["RS256"], issuer=_ISSUER)
    wish = request.get_json()
    database, publisher = clients()
    row = _commit(database.transaction(), database, claims["o"]["id"], wish["provider_name"], wish["version"])
    event = json.dumps({"installation_id": row["installation_id"], "generation": 1}).encode()
    publisher.publish(_TOPIC, event, event_type="INSTALL_REQUESTED").result()
    return row, 201


@firestore.transactional
def _commit(transaction: Any, database: Any, organization_id: str, canonical: str, version: str) -> dict[str, Any]:
    document_id = canonical.replace("/", ":")
    provider = database.document("providers", document_id)
    released = provider.collection("versions").document(version)
    installation = database.document("organizations", organization_id, "installations", document_id)
    wanted = [provider, released, installation]
    found = {document.reference: document for document in database.get_all(wanted, transaction=transaction)}
    if not found[provider].exists or not found[released].exists or found[installation].exists:
        flask.abort(409)
    now = datetime.now(UTC)
    row = {
        "organization_id": organization_id,
        "canonical": canonical,
        "installation_id": secrets.token_hex(13),
        "generation": 1,
        "version": version,
        "resource_tier": "standard",
        "upgrade_policy": "manual",
        "config": {},
        "lifecycle_state": "pending",
        "created_at": now,
        "updated_at": now,
    }
    transaction.set(installation, row)
    entry = {"topic": _TOPIC, "payload": row, "created_at": now}
    transaction.set(database.document("outbox", row["installation_id"]), entry)
    return row
