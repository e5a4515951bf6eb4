"""The catalog: search and read providers; authors edit, delete and yank theirs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from provider_hub.actions import audit, keys
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.ports import CatalogStore, DocumentStore, ProviderDeletionStore, RolloutStore, Transaction
from provider_hub.actions.provider_access import changeable, changeable_version, visible
from provider_hub.actions.publishers import forget_publishing
from provider_hub.actions.retiring import hide, make_certain, show_again
from provider_hub.actions.rollouts import forget_rollouts
from provider_hub.actions.scope import make_private, record_scope
from provider_hub.actions.services import Services
from provider_hub.actions.takeover import offers_after_status_change, rollouts_after_status_change
from provider_hub.actions.wishes.catalog import CatalogEdit, Search, VersionPage
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.bill_of_materials import bill_of_version
from provider_hub.domain.catalog import (
    TOKEN_LENGTH,
    Provider,
    ProviderVersion,
    StoredLock,
    VersionStatus,
    audiences_of,
    has_words,
    in_scope,
    search_tokens,
    words_of,
)
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import Conflict, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import published_of
from provider_hub.domain.provenance import provenance_object
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version, is_version, latest

# A search for several words filters at most this many providers that have the longest of the words.
CANDIDATES = 1000
_DELETED_AT_ONCE = 400
WHEEL_URL_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider and the number of tenants that have it installed."""

    provider: Provider
    install_count: int


def search(services: Services[CatalogStore], viewer: str | None, wanted: Search) -> tuple[list[Listing], int]:
    """One page of the providers that the viewer's organization may see, by name, and the total number of matches.

    `viewer` is the organization's id, None for a caller who is not signed in.
    """
    audiences, words = _audiences(viewer, wanted.scope), words_of(wanted.q)
    if not audiences or (wanted.q.strip() and not words):
        return [], 0
    tokens = [word[:TOKEN_LENGTH] for word in words] + [f"#{tag}" for tag in wanted.tags]
    if len(tokens) <= 1 and not any(len(word) > TOKEN_LENGTH for word in words):
        token = tokens[0] if tokens else None
        found, total = services.store.find_providers(audiences, token, wanted.limit, wanted.offset)
        return _with_counts(services, found), total
    candidates, _ = services.store.find_providers(audiences, max(tokens, key=len), CANDIDATES, 0)
    matching = [
        provider for provider in candidates if has_words(provider, words) and set(wanted.tags) <= set(provider.tags)
    ]
    page = matching[wanted.offset : wanted.offset + wanted.limit]
    return _with_counts(services, page), len(matching)


def get_provider(services: Services[CatalogStore], viewer: str | None, name: ProviderName) -> Listing:
    """One provider. Raises NotFound, also for one that the viewer may not see."""
    provider = visible(services.store.get(keys.provider(name)), name, viewer)
    return Listing(provider, services.store.install_count(name))


def list_versions(
    services: Services[CatalogStore], viewer: str | None, name: ProviderName, page: VersionPage
) -> list[ProviderVersion]:
    """A page of the versions, the highest semantic version first. Raises NotFound."""
    visible(services.store.get(keys.provider(name)), name, viewer)
    ordered = sorted(services.store.version_numbers(name), key=Version.parse, reverse=True)
    wanted = ordered[page.offset : page.offset + page.limit]
    found = services.store.get_all([keys.version(name, number) for number in wanted])
    return [version for version in found if version is not None]


def get_version(
    services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str
) -> ProviderVersion:
    """One version. Raises NotFound."""
    visible(services.store.get(keys.provider(name)), name, viewer)
    version = services.store.get(keys.version(name, text)) if is_version(text) else None
    if version is None:
        raise NotFound(f"{name} has no version {text[:80]}")
    return version


def get_lock(services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str) -> StoredLock:
    """The lock of a version. Raises NotFound, also for a version that was published before there were locks."""
    version = get_version(services, viewer, name, text)
    lock = services.store.get(keys.lock(name, version.lock_sha256)) if version.lock_sha256 else None
    if lock is None:
        raise NotFound(f"{name} {text} has no lock: it was published before there were locks")
    return lock


