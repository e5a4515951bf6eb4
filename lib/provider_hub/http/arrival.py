"""A request's body as it arrives: for so long and no longer, whichever route it was sent to.

gunicorn hands a request over as soon as its headers are there, and reads the body when it is asked for, without a
limit of time. So does Cloud Run. Here a watch ends the read, by closing the connection in that direction.
"""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Timer
from typing import Any

from flask import Request, Response

from provider_hub.actions.receiving import Receiving
from provider_hub.domain.errors import HubError, SchemaViolation, TemporaryError, TooSlow

# An answer's bytes are taken by then, or its connection is cut: a caller who does not read holds a thread as well.
ANSWER_SECONDS = 30.0
MOST_PUSHED_BYTES = 256 * 1024
REMAINS_SECONDS = 2.0
# Callers who are refused before anything counts them get none of a thread's time to speak of.
_MOMENT_SECONDS = 0.1
# Of the largest form, and somewhat more: whoever sent one over its limit is told so.
_REMAINS_BYTES = 40 * 1024**2
_PIECE_BYTES = 64 * 1024
_TAKEN = "provider_hub.body_taken"
_TOO_LONG = "provider_hub.body_too_long"


@contextmanager
def arriving(request: Request, receiving: Receiving, holder: str, most_bytes: int) -> Iterator[None]:
    """Read the body within this, at most `most_bytes` of it. `holder` is whose place it takes meanwhile.

    Raises QuotaExceeded, TooSlow, and SchemaViolation for a body that ends early or cannot be decoded.
    """
    if not _has_body(request):
        yield
        return
    length = most_bytes if request.content_length is None else min(request.content_length, most_bytes)
    seconds = receiving.pace.seconds_for(length)
    with receiving.place(holder), _ended_after(request, seconds) as late:
        try:
            yield
        except Exception as error:
            # A body that was cut looks as if it were short, or wrong.
            if late.is_set():
                raise TooSlow(seconds) from None
            if isinstance(error, HubError):
                raise
            # The server's own parser has many kinds of errors for a body that is not what its headers say.
            raise SchemaViolation.at("body", msg="ends too early, or is not encoded as its headers say") from None
        if late.is_set():
            raise TooSlow(seconds)


def pushed_body(request: Request) -> bytes:
    """What one of Google's services sent, as far as any message of ours goes; the rest of a longer one is left.

    What is longer was not sent by the hub: a tenant's pod publishes check-ins of up to 10 MB, and an instance has the
    memory of a few of those.
    """
    raw: bytes = request.stream.read(MOST_PUSHED_BYTES)
    if len(raw) < MOST_PUSHED_BYTES:
        mark_taken(request)
    else:
        request.environ[_TOO_LONG] = True
    return raw


def mark_taken(request: Request) -> None:
    """The body was read to its end: nothing more arrives of this request."""
    request.environ[_TAKEN] = True


def leave(request: Request, response: Response, receiving: Receiving | None = None) -> None:
    """Before an answer: take in what its caller still sends, some of it and for a moment, and keep none of it.

    Few clients read an answer before they have sent all. The framework would read the rest into memory, however much
    it is and however long it takes; gunicorn would wait for it for seconds. Without `receiving` a push's worth is
    taken in. If more than that arrives, the connection ends with the answer: otherwise the caller's next request on
    it would meet a server that reads no more, or be read as the rest of this one.
    """
    connection = _connection(request)
    if _has_body(request) and not request.environ.get(_TAKEN):
        if receiving is not None:
            _take_remains(request, receiving)
        elif not request.environ.get(_TOO_LONG):
            _take_at_most(request, MOST_PUSHED_BYTES, _MOMENT_SECONDS)
        if connection is not None and not request.environ.get(_TAKEN):
            _shut(connection, socket.SHUT_RD)
            response.call_on_close(partial(_shut, connection, socket.SHUT_RDWR))
    # What the framework reads after the answer is empty now.
    request.environ.update({"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True})
    with suppress(AttributeError, KeyError):
        del request.stream
    if connection is not None:
        with suppress(OSError):
            connection.settimeout(ANSWER_SECONDS)


def _take_remains(request: Request, receiving: Receiving) -> None:
    with suppress(TemporaryError), receiving.remains():
        _take_at_most(request, _REMAINS_BYTES, REMAINS_SECONDS)


def _take_at_most(request: Request, most_bytes: int, seconds: float) -> None:
    with _ended_after(request, seconds) as late:
        if _is_read_out(request, most_bytes) and not late.is_set():
            mark_taken(request)


def _is_read_out(request: Request, most_bytes: int) -> bool:
    """Whether the body ended within that many bytes; what they are is of no interest, and an error no news."""
    try:
        while most_bytes > 0 and (piece := request.stream.read(_PIECE_BYTES)):
            most_bytes -= len(piece)
    except Exception:
        return False
    return most_bytes > 0


@contextmanager
def _ended_after(request: Request, seconds: float) -> Iterator[Event]:
    """Ends the reads of a request's body after so long; the event says that this happened.

    A read that waits returns then as if the body had ended. Tests that have no connection have whole bodies.
    """
    late = Event()
    connection = _connection(request)
    if connection is None:
        yield late
        return

    def end() -> None:
        late.set()
        _shut(connection, socket.SHUT_RD)

    watch = Timer(seconds, end)
    watch.daemon = True
    watch.start()
    try:
        yield late
    finally:
        watch.cancel()


def _shut(connection: Any, directions: int) -> None:
    with suppress(OSError):  # the caller was first
        connection.shutdown(directions)


def _connection(request: Request) -> Any:
    """The socket that gunicorn has the request from; None under another server."""
    return request.environ.get("gunicorn.socket")


def _has_body(request: Request) -> bool:
    length = request.content_length
    return "Transfer-Encoding" in request.headers if length is None else length > 0
