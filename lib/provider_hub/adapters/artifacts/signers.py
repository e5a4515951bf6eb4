"""Who signs: the function's own service account by IAM, or on one machine a key in a file.

A function in the cloud has no private key, and needs none: IAM's `signBlob` signs for the account that the function
runs as.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provider_hub.adapters.connections import session_of_all_threads
from provider_hub.domain.errors import TemporaryError
from provider_hub.settings.reader import SettingsError, variable_name

LOCAL_ACCOUNT = "functions@local.invalid"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_CALL_SECONDS = 10
_TRIES = 3  # as google-auth's own session has


class IamSigner:
    """The process's own service account, by one call of IAM for each signature (`signing.Signer`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._request: Any = None

    @property
    def account(self) -> str:
        """The account's e-mail address. Raises TemporaryError while the metadata server does not give it."""
        with self._answered() as credentials:
            return str(credentials.service_account_email)

    def sign(self, content: bytes) -> bytes:
        """Raises TemporaryError where IAM does not sign."""
        from google.auth.iam import Signer  # noqa: PLC0415 - see `_connect`

        with self._answered() as credentials:
            account = credentials.service_account_email
            signature: bytes = Signer(self._request, credentials, account).sign(content)  # type: ignore[no-untyped-call]
            return signature

    @contextmanager
    def _answered(self) -> Iterator[Any]:
        """With the credentials at hand. One thread at a time renews them; IAM signs for all threads at once."""
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

        try:
            with self._lock:
                self._connect()
            yield self._credentials
        except GoogleAuthError as error:
            # The library's own text may repeat the answer of IAM, which names the account.
            raise TemporaryError(f"IAM gives no signature: {type(error).__name__}") from error

    def _connect(self) -> None:
        from google.auth import default  # noqa: PLC0415 - only where there is an identity to ask for
        from google.auth.transport.requests import Request  # noqa: PLC0415

        if self._credentials is None:
            self._request = functools.partial(Request(session_of_all_threads(_TRIES)), timeout=_CALL_SECONDS)
            self._credentials, _ = default(scopes=_SCOPES)
        if not self._credentials.valid:
            # Until then the account is only known as `default`.
            self._credentials.refresh(self._request)


class KeyFileSigner:
    """A private key of this machine (`signing.Signer`)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.account = LOCAL_ACCOUNT

    def sign(self, content: bytes) -> bytes:
        """Raises SettingsError for a file that holds no RSA key."""
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - on one machine alone
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        signature: bytes = self._key.sign(content, padding.PKCS1v15(), SHA256())
        return signature

    @functools.cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            return load_pem_private_key(Path(self._path).read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise SettingsError(f"{variable_name('artifacts_key_file')} is no readable private key in PEM") from error
