"""How many connections a client keeps that all threads of a process share.

A pool that is smaller than the number of its callers opens a connection for each call that finds none, with a TLS
handshake, throws it away afterwards and logs a warning.
"""

from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE
from provider_hub.threads import request_threads


def callers_at_once() -> int:
    """How many threads may call one client at the same time: those of requests, or those of a sweep."""
    return max(request_threads(), MOST_SIDE_BY_SIDE)
