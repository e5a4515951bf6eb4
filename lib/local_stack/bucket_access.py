"""Who may ask the local bucket for what: the bearer of a signed URL, or of an access token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from provider_hub.adapters.artifacts.signing import (
    ALGORITHM,
    LONGEST_LIFETIME,
    SCOPE,
    SIGNATURE,
    TIME_FORMAT,
    string_to_sign,
)

_SKEW = timedelta(minutes=15)
_PARAMETERS = ("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-SignedHeaders")


class AccessRefused(Exception):
    """Cloud Storage's own status and code of a refusal; the message is for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Accounts(Protocol):
    """The accounts that the bucket knows. Permissions are IAM's, such as `storage.objects.get`."""

    def key_of(self, account: str) -> RSAPublicKey | None:
        """The public key that the account's signatures are checked with; None for an account that nobody has."""

    def account_of(self, authorization: str) -> str | None:
        """The account whose access token an `Authorization` header carries; None for no valid one."""

    def may(self, account: str, permission: str) -> bool:
        """Whether the account has the permission on the bucket."""


@dataclass(frozen=True)
class Access:
    """Checks requests as Cloud Storage does. `clock` gives the time in UTC."""

    accounts: Accounts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def check(self, request: web.Request, permission: str) -> None:
        """Raises AccessRefused unless the request shows that its sender has the permission."""
        account = self._signer(request) if SIGNATURE in request.query else self._bearer(request)
        if not self.accounts.may(account, permission):
            raise AccessRefused(403, "AccessDenied", f"{account} does not have {permission} access to the bucket")

    def _bearer(self, request: web.Request) -> str:
        account = self.accounts.account_of(request.headers.get("Authorization", ""))
        if account is None:
            raise AccessRefused(401, "AuthenticationRequired", "neither a signed URL nor an access token that is known")
        return account

    def _signer(self, request: web.Request) -> str:
        query = dict(request.query)
        signature = query.pop(SIGNATURE)
        if len(request.query) != len(query) + 1 or not set(_PARAMETERS) <= set(query):
            raise AccessRefused(400, "AuthorizationQueryParametersError", "a parameter is missing, or given twice")
        account = self._checked_credential(query)
        self._check_time(query)
        headers = _signed_headers(request, query["X-Goog-SignedHeaders"])
        path = request.raw_path.partition("?")[0]
        self._check_signature(account, signature, string_to_sign(request.method, path, query, headers))
        return account

    def _checked_credential(self, query: Mapping[str, str]) -> str:
        account, _, scope = query["X-Goog-Credential"].partition("/")
        if query["X-Goog-Algorithm"] != ALGORITHM or scope != f"{query['X-Goog-Date'][:8]}/{SCOPE}":
            raise AccessRefused(400, "AuthorizationQueryParametersError", "the algorithm or the scope is another one")
        return account

    def _check_time(self, query: Mapping[str, str]) -> None:
        try:
            begins = datetime.strptime(query["X-Goog-Date"], TIME_FORMAT).replace(tzinfo=UTC)
            lifetime = timedelta(seconds=int(query["X-Goog-Expires"]))
        except (ValueError, OverflowError):
            raise AccessRefused(400, "AuthorizationQueryParametersError", "date or expiry cannot be read") from None
        if not timedelta(0) < lifetime <= LONGEST_LIFETIME or begins > self.clock() + _SKEW:
            raise AccessRefused(400, "AuthorizationQueryParametersError", "good for over 7 days, or not yet")
        if begins + lifetime < self.clock():
            raise AccessRefused(400, "ExpiredToken", "the signed URL has expired")

    def _check_signature(self, account: str, signature: str, signed: str) -> None:
        key: Any = self.accounts.key_of(account)
        try:
            if key is None:
                raise InvalidSignature
            key.verify(bytes.fromhex(signature), signed.encode(), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise AccessRefused(403, "SignatureDoesNotMatch", "the signature is not one of this request") from None


def _signed_headers(request: web.Request, names: str) -> dict[str, str]:
    """The headers that the signature covers. Raises AccessRefused where it leaves out one that matters."""
    signed = names.split(";")
    mattering = {name.lower() for name in request.headers if name.lower().startswith("x-goog-")}
    if "host" not in signed or not mattering <= set(signed):
        raise AccessRefused(403, "SignatureDoesNotMatch", "host and every x-goog- header must be signed")
    if missing := [name for name in signed if name not in request.headers]:
        raise AccessRefused(403, "SignatureDoesNotMatch", f"the signed header {missing[0]} is not sent")
    return {name: ",".join(request.headers.getall(name)) for name in signed}
