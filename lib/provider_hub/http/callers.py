"""The door of a function that is not public: only its trusted caller gets further."""

import logging
from typing import Protocol

from flask import Request, Response

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotAuthenticated, TemporaryError
from provider_hub.http.arrival import leave
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

REFUSED = 401
TRY_AGAIN = 503
# Cloud Run's IAM verifies the token in this one where it is there, and passes `Authorization` on as it was written.
_VERIFIED_INSTEAD = "X-Serverless-Authorization"


class Caller(Protocol):
    """Knows a caller by the Authorization header."""

    def verify(self, authorization_header: str | None) -> None:
        """Raises NotAuthenticated for another caller, TemporaryError where that cannot be told now."""


class Responder(Protocol):
    """Whatever answers one kind of request."""

    def respond(self, request: Request) -> Response:
        """The answer; its status says whether the caller tries again."""


@dataclass(frozen=True, slots=True)
class OnlyFrom:
    """Hands the requests of one caller to `responder`; the others are refused before their body is read.

    A request with `X-Serverless-Authorization` is never the caller's. Whoever may invoke the function could send their
    own token in it, and in `Authorization` a forged one that says that its signature was removed. Pub/Sub, Cloud Tasks
    and Cloud Scheduler do not send that header.
    """

    caller: Caller
    responder: Responder

    def respond(self, request: Request) -> Response:
        """401 for another caller, counted by its log line; 503 where the caller's keys cannot be fetched now."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        response = self._answer(request)
        leave(request, response)
        return response

    def _answer(self, request: Request) -> Response:
        try:
            if _VERIFIED_INSTEAD in request.headers:
                raise NotAuthenticated(f"Cloud Run verified {_VERIFIED_INSTEAD}, and not Authorization")
            self.caller.verify(request.headers.get("Authorization"))
        except NotAuthenticated as error:
            log.warning("a call is refused: %s", error, extra={"event": "caller_refused"})
            return Response(status=REFUSED, headers={"WWW-Authenticate": "Bearer"})
        except TemporaryError as error:
            log.warning("a caller cannot be verified now: %s", error)
            return Response(status=TRY_AGAIN, headers={"Retry-After": "5"})
        return self.responder.respond(request)
