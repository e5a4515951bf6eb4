"""Bringing an installation's objects into the cluster, beside `kubectl apply --server-side` of the same manifests."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from provider_hub.adapters import kubernetes
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.manifests import Manifest, RuntimeFacts, installation_manifests, namespace_manifests
from provider_hub.settings.everything import Cluster
from tests import builders
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import Ground

ROUNDS = 7
_FACTS = RuntimeFacts(
    image="provider-hub/pragma-runtime:local",
    check_in_topic="projects/bench/topics/runtime-check-ins",
    pubsub_endpoint="http://pubsub.invalid",
    check_in_seconds=300,
    ca_file="",
    deadline_seconds=600,
    pods_per_namespace=400,
)


def applies(ground: Ground) -> Iterator[Figure]:
    """From the first call to the last object applied, each time for an organization that is new to the cluster."""
    if shutil.which("kubectl") is None:
        print("kubectl is not installed: the floor of an apply is left out")
        return
    cluster = kubernetes.connect(Cluster(kubeconfig=str(ground.kubeconfig))).by_cell[DEFAULT_CELL]

    def ours(namespace: Sequence[Manifest], objects: Sequence[Manifest]) -> None:
        cluster.ensure_namespace(namespace)
        cluster.apply(objects)

    def floor(namespace: Sequence[Manifest], objects: Sequence[Manifest]) -> None:
        _kubectl(ground, [*namespace, *objects])

    rounds = [(_timed(ours, f"ours-{number}"), _timed(floor, f"kubectl-{number}")) for number in range(ROUNDS + 1)]
    applied, bare = zip(*rounds[1:], strict=True)  # the first round fills kubectl's discovery cache
    yield Figure("last object applied, new organization", "ms", Spread.of(applied), Spread.of(bare), Bar(1.5))


def _timed(apply: Callable[[Sequence[Manifest], Sequence[Manifest]], None], slug: str) -> float:
    organization_id = f"org_{slug}"
    row = builders.wish(organization_id=organization_id, organization_slug=slug)
    namespace = namespace_manifests(organization_id, slug, _FACTS)
    objects = installation_manifests(row, builders.version(), _FACTS, "token")
    began = time.perf_counter()
    apply(namespace, objects)
    return (time.perf_counter() - began) * 1000


def _kubectl(ground: Ground, manifests: Sequence[Manifest]) -> None:
    completed = subprocess.run(
        ["kubectl", "apply", "--server-side", "--field-manager=bench", "-f", "-"],
        input="\n".join(json.dumps(manifest) for manifest in manifests).encode(),
        env={**os.environ, "KUBECONFIG": str(ground.kubeconfig), "HOME": str(ground.folder)},
        check=False,
        capture_output=True,
    )
    if completed.returncode:
        raise AssertionError(f"kubectl did not apply: {completed.stderr.decode()}")
