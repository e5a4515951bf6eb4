"""Stands between the Pub/Sub emulator and the functions: adds the OIDC token that Pub/Sub's own pushes carry.

The emulator signs nothing, whatever a subscription's `oidcToken` says. It pushes to this relay instead, whose paths
begin with a secret, so that no other program of this machine gets a token from it.
"""

import asyncio
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

_PUSH_TIMEOUT = aiohttp.ClientTimeout(total=600.0)
_RETRY_SECONDS = 0.1
_TOKEN_SECONDS = 600.0
# What the emulator's own HTTP library sends, and what the function must be given anew.
_NOT_PASSED_ON = frozenset(
    {"host", "authorization", "connection", "content-length", "transfer-encoding", "accept-encoding"}
)


class PushRelay:
    """Passes each push on to the function that its path names."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        functions: Mapping[str, str],
        make_token: TokenMaker,
        *,
        restart_seconds: float = 10.0,
    ) -> None:
        """`functions` are base URLs by name, each the audience of the tokens for it.

        `restart_seconds` is how long a push waits for a function that does not listen: less than the emulator waits.
        """
        self._restart_seconds = restart_seconds
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
        push = f"{url}/{request.match_info['topic']}"
        return await self._sent(push, await request.read(), headers)

    async def _sent(self, push: str, body: bytes, headers: Mapping[str, str]) -> web.Response:
        """The function's answer, or 503.

        A refused connection is tried again while the function is being started: nothing of the push was sent, and it
        would count as one of the message's deliveries.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._restart_seconds
        while True:
            try:
                async with self._session.post(
                    push, data=body, headers=headers, timeout=_PUSH_TIMEOUT, allow_redirects=False
                ) as response:
                    return web.Response(status=response.status, body=await response.read())
            except aiohttp.ClientConnectorError as error:
                if loop.time() < deadline:
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                logger.warning("a push could not be passed on: %s", type(error).__name__)
                return web.Response(status=503)
            except (aiohttp.ClientError, TimeoutError) as error:
                # The emulator delivers the message again after its backoff.
                logger.warning("a push broke off: %s", type(error).__name__)
                return web.Response(status=503)

    def _token(self, audience: str) -> str:
        """A token for that audience. One is used for ten minutes, since signing takes a millisecond."""
        until, token = self._tokens.get(audience, (0.0, ""))
        if time.time() >= until:
            token = self._make_token(PUSH_ACCOUNT, audience)
            self._tokens[audience] = (time.time() + _TOKEN_SECONDS, token)
        return token
