"""How many connections a client keeps that all threads of a process share.

A pool that is smaller than the number of its callers opens a connection for each call that finds none, with a TLS
handshake, throws it away afterwards and logs a warning.
"""

from typing import TYPE_CHECKING

from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE
from provider_hub.threads import request_threads

if TYPE_CHECKING:
    from requests import Session


def callers_at_once() -> int:
    """How many threads may call one client at the same time: those of requests, or those of a sweep."""
    return max(request_threads(), MOST_SIDE_BY_SIDE)


def session_of_all_threads(tries: int = 0) -> "Session":
    """A session that tries a call so many times again where it meets no server."""
    from requests import Session  # noqa: PLC0415 - only where there is an identity to ask for
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=callers_at_once(), max_retries=tries))
    return session
