"""The audit: who did what, and from where. An entry is written once and never changed."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.identity import (
    ConsoleMachine,
    ConsolePrincipal,
    ConsoleUser,
    CustomerPrincipal,
    PublishingRun,
    User,
)
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind

KEPT = timedelta(days=400)
DETAIL_LENGTH = 500


class AuditAction(StrEnum):
    """What the audit records."""

    VERSION_PUBLISHED = "version-published"
    VERSION_YANKED = "version-yanked"
    VERSION_UNYANKED = "version-unyanked"
    RELOCK_REQUESTED = "relock-requested"
    PROVIDER_EDITED = "provider-edited"
    PROVIDER_DELETED = "provider-deleted"
    SCOPE_CHANGED = "scope-changed"
    ROLLOUT_PAUSED = "rollout-paused"
    ROLLOUT_RESUMED = "rollout-resumed"
    RUNTIME_REGISTERED = "runtime-registered"
    ORGANIZATION_SUSPENDED = "organization-suspended"
    ORGANIZATION_RESUMED = "organization-resumed"
    SLUG_RELEASED = "slug-released"
    STORAGE_ALLOWED = "storage-allowed"
    DEAD_LETTER_RETRIED = "dead-letter-retried"
    DEAD_LETTER_DELETED = "dead-letter-deleted"
    PUBLISHER_ADDED = "publisher-added"
    PUBLISHER_REMOVED = "publisher-removed"
    PUBLISHING_CHANGED = "publishing-changed"
    PROVENANCE_REQUIRED = "provenance-required"
    REFUSED = "refused"


class ActorKind(StrEnum):
    """The kinds of callers."""

    USER = "user"
    MACHINE = "machine"
    CONSOLE_USER = "console_user"
    CONSOLE_MACHINE = "console_machine"
    TRUSTED_PUBLISHER = "trusted_publisher"


# The console realm's, which act on any organization.
PLATFORM = frozenset({ActorKind.CONSOLE_USER, ActorKind.CONSOLE_MACHINE})
_PUBLISHING = {
    ActorKind.USER: PublisherKind.USER,
    ActorKind.MACHINE: PublisherKind.MACHINE,
    ActorKind.CONSOLE_USER: PublisherKind.PLATFORM,
    ActorKind.CONSOLE_MACHINE: PublisherKind.PLATFORM,
    ActorKind.TRUSTED_PUBLISHER: PublisherKind.TRUSTED_PUBLISHER,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something, and from where.

    `subject` is the token's `sub`. `organization_id` is the token's organization, None for the platform. `address` is
    the caller's IP address as far as it can be believed, "" where it is not known. `run` is the CI run that a
    trusted publisher's token was minted for.
    """

    kind: ActorKind
    subject: str
    organization_id: str | None
    address: str = ""
    run: PublishingRun | None = None

    @property
    def is_platform(self) -> bool:
        """Whether it is of the console realm, which acts on any organization."""
        return self.kind in PLATFORM

    @property
    def published_by(self) -> PublishedBy:
        """The same, as a version that it publishes keeps it."""
        return self.run.published_by if self.run else PublishedBy(self.subject, _PUBLISHING[self.kind])

    @classmethod
    def of(cls, principal: CustomerPrincipal | ConsolePrincipal, address: str) -> Self:
        """The caller that a verified token stands for."""
        if isinstance(principal, ConsoleUser):
            return cls(ActorKind.CONSOLE_USER, principal.subject, None, address)
        if isinstance(principal, ConsoleMachine):
            return cls(ActorKind.CONSOLE_MACHINE, principal.subject, None, address)
        if isinstance(principal, PublishingRun):
            organization_id = principal.organization.organization_id
            return cls(ActorKind.TRUSTED_PUBLISHER, principal.subject, organization_id, address, principal)
        kind = ActorKind.USER if isinstance(principal, User) else ActorKind.MACHINE
        organization = principal.organization
        return cls(kind, principal.subject, organization.organization_id if organization else None, address)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done, or refused. Firestore deletes it at `expires_at`.

    `subject` is what it was done to: a provider, a version as `prefix/name version`, an organization, or the route of a
    refusal. `organization_id` is the organization that it concerns. If the platform acts, that is the provider's author
    or the organization that it suspends, and None for the platform's own things.
    """

    entry_id: str
    at: datetime
    action: AuditAction
    actor_kind: ActorKind
    actor: str
    address: str
    organization_id: str | None
    subject: str
    detail: str | None
    expires_at: datetime

    @property
    def by_platform(self) -> bool:
        """Whether the platform did it, and nobody of the organization that it concerns."""
        return self.actor_kind in PLATFORM


@dataclass(frozen=True, slots=True)
class AuditPlace:
    """The last entry of the page before: entries are ordered by both fields, newest first."""

    at: datetime
    entry_id: str
