"""Kubernetes: the tenants' clusters, one for each cell, and the API they are reached by."""

from provider_hub.actions.cluster import Clusters
from provider_hub.adapters.kubernetes.api import KubernetesApi, connected
from provider_hub.adapters.kubernetes.cluster import Kubernetes
from provider_hub.adapters.kubernetes.credentials import IamToken
from provider_hub.adapters.kubernetes.ownership import HUB_ID, Hub
from provider_hub.settings.cluster import Cluster

__all__ = ["HUB_ID", "Hub", "Kubernetes", "KubernetesApi", "connect"]


def connect(settings: Cluster) -> Clusters[Kubernetes]:
    """The clusters that the settings name; nothing is called yet."""
    hub = Hub(settings.cluster_hub_id, settings.cluster_namespace_prefix)
    iam = IamToken()  # it is the process's own, in whichever cell
    named = settings.clusters_by_cell.items()
    return Clusters({cell: Kubernetes(connected(where, iam), hub, cell=cell) for cell, where in named})
