"""What a cluster and a database still hold of one installation: nothing, once it is uninstalled."""

from pathlib import Path
from typing import Any

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import ListDocumentsRequest
from kubernetes import client, config

from provider_hub.domain.manifests import PROVIDER
from provider_hub.domain.names import ProviderName


def objects_of(kubeconfig: Path, namespace: str, provider: ProviderName) -> list[str]:
    """Every object in the namespace that says it belongs to the provider."""
    connection = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
    core, apps, policy = client.CoreV1Api(connection), client.AppsV1Api(connection), client.PolicyV1Api(connection)
    listings: dict[str, Any] = {
        "Deployment": apps.list_namespaced_deployment,
        "ReplicaSet": apps.list_namespaced_replica_set,
        "Pod": core.list_namespaced_pod,
        "Service": core.list_namespaced_service,
        "Secret": core.list_namespaced_secret,
        "ServiceAccount": core.list_namespaced_service_account,
        "PodDisruptionBudget": policy.list_namespaced_pod_disruption_budget,
    }
    return [
        f"{kind} {item.metadata.name}"
        for kind, listing in listings.items()
        for item in listing(namespace).items
        if (item.metadata.annotations or {}).get(PROVIDER) == provider.canonical
    ]


def documents_of(emulator: str, project: str, organization_id: str, provider: ProviderName) -> list[str]:
    """The installation's row, and every entry of the outbox."""
    database = FirestoreClient(transport=FirestoreGrpcTransport(channel=grpc.insecure_channel(emulator)))
    root = f"projects/{project}/databases/(default)/documents"
    parents = [(f"{root}/organizations/{organization_id}", "installations"), (root, "outbox")]
    found = [
        document.name.removeprefix(f"{root}/")
        for parent, collection in parents
        for document in database.list_documents(
            ListDocumentsRequest(parent=parent, collection_id=collection), metadata=[("authorization", "Bearer owner")]
        )
    ]
    return [name for name in found if name.startswith("outbox/") or name.endswith(f"/{provider.document_id}")]
