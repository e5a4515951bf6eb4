"""The message of a runtime about itself, with its types and bounds."""

from dataclasses import field
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from provider_hub.domain.installation import Health
from provider_hub.domain.masking import tail
from provider_hub.domain.names import MAX_CANONICAL

MESSAGE_LENGTH = 2000
MOST_RESOURCE_TYPES = 100
_ResourceType = Annotated[str, Field(min_length=1, max_length=100)]
_Id = Annotated[str, Field(min_length=1, max_length=256)]


def _cut(message: object) -> object:
    """A long message is cut and not refused: a healthy runtime that says much must still become READY."""
    return tail(message, MESSAGE_LENGTH) if isinstance(message, str) else message


_Message = Annotated[str, BeforeValidator(_cut), Field(max_length=MESSAGE_LENGTH)]


@pydantic_dataclass(frozen=True, slots=True, config=ConfigDict(extra="ignore"))
class CheckIn:
    """A runtime's report about itself (contract, section 7). Do not trust it before its token is verified.

    `failed` means that this generation can never start; `message` is the reason then. A `message` over MESSAGE_LENGTH
    characters keeps its end. `resource_types` are the names that the provider's worker serves: none for a provider
    without a worker. `sent_at` is by the runtime's own clock. `lock_sha256` is the digest of the lock that it
    installed. What a runtime sends as null counts as left out.
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

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, given: Any) -> Any:
        """Many a client writes every field that it knows, null where it has nothing to say."""
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given

    def wrong_field(self) -> None:
        """As `messages.Message`: anybody's pod may name anything, and the registration finds out."""
