"""Calls from Cloud Tasks and Cloud Scheduler: a JSON body, an operation, a status that says whether to call again."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request, Response
from pydantic import TypeAdapter, ValidationError

from provider_hub.domain.errors import TemporaryError
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

T = TypeVar("T")


def respond(request: Request, kind: TypeAdapter[T], handle: Callable[[T], Any]) -> Response:
    """204 when done, 503 to be called again. A body that can never be understood is done with, and logged."""
    remember_trace(request.headers.get("X-Cloud-Trace-Context"))
    try:
        call = kind.validate_json(request.get_data() or b"{}")
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) or "body" for item in error.errors())
        log.error(  # noqa: TRY400 - the trace would show the body
            "a call was not understood: check %s", fields
        )
        return Response(status=204)
    try:
        outcome = handle(call)
    except TemporaryError as error:
        log.warning("called too early or in vain: %s", error)
        return Response(status=503, headers={"Retry-After": "5"})
    log.info("%s: %s", call, outcome)
    return Response(status=204)
