"""Stands between the Pub/Sub emulator and the functions: adds the OIDC token that Pub/Sub's own pushes carry.

The emulator signs nothing, whatever a subscription's `oidcToken` says. It pushes to this relay instead, whose paths
begin with a secret, so that no other program of this machine gets a token from it.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Mapping

import aiohttp
from aiohttp import web

from local_stack.callers import PUSH_ACCOUNT
from local_stack.own_machine import own_machine
from local_stack.tasks import TokenMaker

logger = logging.getLogger(__name__)

_PUSH_SECONDS = 600.0
_TOKEN_SECONDS = 600.0
# What the emulator's own HTTP library sends, and what the function must be given anew.
_NOT_PASSED_ON = frozenset(
    {"host", "authorization", "connection", "content-length", "transfer-encoding", "accept-encoding"}
)


class PushRelay:
    """Passes each push on to the function that its path names."""

    def __init__(self, session: aiohttp.ClientSession, functions: Mapping[str, str], make_token: TokenMaker) -> None:
        """`functions` are base URLs by name, each the audience of the tokens for it."""
        self._session = session
        self._functions = functions
        self._make_token = make_token
        self._tokens: dict[str, tuple[float, str]] = {}
        self.secret = secrets.token_urlsafe(24)

    def path(self, function: str) -> str:
        """Where a push to that function goes; the topic's path follows."""
        return f"/{self.secret}/{function}"

    def application(self) -> web.Application:
        """The relay as a server."""
        application = web.Application(middlewares=[own_machine], client_max_size=32 * 1024**2)
        application.router.add_post("/{secret}/{function}/{topic:.+}", self._pass_on)
        return application

    async def _pass_on(self, request: web.Request) -> web.Response:
        given = request.match_info["secret"].encode("utf-8", "surrogateescape")
        url = self._functions.get(request.match_info["function"])
        if url is None or not hmac.compare_digest(given, self.secret.encode()):
            raise web.HTTPNotFound
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        headers["Authorization"] = f"Bearer {self._token(url)}"
        try:
            async with self._session.post(
                f"{url}/{request.match_info['topic']}",
                data=await request.read(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=_PUSH_SECONDS),
                allow_redirects=False,
            ) as response:
                return web.Response(status=response.status, body=await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            # The emulator delivers the message again after its backoff.
            logger.warning("a push could not be passed on: %s", type(error).__name__)
            return web.Response(status=503)

    def _token(self, audience: str) -> str:
        """A token for that audience; one is used for ten minutes, since signing takes a millisecond."""
        until, token = self._tokens.get(audience, (0.0, ""))
        if time.monotonic() >= until:
            token = self._make_token(PUSH_ACCOUNT, audience)
            self._tokens[audience] = (time.monotonic() + _TOKEN_SECONDS, token)
        return token
