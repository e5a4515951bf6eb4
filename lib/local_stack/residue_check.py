"""What a cluster and a database still hold of one installation: nothing, once it is uninstalled.

Both are asked over HTTP, without Google's client, and without Kubernetes' where the cluster is an embedded one: their
imports take longer than all of the questions.
"""

import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

from provider_hub.domain.manifests import PROVIDER
from provider_hub.domain.names import ProviderName

Json = dict[str, Any]
# A base URL, the headers that authenticate, and the TLS for `https`.
Access = tuple[str, dict[str, str], ssl.SSLContext | None]

_KINDS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "ReplicaSet": "apis/apps/v1/namespaces/{}/replicasets",
    "Pod": "api/v1/namespaces/{}/pods",
    "Service": "api/v1/namespaces/{}/services",
    "Secret": "api/v1/namespaces/{}/secrets",
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
}
_ANSWER_SECONDS = 30.0


class ResidueUnknown(Exception):
    """The cluster or the database did not say what it holds; the message has its answer."""


def objects_of(kubeconfig: Path, namespace: str, provider: ProviderName) -> list[str]:
    """Every object in the namespace that says it belongs to the provider.

    Raises ResidueUnknown, AccessError for a kubeconfig that cannot be used, or urllib3's HTTPError.
    """
    with _cluster(kubeconfig) as get:
        return [
            f"{kind} {item['metadata']['name']}"
            for kind, path in _KINDS.items()
            for item in get(f"/{path.format(namespace)}")["items"]
            if (item["metadata"].get("annotations") or {}).get(PROVIDER) == provider.canonical
        ]


@contextmanager
def _cluster(kubeconfig: Path) -> Iterator[Callable[[str], Json]]:
    """What gets a path's JSON from the cluster."""
    url, headers, tls = _embedded(kubeconfig) or _other(kubeconfig)
    with urllib3.PoolManager(ssl_context=tls) as http:
        yield lambda path: _asked(http, url + path, headers)


def _embedded(kubeconfig: Path) -> Access | None:
    """How to reach an embedded cluster; None for a kubeconfig that says more than an embedded cluster's does."""
    config = yaml.safe_load(kubeconfig.read_text())
    if len(config["clusters"]) != 1 or len(config["users"]) != 1:
        return None
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    if set(user) != {"token"} or set(cluster) != {"server", "certificate-authority-data"}:
        return None
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    return cluster["server"], _bearer(user["token"]), ssl.create_default_context(cadata=authority)


def _other(kubeconfig: Path) -> Access:
    """How to reach a cluster of another kind, whose kubeconfig may name any way to sign in. Raises AccessError."""
    from local_kubernetes.node.access import load_access  # noqa: PLC0415 - see above

    access = load_access(kubeconfig)
    return access.url, access.headers, access.tls if isinstance(access.tls, ssl.SSLContext) else None


def documents_of(emulator: str, project: str, organization_id: str, provider: ProviderName) -> list[str]:
    """The installation's row, and every entry of the outbox. Raises ResidueUnknown, or urllib3's HTTPError."""
    root = f"projects/{project}/databases/(default)/documents"
    found: list[str] = []
    with urllib3.PoolManager() as http:
        for collection in (f"organizations/{organization_id}/installations", "outbox"):
            found += (
                name.removeprefix(f"{root}/") for name in _names(http, f"http://{emulator}/v1/{root}/{collection}")
            )
    return [name for name in found if name.startswith("outbox/") or name.endswith(f"/{provider.document_id}")]


def _names(http: urllib3.PoolManager, collection: str) -> Iterator[str]:
    """The names of a collection's documents, page after page."""
    page = ""
    while True:
        answer = _asked(http, f"{collection}?{urlencode({'pageSize': 300, 'pageToken': page})}", _bearer("owner"))
        yield from (document["name"] for document in answer.get("documents", []))
        page = answer.get("nextPageToken", "")
        if not page:
            return


def _asked(http: urllib3.PoolManager, url: str, headers: dict[str, str]) -> Json:
    response = http.request("GET", url, headers=headers, timeout=_ANSWER_SECONDS, retries=False)
    if response.status != 200:
        raise ResidueUnknown(f"GET {url} was answered with {response.status}: {response.data[:500]!r}")
    answer: Json = response.json()
    return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
