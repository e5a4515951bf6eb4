"""The messages on Pub/Sub, and how they are read: with types and bounds, and refused where they do not fit.

Beside `VersionPublished` these are `InstallationRequest` (`installation`) and `CheckIn` (`check_in`).
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import MalformedMessage
from provider_hub.domain.names import is_canonical


class Message(Protocol):
    """What is sent over a topic."""

    def wrong_field(self) -> str | None:
        """The field whose value cannot be the name of anything; None if there is no such field."""


@dataclass(frozen=True, slots=True)
class VersionPublished:
    """A version was published, or locked again, that installations with policy `auto` may be upgraded to.

    `organization_id` is the author's, who sees the dead letter if this message dies; None for the platform's.
    `lock_sha256` is the other lock of a version that was published before, and `published_at` is when it got it.
    `offered_again_at` is when a yank, or the end of one, made a version one to offer that was published before.
    """

    provider: str
    version: str
    published_at: datetime
    organization_id: str | None = None
    lock_sha256: str | None = None
    offered_again_at: datetime | None = None

    @property
    def event_id(self) -> str:
        """The same for every publish of this version, so its message exists once; another for each new lock.

        Another also for each time that it is offered again: the first message may be on its way still, and its entry
        in the outbox would be deleted together with the later one's.
        """
        about = f"{self.provider} {self.version}"
        if self.lock_sha256 is not None:
            about += f" {self.lock_sha256} {self.published_at.isoformat()}"
        if self.offered_again_at is not None:
            about += f" again {self.offered_again_at.isoformat()}"
        return "version-" + sha256(about.encode()).hexdigest()[:40]

    def wrong_field(self) -> str | None:
        """As `Message`."""
        return None if is_canonical(self.provider) else "provider"


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
# What a consumer receives.
Received = TypeVar("Received", bound=Message)


def encode(message: Message) -> bytes:
    """The message as JSON, times in UTC."""
    return _adapter(type(message)).dump_json(message)


def decode(kind: type[Received], data: bytes) -> Received:
    """Raises MalformedMessage naming the fields that are wrong, never their values."""
    try:
        decoded: Received = _adapter(kind).validate_json(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) or "body" for item in error.errors())
        raise MalformedMessage(f"no {kind.__name__} that can be read: check {fields}") from None
    if wrong := decoded.wrong_field():
        raise MalformedMessage(f"no {kind.__name__} that can be read: check {wrong}")
    return decoded


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def check_in_token(key: bytes, organization_id: str, installation_id: str, generation: int) -> str:
    """The token by which one generation's runtime proves itself: an HMAC-SHA-256 in URL-safe base 64.

    It is computed from the three arguments, so the hub stores no token. It is useless for another tenant, another life
    of the provider, or another generation.
    """
    subject = "\0".join((organization_id, installation_id, str(generation))).encode()
    return urlsafe_b64encode(hmac.digest(key, subject, "sha256")).decode().rstrip("=")


def token_matches(presented: str, expected: str) -> bool:
    """Compare in constant time, so the duration says nothing about the expected token."""
    return hmac.compare_digest(presented.encode(), expected.encode())
