"""The callers: the principals of the two realms. They are made only from claims that were verified."""

from enum import StrEnum
from typing import TypeAlias

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishers.claims import RunClaims
from provider_hub.domain.publishers.records import PublishedBy
from provider_hub.domain.roles import Right, right_of_role, right_of_scopes


@dataclass(frozen=True, slots=True)
class OrganizationClaims:
    """The organization that a customer token is for.

    `role` is without the issuer's `org:` prefix, None where the token names none; `name` is the display
    name, None where the issuer does not send one.
    """

    organization_id: str
    slug: str
    role: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person of the customer realm; `organization` is None where no organization is active."""

    user_id: str
    email: str | None = None
    organization: OrganizationClaims | None = None

    @property
    def right(self) -> Right:
        """What it may do in its organization."""
        return right_of_role(self.organization.role if self.organization else None)

    @property
    def subject(self) -> str:
        """The token's `sub`: who is recorded as the cause of a change."""
        return self.user_id


@dataclass(frozen=True, slots=True)
class Machine:
    """A tenant's machine, such as its CI; `organization` is None where the token names none."""

    machine_id: str
    organization: OrganizationClaims | None = None
    scopes: tuple[str, ...] = ()

    @property
    def right(self) -> Right:
        """What it may do in its organization: the scopes of its token decide, and a role in the token does not."""
        return right_of_scopes(self.scopes)

    @property
    def subject(self) -> str:
        """The token's `sub`: who is recorded as the cause of a change."""
        return self.machine_id


@dataclass(frozen=True, slots=True)
class ConsoleUser:
    """A person of the console realm, who reads and never publishes."""

    user_id: str

    @property
    def subject(self) -> str:
        """The token's `sub`: who is recorded as the cause of a change."""
        return self.user_id


class ConsoleScope(StrEnum):
    """What a console machine's token may do: the words of its `scopes`."""

    PUBLISH = "provider_versions:write"
    RUNTIMES = "runtime_versions:write"
    PROVIDERS = "providers:write"
    ORGANIZATIONS = "organizations:write"
    AUDIT = "audit:read"
    DEAD_LETTERS = "dead_letters:write"


@dataclass(frozen=True, slots=True)
class ConsoleMachine:
    """The platform's own release CI; `token_id` is the token's `jti`."""

    machine_id: str
    token_id: str
    scopes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The token's `sub`: who is recorded as the cause of a change."""
        return self.machine_id


@dataclass(frozen=True, slots=True)
class PublishingRun:
    """A CI run that may publish `provider` for a while, and do nothing else.

    `claims` is what an attestation of the run has to say; None of a token from before attestations were taken.
    """

    organization: OrganizationClaims
    provider: ProviderName
    published_by: PublishedBy
    claims: RunClaims | None = None

    @property
    def right(self) -> Right:
        """What it may do in its organization, with this one provider."""
        return Right.PUBLISH

    @property
    def subject(self) -> str:
        """Who is recorded as the cause of a change."""
        return self.published_by.who


CustomerPrincipal: TypeAlias = User | Machine | PublishingRun
ConsolePrincipal: TypeAlias = ConsoleUser | ConsoleMachine
