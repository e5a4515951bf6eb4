"""Where each record is kept (design: one document a record, no collection scanned)."""

from provider_hub.actions.ports import Key
from provider_hub.domain.catalog import Organization, Provider, ProviderVersion, RuntimeVersion, SlugClaim
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName, is_organization_id
from provider_hub.domain.records import Cursor, DeadLetter, DeliveryError, KeptAnswer, OutboxEntry
from provider_hub.domain.rollout import Member, Rollout


def organization(organization_id: str) -> Key[Organization]:
    return Key(("organizations", organization_id), Organization)


def slug(text: str) -> Key[SlugClaim]:
    return Key(("slugs", text), SlugClaim)


def provider(name: ProviderName) -> Key[Provider]:
    return Key(("providers", name.document_id), Provider)


def version(name: ProviderName, text: str) -> Key[ProviderVersion]:
    return Key(("providers", name.document_id, "versions", text), ProviderVersion)


def installation(organization_id: str, name: ProviderName) -> Key[Installation]:
    return Key(("organizations", organization_id, "installations", name.document_id), Installation)


def installation_of(row: Installation) -> Key[Installation]:
    return installation(row.organization_id, row.provider_name)


def cursor(name: str) -> Key[Cursor]:
    return Key(("walks", name), Cursor)


def rollout(name: ProviderName, version: str) -> Key[Rollout]:
    return Key(("providers", name.document_id, "rollouts", version), Rollout)


def member(name: ProviderName, version: str, installation_id: str) -> Key[Member]:
    return Key((*rollout(name, version).path, "members", installation_id), Member)


def installation_named(organization_id: str, provider: str) -> Key[Installation] | None:
    """None for what can be nobody's installation: the words of a message are its sender's to choose."""
    try:
        name = ProviderName.parse(provider)
    except ValueError:
        return None
    return installation(organization_id, name) if is_organization_id(organization_id) else None


def outbox(event_id: str) -> Key[OutboxEntry]:
    return Key(("outbox", event_id), OutboxEntry)


def dead_letter(dead_letter_id: str) -> Key[DeadLetter]:
    return Key(("dead_letters", dead_letter_id), DeadLetter)


def delivery_error(event_id: str) -> Key[DeliveryError]:
    return Key(("delivery_errors", event_id), DeliveryError)


def idempotency(digest: str) -> Key[KeptAnswer]:
    return Key(("idempotency", digest), KeptAnswer)


def runtime_version(text: str) -> Key[RuntimeVersion]:
    return Key(("runtime_versions", text), RuntimeVersion)
