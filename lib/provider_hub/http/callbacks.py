"""Calls from Cloud Tasks and Cloud Scheduler: one action, and a status that says whether to call again."""

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from flask import Request, Response
from pydantic import TypeAdapter, ValidationError

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import TemporaryError
from provider_hub.http.arrival import pushed_body
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

T = TypeVar("T")
DONE = 204
TRY_AGAIN = 503


class TaskHandler(Generic[T]):
    """Reads a task's JSON body as a `kind` and hands it to `handle`, which raises TemporaryError to be called again."""

    def __init__(self, kind: type[T], handle: Callable[[T], object]) -> None:
        self._body: TypeAdapter[T] = TypeAdapter(kind)
        self._handle = handle

    def respond(self, request: Request) -> Response:
        """204 when done, 503 to be called again; 204 too for an unreadable body, since no retry would mend it."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        try:
            call = self._body.validate_json(pushed_body(request) or b"{}")
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, item["loc"])) or "body" for item in error.errors())
            log.error(  # noqa: TRY400 - the trace would show the body
                "a call was not understood: check %s", fields
            )
            return Response(status=DONE)
        return _answer(call, lambda: self._handle(call))


@dataclass(frozen=True, slots=True)
class ScheduleHandler:
    """Runs `work` at each call of Cloud Scheduler, which sends no body."""

    work: Callable[[], object]

    def respond(self, request: Request) -> Response:
        """204 when done, 503 where the work could not be done now: the next tick tries again."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        return _answer("scheduled call", self.work)


def _answer(call: Any, work: Callable[[], object]) -> Response:
    try:
        outcome = work()
    except TemporaryError as error:
        log.warning("called too early or in vain: %s", error)
        return Response(status=TRY_AGAIN, headers={"Retry-After": "5"})
    log.info("%s: %s", call, outcome)
    return Response(status=DONE)