def bill_of_materials(
    services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str
) -> dict[str, Any]:
    """A version's bill of materials, CycloneDX 1.6. Raises NotFound as `get_lock` does."""
    version = get_version(services, viewer, name, text)
    lock = get_lock(services, viewer, name, text)
    return bill_of_version(version, DependencyLock.parse(lock.text))


def wheel_url(
    services: Services[DocumentStore], artifacts: ArtifactStore, viewer: str | None, name: ProviderName, text: str
) -> str:
    """Where anyone may fetch the hub's copy of a version's wheel for WHEEL_URL_LIFETIME. Raises NotFound, also for a
    version that was published before the hub kept wheels."""
    version = get_version(services, viewer, name, text)
    if version.wheel_object is None:
        raise NotFound(f"the hub keeps no wheel of {name} {text}: it was published before there was a copy")
    return artifacts.signed_url(version.wheel_object, WHEEL_URL_LIFETIME)


def get_provenance(
    services: Services[CatalogStore], viewer: str | None, name: ProviderName, text: str, file_name: str
) -> dict[str, Any]:
    """The provenance object of a version's wheel (PEP 740). Raises NotFound, likewise where nothing was attested."""
    version = get_version(services, viewer, name, text)
    stored = services.store.get(keys.provenance(name, text)) if version.attestations else None
    if stored is None or stored.file_name != file_name:
        raise NotFound(f"{name} {text} has no attestations of a file {file_name[:80]}")
    return provenance_object(stored)


def edit_provider(services: Services[CatalogStore], by: Actor, name: ProviderName, edit: CatalogEdit) -> Listing:
    """Apply an edit to the catalog row. `by`, here and below, is of the author's organization, or the platform.

    Raises NotFound, Forbidden, or Conflict for a provider that others have installed and that they should not see.
    """
    is_private_now = edit.scope is Scope.TENANT and make_private(services, by, name)

    def decide(transaction: Transaction) -> Provider:
        (found,) = transaction.read(keys.provider(name))
        provider = changeable(found, name, by)
        edited = replace(provider, **edit.changes, updated_at=services.clock())
        if edit.scope is Scope.PUBLIC:
            edited = in_scope(edited, Scope.PUBLIC)
        edited = replace(edited, search_tokens=search_tokens(edited))
        transaction.write(keys.provider(name), edited)
        _record_edit(services, transaction, by, provider, edit, is_further=is_private_now)
        return edited

    provider, _ = services.store.transact(decide)
    return Listing(provider, services.store.install_count(name))


def _record_edit(
    services: Services[CatalogStore],
    transaction: Transaction,
    by: Actor,
    before: Provider,
    edit: CatalogEdit,
    *,
    is_further: bool,
) -> None:
    if edit.scope is Scope.PUBLIC and before.scope is not Scope.PUBLIC:
        record_scope(services, transaction, by, before, Scope.PUBLIC)
    if edit.changes:
        detail = ", ".join(sorted(edit.changes))
        _record(services, transaction, by, AuditAction.PROVIDER_EDITED, before, detail=detail, is_further=is_further)


def delete_provider(services: Services[ProviderDeletionStore], by: Actor, name: ProviderName) -> None:
    """The provider and all its versions. Raises NotFound, Forbidden, or Conflict while anyone has it installed.

    The provider is hidden first and counted second. An install that read the provider before is counted; an install
    that reads it afterwards finds nothing. Who deletes it is recorded before the first version goes. If the process
    crashes before that record, the sweeper shows the provider again (`retiring`). If it crashes later, the provider
    stays hidden. In both cases its author can delete it again.

    Its publishers go first: else the next run of its workflow would bring it back. Nobody else can take the name, which
    is under the organization's own slug.
    """
    hidden = hide(services, by, name)
    count = services.store.install_count(name)
    if count:
        show_again(services, hidden)
        raise Conflict(
            f"{name} is installed {count} times: it can be deleted once no tenant has it; or yank its versions"
        )
    _record_deletion(services, by, hidden)
    forget_publishing(services, name, by)
    numbers = services.store.version_numbers(name)
    for start in range(0, len(numbers), _DELETED_AT_ONCE):
        some = numbers[start : start + _DELETED_AT_ONCE]
        services.store.delete_all([keys.provenance(name, number) for number in some])
        services.store.delete_all([keys.version(name, number) for number in some])
    services.store.delete_all([keys.lock(name, digest) for digest in services.store.lock_digests(name)])
    forget_rollouts(services, name)
    services.store.delete_all([keys.provider(name)])


