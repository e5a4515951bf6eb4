"""Undo an apply that came too late: an uninstall may be confirmed while an apply is still running."""

import logging

from provider_hub.actions import keys
from provider_hub.actions.cluster import Cluster
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.names import namespace_for

log = logging.getLogger(__name__)


def remove_if_uninstalled(services: Services[DocumentStore], cluster: Cluster, row: Installation) -> None:
    """Remove the objects that were just applied for `row` when the row is gone or DELETING by now.

    Where the row is gone, no other job removes them soon. Where it is DELETING, the read that confirms the removal may
    have come before the apply. A second removal does no harm. Raises TemporaryError or PermanentError.
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
        log.info("%s was uninstalled meanwhile; %s are still terminating", row.installation_id, ", ".join(left))
