"""Changes of an installation: upgrade, downgrade, deploy again, rollback, other settings, uninstall.

A change that arrives while another one is in progress supersedes it: the row's generation grows, and every message
about the older generation is stale.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from provider_hub.actions import keys
from provider_hub.actions.configuration import (
    ConfigCheck,
    Passed,
    check_needed,
    sealed,
    stored_check_needed,
    transact_checked,
)
from provider_hub.actions.installed import Installed, not_installed
from provider_hub.actions.offer import offer_latest
from provider_hub.actions.ports import DocumentStore, RolloutStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.steps import record_step
from provider_hub.actions.version_choice import check_provenance, chosen_version
from provider_hub.actions.wishes.installations import CONFIG_BYTES, CONFIG_KEYS, SettingsWish
from provider_hub.domain.catalog import Provider, ProviderVersion
from provider_hub.domain.errors import Conflict, Invalid, NotFound
from provider_hub.domain.installation import (
    ChangeRequested,
    Installation,
    LifecycleState,
    Revision,
    UninstallRequested,
    UpgradePolicy,
    advance,
)
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.secret_values import bytes_of, bytes_of_sealed, kept, named
from provider_hub.domain.versions import is_newer

Check = Callable[[Installation, ProviderVersion], None]


def upgrade(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, version: str | None, cause: str
) -> Installed:
    """Change to a newer version, None for the latest. Raises NotFound, Conflict or Invalid."""
    return _to_version(services, organization, name, version, "version", _must_be_newer, cause)


def downgrade(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, version: str, cause: str
) -> Installed:
    """Change to an older version. Raises NotFound, Conflict or Invalid."""
    return _to_version(services, organization, name, version, "target_version", _must_be_older, cause)


def deploy(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, version: str | None, cause: str
) -> Installed:
    """Deploy the installed version once more (None), or any published one. Raises NotFound, Conflict or Invalid."""
    if version is not None:
        return _to_version(services, organization, name, version, "version", lambda _row, _version: None, cause)

    def again(transaction: Transaction) -> Installed:
        row, provider = _read(transaction, organization, name)
        return _changed(services, transaction, Installed(row, provider), row.revision, cause, "deployed again")

    return services.outbox.transact(again)


def rollback(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, cause: str
) -> Installed:
    """Change back to the revision that was READY last, as a failed change does by itself.

    Raises NotFound, or Conflict if nothing was READY yet, or if that revision is the present one.
    """

    def decide(transaction: Transaction) -> Installed:
        row, provider = _read(transaction, organization, name)
        restored = row.ready_revision
        if restored is None:
            raise Conflict(f"{name} was never ready: there is nothing to go back to")
        if restored == row.revision:
            raise Conflict(f"{name} {restored.version} is what was ready last: to run an older version, use downgrade")
        reason = f"back to {restored.version}"
        return _changed(services, transaction, Installed(row, provider), restored, cause, reason)

    return services.outbox.transact(decide)


def change_settings(
    services: Services[RolloutStore], organization: Organization, name: ProviderName, wish: SettingsWish, cause: str
) -> Installed:
    """Change settings. Another tier or config is deployed.

    A policy that now takes a newer version, whose rollout is done, upgrades to it at once: no rollout comes back for
    this installation. The other policies change nothing that runs.

    Raises NotFound, Conflict, or Invalid for a config that does not fit the version's schema.
    """

    secrets = sealed(services, organization.organization_id, name, wish.config or {})

    def decide(transaction: Transaction, passed: Passed) -> Installed | ConfigCheck:
        found, provider = _read(transaction, organization, name)
        wanted = _with_offer(found, _with_wish(found, wish, secrets), services.clock())
        row, revision = replace(wanted, revision=found.revision), wanted.revision
        if wish.config is not None:
            (version,) = transaction.read(keys.version(name, row.installed_version))
            check = check_needed(row.organization_id, wish.config, version, kept(found.revision.secrets, wish.config))
            if check and check not in passed:
                return check
        if revision != row.revision:
            return _changed(services, transaction, Installed(row, provider), revision, cause, "settings changed")
        if row != found:
            row = replace(row, updated_at=services.clock())
            transaction.write(keys.installation(organization.organization_id, name), row)
        return Installed(row, provider)

    changed = transact_checked(services, decide)
    if wish.upgrade_policy is UpgradePolicy.AUTO or wish.allow_major_upgrades:
        return replace(changed, row=offer_latest(services, changed.row))
    return changed


def uninstall(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, *, cascade: bool, cause: str
) -> Installed:
    """Request the removal; the row becomes DELETING.

    Raises NotFound, and Conflict without `cascade` while the runtime reports resources that it manages.
    """

    def decide(transaction: Transaction) -> Installed:
        row, provider = _read(transaction, organization, name)
        if row.active_resources and not cascade:
            raise Conflict(
                f"{name} still manages {row.active_resources} resources: "
                "remove them first, or uninstall with cascade=true"
            )
        now = services.clock()
        event = UninstallRequested(row.installation_id, cause)
        step = record_step(transaction, advance(row, event, now, services.deadlines), now)
        return Installed(step.kept, provider)

    return services.outbox.transact(decide)


def _to_version(
    services: Services[DocumentStore],
    organization: Organization,
    name: ProviderName,
    wished: str | None,
    field: str,
    check: Check,
    cause: str,
) -> Installed:
    def decide(transaction: Transaction, passed: Passed) -> Installed | ConfigCheck:
        row, provider = _read(transaction, organization, name)
        if provider is None:
            raise NotFound(f"there is no provider {name}")
        (policy,) = transaction.read(keys.provenance_policy(organization.organization_id))
        version = chosen_version(transaction, provider, wished, field)
        check(row, version)
        check_provenance(policy, version, field, installed=row.installed_version)
        needed = stored_check_needed(row, version)
        if needed and needed not in passed:
            return needed
        revision = row.revision.at(version.version, version.lock_sha256)
        is_same = version.version == row.installed_version
        reason = f"{version.version} again" if is_same else f"{row.installed_version} to {version.version}"
        return _changed(services, transaction, Installed(row, provider), revision, cause, reason)

    return transact_checked(services, decide)


def _read(
    transaction: Transaction, organization: Organization, name: ProviderName
) -> tuple[Installation, Provider | None]:
    """The row and its provider. Raises NotFound, or Conflict while the row is being removed."""
    row, provider = transaction.read(keys.installation(organization.organization_id, name), keys.provider(name))
    if row is None:
        raise not_installed(name)
    if row.lifecycle_state is LifecycleState.DELETING:
        raise Conflict(f"{name} is being removed: nothing about it can be changed any more")
    return row, provider


def _changed(
    services: Services[DocumentStore],
    transaction: Transaction,
    current: Installed,
    revision: Revision,
    cause: str,
    reason: str,
) -> Installed:
    now = services.clock()
    event = ChangeRequested(current.row.installation_id, revision, cause, reason)
    step = record_step(transaction, advance(current.row, event, now, services.deadlines), now)
    return Installed(step.kept, current.provider)


def _must_be_newer(row: Installation, chosen: ProviderVersion) -> None:
    """Its own version counts as an upgrade if it was locked again since."""
    version = chosen.version
    if version == row.installed_version and chosen.lock_sha256 != row.revision.lock_sha256:
        return
    _must_differ(row, version)
    if not is_newer(version, than=row.installed_version):
        raise Invalid.at(
            "body", "version", msg=f"{version} is older than the installed {row.installed_version}: use downgrade"
        )


def _must_be_older(row: Installation, chosen: ProviderVersion) -> None:
    version = chosen.version
    _must_differ(row, version)
    if is_newer(version, than=row.installed_version):
        raise Invalid.at(
            "body", "target_version", msg=f"{version} is newer than the installed {row.installed_version}: use upgrade"
        )


def _must_differ(row: Installation, version: str) -> None:
    if version == row.installed_version:
        raise Conflict(f"{row.canonical} is on {version} already: to run it once more, use deploy")


def _with_wish(row: Installation, wish: SettingsWish, secrets: Mapping[str, str]) -> Installation:
    """The row with the wish applied; a config keeps the secrets that it does not name.

    Raises Invalid for too large a config.
    """
    changed = row.with_settings(wish.settings)
    if wish.config is None:
        return changed
    staying = kept(row.revision.secrets, wish.config)
    if len(staying) + len(changed.revision.config) + len(secrets) > CONFIG_KEYS:
        raise Invalid.at(
            "body", "config", msg=f"is over {CONFIG_KEYS} keys with the secrets that stay: {named(staying)}; drop some"
        )
    if bytes_of(wish.config) + bytes_of_sealed(staying) > CONFIG_BYTES:
        raise Invalid.at(
            "body",
            "config",
            msg=f"is over {CONFIG_BYTES} bytes with the secrets that stay: {named(staying)}; drop some",
        )
    return replace(changed, revision=replace(changed.revision, secrets={**staying, **secrets}))


def _with_offer(before: Installation, after: Installation, now: datetime) -> Installation:
    """A rollout under way may have passed this row by, so one that takes more versions now is offered them later on."""
    takes = (after.upgrade_policy, after.allow_major_upgrades)
    if after.upgrade_policy is not UpgradePolicy.AUTO or takes == (before.upgrade_policy, before.allow_major_upgrades):
        return after
    return replace(after, offer_due_at=now)