def _record_deletion(services: Services[DocumentStore], by: Actor, hidden: Provider) -> None:
    def decide(transaction: Transaction) -> None:
        make_certain(transaction, hidden)
        _record(services, transaction, by, AuditAction.PROVIDER_DELETED, hidden, is_further=True)

    services.store.transact(decide)


def yank(
    services: Services[RolloutStore], by: Actor, name: ProviderName, text: str, reason: str | None
) -> ProviderVersion:
    """Stop new installs of a version; what runs goes on. Raises NotFound or Forbidden."""
    return _set_status(services, by, name, text, VersionStatus.YANKED, reason)


def unyank(services: Services[RolloutStore], by: Actor, name: ProviderName, text: str) -> ProviderVersion:
    """Publish a yanked version again. Raises NotFound or Forbidden."""
    return _set_status(services, by, name, text, VersionStatus.PUBLISHED, None)


def _record(
    services: Services[DocumentStore],
    transaction: Transaction,
    by: Actor,
    action: AuditAction,
    provider: Provider,
    *,
    version: str | None = None,
    detail: str | None = None,
    is_further: bool = False,
) -> None:
    subject = f"{provider.canonical} {version}" if version else provider.canonical
    concerns = provider.author.organization_id
    audit.record(services, transaction, by, action, subject, concerns=concerns, detail=detail, is_further=is_further)


def _audiences(viewer: str | None, scope: Scope | None) -> Sequence[str]:
    audiences = audiences_of(viewer)
    if scope is Scope.PUBLIC:
        return audiences[:1]
    return audiences[1:] if scope is Scope.TENANT else audiences


def _with_counts(services: Services[CatalogStore], providers: Sequence[Provider]) -> list[Listing]:
    counts = services.store.install_counts([provider.provider_name for provider in providers])
    return [Listing(provider, count) for provider, count in zip(providers, counts, strict=True)]


def _set_status(
    services: Services[RolloutStore],
    by: Actor,
    name: ProviderName,
    text: str,
    status: VersionStatus,
    reason: str | None,
) -> ProviderVersion:
    """A publish at the same time writes the provider's row too, so one of the two transactions runs again.

    A superseded rollout that no published version supersedes any more goes on, until that version is published again.
    What is to be offered from now on and was never rolled out has a message about it in the same transaction.
    """

    def decide(transaction: Transaction) -> ProviderVersion:
        provider, version = changeable_version(transaction, name, text, by)
        if version.status not in (VersionStatus.PUBLISHED, VersionStatus.YANKED):
            return version  # a version that was never published can be neither yanked nor published here
        if version.yanked_by_platform and not by.is_platform:
            if status is VersionStatus.YANKED:
                return version
            raise Conflict(f"the platform yanked {name} {text}: ask it to take that back, or publish a new version")
        now = services.clock()
        by_platform = by.is_platform and status is VersionStatus.YANKED
        changed = replace(version, status=status, error_message=reason, updated_at=now, yanked_by_platform=by_platform)
        before = {**services.store.version_statuses(name), text: version.status}
        after = {**before, text: status}
        newest = latest([Version.parse(item) for item in published_of(after)])
        offers = offers_after_status_change(services, transaction, provider, before, after)
        for rollout in rollouts_after_status_change(services, transaction, name, before, after):
            transaction.write(keys.rollout_of(rollout), rollout)
        for entry in offers:
            transaction.emit(entry)
        transaction.write(keys.version(name, text), changed)
        transaction.write(
            keys.provider(name),
            replace(provider, latest_version=str(newest) if newest else None, updated_at=now),
        )
        action = AuditAction.VERSION_YANKED if status is VersionStatus.YANKED else AuditAction.VERSION_UNYANKED
        _record(services, transaction, by, action, provider, version=text, detail=reason)
        return changed

    return services.outbox.transact(decide)
