"""Where each record is kept: one document for each record, each found by its key or by an indexed query.

A key brings the module of its record when it is asked for, so a function loads the records that it reads and no others:
the state machine alone is a fifth of what all records together take to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider_hub.actions.ports import Key
from provider_hub.domain.names import ProviderName, is_organization_id
from provider_hub.domain.records import Cursor, DeadLetter, DeliveryError, InstalledCount, KeptAnswer, OutboxEntry

if TYPE_CHECKING:
    from provider_hub.domain.advisories import LockAdvisories
    from provider_hub.domain.audit import AuditEntry
    from provider_hub.domain.catalog import Provider, ProviderVersion, StoredLock
    from provider_hub.domain.installation import Installation
    from provider_hub.domain.organizations import Organization, SlugClaim
    from provider_hub.domain.provenance import ProvenancePolicy, StoredProvenance
    from provider_hub.domain.publishers.records import MintedToken, Publisher, PublishingPolicy, UsedToken
    from provider_hub.domain.publishing_use import PublishingUse
    from provider_hub.domain.rollout import Member, Rollout
    from provider_hub.domain.runtimes import RuntimeVersion
    from provider_hub.domain.uploads import Upload


def organization(organization_id: str) -> Key[Organization]:
    """An organization, by its issuer's id."""
    from provider_hub.domain.organizations import Organization

    return Key(("organizations", organization_id), Organization)


def slug(text: str) -> Key[SlugClaim]:
    """Which organization a slug belongs to."""
    from provider_hub.domain.organizations import SlugClaim

    return Key(("slugs", text), SlugClaim)


def provider(name: ProviderName) -> Key[Provider]:
    """A catalog row."""
    from provider_hub.domain.catalog import Provider

    return Key(("providers", name.document_id), Provider)


def version(name: ProviderName, text: str) -> Key[ProviderVersion]:
    """A version of a provider; `text` is the semantic version."""
    from provider_hub.domain.catalog import ProviderVersion

    return Key(("providers", name.document_id, "versions", text), ProviderVersion)


def lock(name: ProviderName, digest: str) -> Key[StoredLock]:
    """A lock of the provider's versions, by the digest of its text."""
    from provider_hub.domain.catalog import StoredLock

    return Key(("providers", name.document_id, "locks", digest), StoredLock)


def lock_advisories(digest: str) -> Key[LockAdvisories]:
    """What is known of the vulnerabilities of a lock, by the digest of its text, whichever providers have it."""
    from provider_hub.domain.advisories import LockAdvisories

    return Key(("lock_advisories", digest), LockAdvisories)


def provenance(name: ProviderName, text: str) -> Key[StoredProvenance]:
    """The attestations of a version that has any."""
    from provider_hub.domain.provenance import StoredProvenance

    return Key(("providers", name.document_id, "provenance", text), StoredProvenance)


def installation(organization_id: str, name: ProviderName) -> Key[Installation]:
    """The installation of a provider in an organization: there is at most one."""
    from provider_hub.domain.installation import Installation

    return Key(("organizations", organization_id, "installations", name.document_id), Installation)


def installation_of(row: Installation) -> Key[Installation]:
    """The document of a row."""
    return installation(row.organization_id, row.provider_name)


def installed_count(organization_id: str) -> Key[InstalledCount]:
    """How many installations an organization has."""
    return Key(("installed_counts", organization_id), InstalledCount)


def cursor(name: str) -> Key[Cursor]:
    """How far a job of the sweeper has read."""
    return Key(("walks", name), Cursor)


def rollout(name: ProviderName, rollout_id: str) -> Key[Rollout]:
    """A rollout; its id is the version, or that of a version which was locked again (`versions.relock_id`)."""
    from provider_hub.domain.rollout import Rollout

    return Key(("providers", name.document_id, "rollouts", rollout_id), Rollout)


def rollout_of(known: Rollout) -> Key[Rollout]:
    """The document of a rollout."""
    return rollout(known.provider_name, known.rollout_id)


def member(name: ProviderName, rollout_id: str, installation_id: str) -> Key[Member]:
    """An installation in a rollout."""
    from provider_hub.domain.rollout import Member

    return Key((*rollout(name, rollout_id).path, "members", installation_id), Member)


def installation_named(organization_id: str, provider: str) -> Key[Installation] | None:
    """The key of an installation that a message names; None where the names are not valid, since anyone chose them."""
    try:
        name = ProviderName.parse(provider)
    except ValueError:
        return None
    return installation(organization_id, name) if is_organization_id(organization_id) else None


def outbox(event_id: str) -> Key[OutboxEntry]:
    """A message that is not published yet."""
    return Key(("outbox", event_id), OutboxEntry)


def dead_letter(dead_letter_id: str) -> Key[DeadLetter]:
    """A dead letter."""
    return Key(("dead_letters", dead_letter_id), DeadLetter)


def delivery_error(event_id: str) -> Key[DeliveryError]:
    """The reason why an event's last delivery failed."""
    return Key(("delivery_errors", event_id), DeliveryError)


def idempotency(digest: str) -> Key[KeptAnswer]:
    """The answer to a keyed call; `digest` stands for organization, route and key."""
    return Key(("idempotency", digest), KeptAnswer)


def publishing_use(organization_id: str) -> Key[PublishingUse]:
    """What an organization publishes, and has under way."""
    from provider_hub.domain.publishing_use import PublishingUse

    return Key(("publishing_use", organization_id), PublishingUse)


def audit_entry(entry_id: str) -> Key[AuditEntry]:
    """An entry of the audit."""
    from provider_hub.domain.audit import AuditEntry

    return Key(("audit", entry_id), AuditEntry)


def upload(upload_id: str) -> Key[Upload]:
    """A wheel that was announced and is not published yet."""
    from provider_hub.domain.uploads import Upload

    return Key(("uploads", upload_id), Upload)


def publisher(publisher_id: str) -> Key[Publisher]:
    """A trusted publisher of a provider."""
    from provider_hub.domain.publishers.records import Publisher

    return Key(("publishers", publisher_id), Publisher)


def minted_token(digest: str) -> Key[MintedToken]:
    """A token of a trusted publisher, by the SHA-256 of its text."""
    from provider_hub.domain.publishers.records import MintedToken

    return Key(("minted_tokens", digest), MintedToken)


def used_token(digest: str) -> Key[UsedToken]:
    """A CI platform's token that was exchanged; `digest` stands for its issuer and `jti`."""
    from provider_hub.domain.publishers.records import UsedToken

    return Key(("used_tokens", digest), UsedToken)


def provider_policy(name: ProviderName) -> Key[PublishingPolicy]:
    """Who may publish one provider, which need not exist yet."""
    from provider_hub.domain.publishers.records import PublishingPolicy

    return Key(("publishing_policies", name.document_id), PublishingPolicy)


def organization_policy(organization_id: str) -> Key[PublishingPolicy]:
    """Who may publish an organization's providers. No organization's id has a colon, as providers' documents have."""
    from provider_hub.domain.publishers.records import PublishingPolicy

    return Key(("publishing_policies", organization_id), PublishingPolicy)


def provenance_policy(organization_id: str) -> Key[ProvenancePolicy]:
    """Where an organization lets the versions that it installs come from."""
    from provider_hub.domain.provenance import ProvenancePolicy

    return Key(("provenance_policies", organization_id), ProvenancePolicy)


def runtime_version(text: str) -> Key[RuntimeVersion]:
    """A released image of the runtime."""
    from provider_hub.domain.runtimes import RuntimeVersion

    return Key(("runtime_versions", text), RuntimeVersion)
