"""Reading installations: a tenant's rows, and what the cluster shows of one of them."""

import logging
from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.cluster import Clusters
from provider_hub.actions.installed import Installed, not_installed
from provider_hub.actions.lock_facts import (
    mend_of,
    refused_mends,
    with_common_facts,
    with_lock_facts,
    without_mend,
)
from provider_hub.actions.ports import DocumentStore, TenantStore
from provider_hub.actions.services import Services
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.organizations import Organization

log = logging.getLogger(__name__)


def list_installed(services: Services[TenantStore], organization: Organization) -> list[Installed]:
    """Every installation of the tenant, oldest first, with its provider."""
    rows = services.store.installations_of(organization.organization_id)
    providers = services.store.get_all([keys.provider(row.provider_name) for row in rows])
    return with_lock_facts(services, [Installed(*pair) for pair in zip(rows, providers, strict=True)])


def get_installed(
    services: Services[TenantStore], organization: Organization, name: ProviderName, *, is_poll: bool = False
) -> Installed:
    """One installation with what the catalog has about it; for a poll that may be some seconds old. Raises NotFound."""
    row = get_row(services, organization, name)
    found = _with_provider(services, row, is_poll=is_poll)
    return without_mend(found) if _refuses_mend(services, found, is_poll=is_poll) else found


def _with_provider(services: Services[TenantStore], row: Installation, *, is_poll: bool) -> Installed:
    name, running = row.provider_name, (row.installed_version, row.revision.lock_sha256)
    now = services.clock()
    known = services.known_providers.find(name, running, now) if is_poll else None
    if known is not None:
        return Installed(row, *known)
    (found,) = with_common_facts(services, [Installed(row, services.store.get(keys.provider(name)))])
    services.known_providers.keep(name, running, found, now)
    return found


def _refuses_mend(services: Services[TenantStore], found: Installed, *, is_poll: bool) -> bool:
    """Whether a newer version mends the installation, and the row's organization refuses that version."""
    mend, now = mend_of(found), services.clock()
    if mend is None:
        return False
    known = services.known_providers.refuses(mend, now) if is_poll else None
    if known is not None:
        return known
    is_refused = mend in refused_mends(services, [mend])
    services.known_providers.keep_refusal(mend, now, is_refused=is_refused)
    return is_refused


def get_row(services: Services[DocumentStore], organization: Organization, name: ProviderName) -> Installation:
    """One installation's row. Raises NotFound."""
    row = services.store.get(keys.installation(organization.organization_id, name))
    if row is None:
        raise not_installed(name)
    return row


def deployment_status(clusters: Clusters, row: Installation) -> DeploymentStatus:
    """The cluster's status of the generation that the row wants. Raises TemporaryError or PermanentError.

    Until the installer has applied that generation, the cluster still shows the one before. Its replicas are
    returned then, with status `pending` and never as healthy.
    """
    name = row.provider_name.object_name
    shown = clusters.of(row).status(namespace_for(row.organization_slug), name, row.installation_id)
    if shown is None:
        shown = DeploymentStatus(0, name, "pending", 0, 0, None, None, None, None, healthy=False)
    if row.lifecycle_state is LifecycleState.FAILED:
        return replace(shown, status="failed", healthy=False, message=shown.message or row.failure_message)
    if shown.generation != row.generation:
        return replace(shown, status="pending", healthy=False, message=shown.message or _awaited(row))
    return replace(shown, message=shown.message or shown.progress)


def status_after_wish(clusters: Clusters, row: Installation) -> DeploymentStatus:
    """As `deployment_status`, right after a change was committed: never raises for the cluster.

    The change is committed. An error for a cluster that does not answer would make it look refused.
    """
    try:
        return deployment_status(clusters, row)
    except (TemporaryError, PermanentError) as error:
        log.warning("the cluster cannot be asked about %s: %s", row.canonical, error)
        name = row.provider_name.object_name
        return DeploymentStatus(0, name, "pending", 0, 0, None, None, None, _awaited(row), healthy=False)


def _awaited(row: Installation) -> str:
    if row.lifecycle_state is LifecycleState.DELETING:
        return "being removed"
    if row.lifecycle_state is LifecycleState.PROCESSING:
        applied = f"the installer applies {row.installed_version}"
        return f"{applied}; if that lasts, somebody deleted the Deployment: deploy again"
    return row.failure_message or f"waiting for the installer to apply {row.installed_version}"
