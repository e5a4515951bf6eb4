"""What pods are to the local bucket: workloads of the cluster, who get access tokens from a metadata server.

In the cloud a pod reads the bucket by workload identity. Here its metadata server gives a token of one account, which
may get an object and do nothing else.
"""

import secrets
import time
from collections.abc import Callable

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from local_stack.own_machine import own_machine
from provider_hub.adapters.artifacts.signers import LOCAL_ACCOUNT

_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
_LIFETIME_SECONDS = 3600
_PODS = "pods@local.invalid"
_MAY = {
    LOCAL_ACCOUNT: frozenset({"storage.objects.create", "storage.objects.get"}),
    _PODS: frozenset({"storage.objects.get"}),
}


class LocalAccounts:
    """The two accounts of one machine (`bucket_access.Accounts`): the functions' and the pods'."""

    def __init__(self, functions_key: RSAPublicKey, clock: Callable[[], float] = time.monotonic) -> None:
        self._functions_key = functions_key
        self._clock = clock
        self._tokens: dict[str, float] = {}

    def key_of(self, account: str) -> RSAPublicKey | None:
        """Only the functions sign."""
        return self._functions_key if account == LOCAL_ACCOUNT else None

    def account_of(self, authorization: str) -> str | None:
        """Only pods come with a token."""
        scheme, _, token = authorization.partition(" ")
        expires = self._tokens.get(token, 0.0) if scheme == "Bearer" else 0.0
        return _PODS if self._clock() < expires else None

    def may(self, account: str, permission: str) -> bool:
        """By the roles that Terraform grants."""
        return permission in _MAY[account]

    def new_token(self) -> str:
        """An access token of the pods', good for an hour."""
        now = self._clock()
        self._tokens = {token: expires for token, expires in self._tokens.items() if now < expires}
        token = f"local.{secrets.token_urlsafe(32)}"
        self._tokens[token] = now + _LIFETIME_SECONDS
        return token

    def metadata_server(self) -> web.Application:
        """What a pod reaches at `metadata.google.internal`: its access token, and nothing else."""

        async def token(request: web.Request) -> web.Response:
            # A request that a confused server could be made to send has no such header.
            if request.headers.get("Metadata-Flavor") != "Google":
                return web.Response(status=403, text="Missing Metadata-Flavor:Google header.")
            answer = {"access_token": self.new_token(), "expires_in": _LIFETIME_SECONDS, "token_type": "Bearer"}
            return web.json_response(answer, headers={"Metadata-Flavor": "Google"})

        application = web.Application(middlewares=[own_machine])
        application.router.add_get(_TOKEN_PATH, token)
        return application
