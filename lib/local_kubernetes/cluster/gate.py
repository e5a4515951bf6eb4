"""Refuses every request that does not come from a program on this machine with the cluster's token.

Listening on a loopback address keeps out other machines. It does not keep out the other users of this one, nor the
pages in the developer's browser: a page can send requests to 127.0.0.1, and by a DNS name of its own that resolves to
it (DNS rebinding) it could read the answers. The node runs any command that a pod names, so all of them are refused.
"""

import hmac
import secrets

from aiohttp import web

from local_kubernetes.loopback import LOOPBACK_NAMES, is_loopback

from .status import ApiError

_OPEN = ("/healthz", "/livez", "/readyz", "/version")


def new_token() -> str:
    """A new random bearer token of 256 bits."""
    return secrets.token_urlsafe(32)


class Gate:
    """Refuses requests for another host, from a web page, or without the bearer token."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, request: web.BaseRequest) -> None:
        """Raises a 403 ApiError for a foreign `Host` or any `Origin`, a 401 one without the right token.

        Health and version need no token. In a real cluster, `system:public-info-viewer` opens them.
        """
        host = request.headers.get("Host", "")
        if not is_loopback(host):
            raise _refused(f"the Host header names {host!r}, and this server answers to {', '.join(LOOPBACK_NAMES)}")
        if "Origin" in request.headers:
            raise _refused("it has an Origin header: web pages have no business with this server")
        path = request.path.rstrip("/")
        if path in _OPEN or path.startswith(tuple(f"{one}/" for one in _OPEN)):
            return
        if not self._is_authentic(request.headers.get("Authorization", "")):
            raise ApiError(401, "Unauthorized", "Unauthorized")

    def _is_authentic(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode("utf-8", "surrogateescape"), self._token
        )


def _refused(detail: str) -> ApiError:
    return ApiError(403, "Forbidden", f"forbidden: the request is refused: {detail}")
