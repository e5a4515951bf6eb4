"""How a call to the cluster proves who makes it: an IAM access token, or what a kubeconfig names.

The official client keeps what it sends in `Configuration.api_key`, and asks its refresh hook only where a
key is there already. An access token lasts an hour and is made by a metadata server that may be slow or
down, so it is not left to that hook: the adapter asks for the header at every call.
"""

import functools
import threading
from typing import Any, Protocol

from kubernetes import client, config

from provider_hub.domain.errors import TemporaryError

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TOKEN_SECONDS = 10


class Credentials(Protocol):
    """Who calls the cluster. One object serves all threads of a process."""

    def header(self) -> str | None:
        """The `Authorization` header of the next call; None where the connection itself proves the caller.

        Raises TemporaryError where no token can be had at the moment.
        """

    def refused(self, header: str | None) -> bool:
        """The cluster answered 401 to `header`: forget it. Returns whether another one may be had."""


class IamToken:
    """The access token of the process's own Google identity, renewed before it expires."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._request: Any = None

    def header(self) -> str:
        """`Bearer <access token>`. One thread renews a token that is about to expire; the others wait for it."""
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - only where there is an identity to ask for

        with self._lock:
            try:
                self._renew_if_due()
            except GoogleAuthError as error:
                raise TemporaryError(f"no access token for the cluster: {type(error).__name__}") from error
            return f"Bearer {self._credentials.token}"

    def refused(self, header: str | None) -> bool:
        """Forget the token of `header`, unless another thread has renewed it meanwhile."""
        with self._lock:
            if self._credentials is not None and header == f"Bearer {self._credentials.token}":
                self._credentials.token = None
        return True

    def _renew_if_due(self) -> None:
        from google.auth import default  # noqa: PLC0415
        from google.auth.credentials import TokenState  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.auth.transport.requests import Request  # noqa: PLC0415

        if self._credentials is None:
            self._request = functools.partial(Request(), timeout=_TOKEN_SECONDS)
            self._credentials, _ = default(scopes=_SCOPES)
        state = self._credentials.token_state
        if state is TokenState.FRESH:
            return
        try:
            self._credentials.refresh(self._request)
        except GoogleAuthError:
            # A token that is only about to expire still opens the door while the metadata server is down.
            if state is TokenState.INVALID:
                raise


class KubeconfigUser:
    """The user of a kubeconfig's current context: a token, a plugin that makes tokens, or a client certificate."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.configuration = client.Configuration()
        self._load()

    def header(self) -> str | None:
        """What the file gives; a token with an expiry is read again by the library's own hook."""
        with self._lock:
            authorization: Any = self.configuration.auth_settings().get("BearerToken") or {}
        value: str | None = authorization.get("value")
        return value

    def refused(self, header: str | None) -> bool:
        """Read the file again: whoever rotates a token writes the new one there (and into its `tokenFile`)."""
        with self._lock:
            self._load()
        return self.header() != header

    def _load(self) -> None:
        config.load_kube_config(self._path, client_configuration=self.configuration)  # type: ignore[no-untyped-call]
