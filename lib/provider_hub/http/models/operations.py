"""Dead letters and liveness (contract, section 6)."""

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from provider_hub.domain.records import DeadLetter
from provider_hub.http.models.base import Request, Response
from provider_hub.http.models.fields import NO_NUL


class DeadLetterQuery(Request):
    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = None


class DeadLetterDeletion(Request):
    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = None
    all: bool = False


class DeadLetterBody(Response):
    id: str
    event_id: str
    provider: str | None
    resource_type: str
    resource_name: str | None
    event_type: str
    payload: dict[str, Any]
    error_message: str
    attempt_count: int
    failed_at: datetime

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        payload = json.loads(letter.payload)
        return cls(
            id=letter.dead_letter_id,
            event_id=letter.event_id,
            provider=letter.provider,
            resource_type="provider_installation",
            resource_name=letter.provider,
            event_type=letter.event_type,
            payload=payload,
            error_message=letter.error_message,
            attempt_count=letter.attempt_count,
            failed_at=letter.failed_at,
        )


class RetriedCount(Response):
    retried_count: int


class DeletedCount(Response):
    deleted_count: int


class HealthBody(Response):
    status: str = "ok"
