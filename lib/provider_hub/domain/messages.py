"""The messages on Pub/Sub, and how they are read: with types and bounds, and refused where they do not fit."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from provider_hub.domain.errors import MalformedMessage
from provider_hub.domain.installation import Health, InstallationRequest
from provider_hub.domain.masking import tail
from provider_hub.domain.names import MAX_CANONICAL, ProviderName, is_organization_id

MESSAGE_LENGTH = 2000
MOST_RESOURCE_TYPES = 100
_ResourceType = Annotated[str, Field(min_length=1, max_length=100)]
_Id = Annotated[str, Field(min_length=1, max_length=256)]


def _cut(message: object) -> object:
    """A long message is cut and not refused: a healthy runtime that says much must still become READY."""
    return tail(message, MESSAGE_LENGTH) if isinstance(message, str) else message


_Message = Annotated[str, BeforeValidator(_cut), Field(max_length=MESSAGE_LENGTH)]


@dataclass(frozen=True, slots=True)
class VersionPublished:
    """A version was published that installations with policy `auto` may be upgraded to.

    `organization_id` is the author's, who sees the dead letter if this message dies; None for the platform's.
    """

    provider: str
    version: str
    published_at: datetime
    organization_id: str | None = None

    @property
    def event_id(self) -> str:
        """The same for every publish of this version, so its message exists once."""
        return "version-" + sha256(f"{self.provider} {self.version}".encode()).hexdigest()[:40]


@pydantic_dataclass(frozen=True, slots=True, config=ConfigDict(extra="ignore"))
class CheckIn:
    """A runtime's report about itself (contract, section 7). Do not trust it before its token is verified.

    `failed` means that this generation can never start; `message` is the reason then. A `message` over MESSAGE_LENGTH
    characters keeps its end. `resource_types` are the names that the provider's worker serves: none for a provider
    without a worker. `sent_at` is by the runtime's own clock. `lock_sha256` is the digest of the lock that it
    installed.
    """

    organization_id: _Id
    provider: Annotated[str, Field(min_length=3, max_length=MAX_CANONICAL)]
    version: _Id
    generation: Annotated[int, Field(ge=1, le=2**53)]
    token: Annotated[str, Field(min_length=1, max_length=256)] = field(repr=False)
    health: Health = Health.HEALTHY
    message: _Message | None = None
    instance_id: Annotated[str | None, Field(max_length=256)] = None
    installation_id: _Id | None = None
    active_resources: Annotated[int, Field(ge=0, le=2**53)] = 0
    resource_types: Annotated[tuple[_ResourceType, ...], Field(max_length=MOST_RESOURCE_TYPES)] = ()
    stopping: bool = False
    failed: bool = False
    sent_at: AwareDatetime | None = None
    lock_sha256: Annotated[str | None, Field(max_length=64)] = None


Message = InstallationRequest | VersionPublished

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
# What a consumer receives: one of these.
Received = TypeVar("Received", InstallationRequest, VersionPublished, CheckIn)


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
    if isinstance(decoded, InstallationRequest) and not is_organization_id(decoded.organization_id):
        raise MalformedMessage(f"no {kind.__name__} that can be read: check organization_id")
    if not isinstance(decoded, CheckIn):
        _check_name(decoded)
    return decoded


def _check_name(message: Message) -> None:
    try:
        ProviderName.parse(message.provider)
    except ValueError:
        raise MalformedMessage(f"no {type(message).__name__} that can be read: check provider") from None


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
