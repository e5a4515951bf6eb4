"""Undoing an apply that came too late: an uninstall may be confirmed while one is under way."""

import logging

from provider_hub.actions import keys
from provider_hub.actions.cluster import Cluster
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.names import namespace_for

log = logging.getLogger(__name__)


def remove_if_uninstalled(services: Services[DocumentStore], cluster: Cluster, row: Installation) -> None:
    """Called after objects of `row` were applied: where the row is gone by then, nobody else would remove them.

    While it is DELETING, the look that confirms the removal may lie before the apply: removing twice is removing once.
    """
    current = services.store.get(keys.installation_of(row))
    if (
        current
        and current.installation_id == row.installation_id
        and current.lifecycle_state is not LifecycleState.DELETING
    ):
        return
    left = cluster.remove(namespace_for(row.organization_slug), row.installation_id)
    if left:
        log.info("%s was uninstalled meanwhile; %s are on their way out", row.installation_id, ", ".join(left))
