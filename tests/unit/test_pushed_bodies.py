"""Of what Pub/Sub pushes no more is read than any message of the hub's has: a tenant's pod publishes ten megabytes."""

import io
import json
from base64 import b64encode
from typing import Any

from flask import Request
from werkzeug.test import EnvironBuilder

from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.records import Topic
from provider_hub.http.arrival import MOST_PUSHED_BYTES
from provider_hub.http.callers import Caller, OnlyFrom
from provider_hub.http.push import PushConsumer

SAID = {"organization_id": "org_acme", "provider": "acme/weather", "version": "1.0.0", "generation": 1, "token": "t"}


class Connection:
    """gunicorn's socket; counts how often it was shut down."""

    shut = 0

    def shutdown(self, _how: int) -> None:
        self.shut += 1

    def settimeout(self, _seconds: float) -> None: ...


class Anyone:
    def verify(self, authorization_header: str | None) -> None: ...


class Nobody:
    def verify(self, authorization_header: str | None) -> None:
        raise NotAuthenticated("who is that?")


def pushed(message: str, caller: Caller | None = None) -> tuple[int, list[CheckIn], int, int]:
    """The status, what was handled, how much of the body was read, and how often the connection was shut down."""
    data = b64encode(json.dumps({**SAID, "message": message}).encode()).decode()
    body = io.BytesIO(json.dumps({"message": {"data": data}}).encode())
    builder = EnvironBuilder(method="POST", input_stream=body, content_length=len(body.getvalue()))
    handled: list[CheckIn] = []
    services: Any = None
    consumer = PushConsumer(services, Topic.CHECK_INS, CheckIn, handled.append)
    connection = Connection()
    request = Request({**builder.get_environ(), "gunicorn.socket": connection})
    response = OnlyFrom(caller or Anyone(), consumer).respond(request)
    response.close()
    return response.status_code, handled, body.tell(), connection.shut


def test_a_check_in_with_a_long_message_is_handled_and_its_connection_serves_the_next() -> None:
    status, (check_in,), _, shut = pushed("x " * 50_000)
    assert (status, len(check_in.message or ""), shut) == (204, 2000, 0)


def test_a_check_in_of_megabytes_is_taken_off_the_topic_unread() -> None:
    assert pushed("x" * 8_000_000) == (204, [], MOST_PUSHED_BYTES, 2)


def test_a_caller_who_is_refused_may_call_again_on_the_same_connection() -> None:
    status, handled, _, shut = pushed("x", Nobody())
    assert (status, handled, shut) == (401, [], 0)


def test_a_refused_caller_whose_body_is_long_finds_the_connection_closed() -> None:
    status, handled, _, shut = pushed("x" * 8_000_000, Nobody())
    assert (status, handled, shut) == (401, [], 2)
