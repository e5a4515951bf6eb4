"""Who the caller is (contract, section 6)."""

from datetime import datetime
from typing import Self

from provider_hub.domain.catalog import Organization
from provider_hub.http.models.base import Response


class WhoAmI(Response):
    kind: str
    user_id: str | None
    machine_id: str | None
    token_id: str | None
    scopes: list[str] | None


class Me(Response):
    user_id: str
    email: str | None
    organization_id: str | None
    organization_name: str | None


class OrganizationBody(Response):
    organization_id: str
    name: str
    slug: str
    status: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> Self:
        return cls.model_validate(organization)
