"""V4 signatures of Cloud Storage (cloud.google.com/storage/docs/authentication/canonical-requests).

A signed URL says who asks for what, until when, and with which headers. Whoever has it may ask for that and for nothing
else. The local stand-in checks signatures by the same canonical form; Google's own conformance vectors test it.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote, urlsplit

from provider_hub.domain.dataclass import dataclass

ALGORITHM = "GOOG4-RSA-SHA256"
LONGEST_LIFETIME = timedelta(days=7)
SIGNATURE = "X-Goog-Signature"
# Storage takes `auto` in the place of a bucket's region.
SCOPE = "auto/storage/goog4_request"
TIME_FORMAT = "%Y%m%dT%H%M%SZ"

_PAYLOAD_HEADER = "x-goog-content-sha256"


class Signer(Protocol):
    """Signs for a service account."""

    @property
    def account(self) -> str:
        """The account's e-mail address. Raises TemporaryError where it cannot be told now."""

    def sign(self, content: bytes) -> bytes:
        """The RSA signature (PKCS #1 v1.5, SHA-256) of `content`. Raises TemporaryError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a signed URL lets its bearer ask for; `headers` must be sent as they are."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def signed_url(asked: Asked, signer: Signer, now: datetime, lifetime: timedelta) -> str:
    """The URL of `asked` that is good from `now`, in UTC, for `lifetime`. Raises ValueError over 7 days."""
    if not timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        raise ValueError(f"a signed URL is good for a second to 7 days, not for {lifetime}")
    parts = urlsplit(asked.url)
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in asked.headers.items()}}
    query = {
        "X-Goog-Algorithm": ALGORITHM,
        "X-Goog-Credential": f"{signer.account}/{now:%Y%m%d}/{SCOPE}",
        "X-Goog-Date": now.strftime(TIME_FORMAT),
        "X-Goog-Expires": str(int(lifetime.total_seconds())),
        "X-Goog-SignedHeaders": ";".join(sorted(headers)),
    }
    signature = signer.sign(string_to_sign(asked.method, parts.path, query, headers).encode())
    return f"{asked.url}?{canonical_query(query)}&{SIGNATURE}={signature.hex()}"


def string_to_sign(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """What the signature covers.

    `path` is percent-encoded, `query` has all decoded parameters but the signature, `headers` are the signed ones by
    their lower-case names, `host` among them.
    """
    _, _, scope = query["X-Goog-Credential"].partition("/")
    canonical = "\n".join(
        (
            method,
            path,
            canonical_query(query),
            "".join(f"{name}:{_canonical_value(headers[name])}\n" for name in sorted(headers)),
            ";".join(sorted(headers)),
            headers.get(_PAYLOAD_HEADER, "UNSIGNED-PAYLOAD"),
        )
    )
    return "\n".join((ALGORITHM, query["X-Goog-Date"], scope, sha256(canonical.encode()).hexdigest()))


def canonical_query(query: Mapping[str, str]) -> str:
    """The parameters in the one order and spelling that is signed."""
    encoded = ((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def encoded_name(name: str) -> str:
    """An object's name as it stands in a path."""
    return quote(name, safe="/~")


def _canonical_value(value: str) -> str:
    return re.sub(r"\s+", " ", value.strip())
