"""Install: a tenant's request becomes a PENDING row and an outbox entry, in one transaction."""

from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.configuration import ConfigCheck, Passed, check_needed, sealed, transact_checked
from provider_hub.actions.installed import Installed
from provider_hub.actions.installed_counts import add_installed, admit_installation
from provider_hub.actions.placement import place_organization
from provider_hub.actions.ports import TenantStore, Transaction
from provider_hub.actions.provider_access import visible
from provider_hub.actions.services import Services
from provider_hub.actions.steps import record_step
from provider_hub.actions.version_choice import check_provenance, chosen_version, runnable
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.errors import Conflict
from provider_hub.domain.installation import (
    Installation,
    LifecycleState,
    Revision,
    install,
)
from provider_hub.domain.organizations import Organization


def request_install(
    services: Services[TenantStore], organization: Organization, wish: InstallWish, cause: str
) -> Installed:
    """Create the row, PENDING. Raises NotFound, Conflict, Invalid or QuotaExceeded.

    The transaction reads four documents, in one round trip where the version is named, and writes three. The first
    install of an organization chooses its cell: that reads two more one after the other, and writes one.
    """
    admit_installation(services, organization.organization_id)
    secrets = sealed(services, organization.organization_id, wish.provider_name, wish.config)
    provider_key = keys.provider(wish.provider_name)
    row_key = keys.installation(organization.organization_id, wish.provider_name)
    policy_key = keys.provenance_policy(organization.organization_id)

    def decide(transaction: Transaction, passed: Passed) -> Installed | ConfigCheck:
        if wish.version is None:
            found, existing, policy = transaction.read(provider_key, row_key, policy_key)
            provider = visible(found, wish.provider_name, organization.organization_id)
            _refuse_existing(existing)
            version = chosen_version(transaction, provider, None, "version")
        else:
            version_key = keys.version(wish.provider_name, wish.version)
            found, existing, policy, named = transaction.read(provider_key, row_key, policy_key, version_key)
            provider = visible(found, wish.provider_name, organization.organization_id)
            _refuse_existing(existing)
            version = runnable(named, wish.provider_name, wish.version, "version")
        check_provenance(policy, version)
        check = check_needed(organization.organization_id, wish.config, version)
        if check and check not in passed:
            return check
        cell = _known_cell(services, organization) or place_organization(services, transaction, organization)
        add_installed(transaction, organization.organization_id, 1)
        row = replace(_new_row(services, organization, wish, version, secrets), cell=cell)
        step = install(row, services.deadlines, cause)
        return Installed(record_step(transaction, step, step.kept.created_at).kept, provider)

    if _known_cell(services, organization):
        return transact_checked(services, decide)
    # The first install writes the organization. First installs that run at the same time take turns in this process:
    # the commits of two conflict, and the database has the second one wait for a second or more.
    with services.locks.hold(organization.organization_id):
        installed = transact_checked(services, decide)
        services.known_cells.keep(organization.organization_id, installed.row.cell, services.clock())
    return installed


def _known_cell(services: Services[TenantStore], organization: Organization) -> str | None:
    return organization.cell or services.known_cells.find(organization.organization_id, services.clock())


def _new_row(
    services: Services[TenantStore],
    organization: Organization,
    wish: InstallWish,
    version: ProviderVersion,
    secrets: dict[str, str],
) -> Installation:
    now = services.clock()
    row = Installation(
        organization_id=organization.organization_id,
        organization_slug=organization.slug,
        prefix=wish.provider_name.prefix,
        name=wish.provider_name.name,
        installation_id=services.new_id(now),
        generation=1,
        revision=Revision(version.version, wish.resource_tier, {}, version.lock_sha256, secrets),
        upgrade_policy=wish.upgrade_policy,
        lifecycle_state=LifecycleState.PENDING,
        created_at=now,
        updated_at=now,
    )
    return row.with_settings(wish.settings)


def _refuse_existing(existing: Installation | None) -> None:
    if existing is None:
        return
    if existing.lifecycle_state is LifecycleState.DELETING:
        raise Conflict(f"{existing.canonical} is still being removed: install it again once it is gone")
    raise Conflict(
        f"{existing.canonical} is installed already, at {existing.installed_version}: upgrade, downgrade or change it"
    )
