"""Kubernetes: the tenants' cluster, and the API it is reached by."""

from provider_hub.adapters.kubernetes.api import KubernetesApi, connected
from provider_hub.adapters.kubernetes.cluster import Kubernetes
from provider_hub.adapters.kubernetes.ownership import HUB_ID, Hub
from provider_hub.settings.cluster import Cluster

__all__ = ["HUB_ID", "Hub", "Kubernetes", "KubernetesApi", "connect"]


def connect(settings: Cluster) -> Kubernetes:
    """The cluster that the settings name; nothing is called yet."""
    return Kubernetes(connected(settings), Hub(settings.cluster_hub_id, settings.cluster_namespace_prefix))
