"""The catalog as its authors change it: they edit and delete providers, and yank versions. So does the platform."""

from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.browse import Listing
from provider_hub.actions.ports import CatalogStore, DocumentStore, ProviderDeletionStore, RolloutStore, Transaction
from provider_hub.actions.provider_access import changeable, changeable_version
from provider_hub.actions.publishers import forget_publishing
from provider_hub.actions.retiring import hide, make_certain, show_again
from provider_hub.actions.rollouts import forget_rollouts
from provider_hub.actions.scope import make_private, record_scope
from provider_hub.actions.services import Services
from provider_hub.actions.takeover import offers_after_status_change, rollouts_after_status_change
from provider_hub.actions.wishes.catalog import CatalogEdit
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import (
    Provider,
    ProviderVersion,
    VersionStatus,
    in_scope,
    search_tokens,
)
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import published_of
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version, latest

_DELETED_AT_ONCE = 400


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
