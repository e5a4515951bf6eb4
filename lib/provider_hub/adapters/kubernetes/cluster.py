"""Kubernetes: server-side apply that an older generation can never win, and removal that is confirmed.

An apply reads the object first. One of a newer generation, or of another installation, is left alone; over
an older one the apply carries the `resourceVersion` that was read, so that a writer in between turns it
into a conflict, upon which everything is looked at again. A missing object is applied with a
`resourceVersion` that no object has: if somebody creates it in between, that is a conflict too, while on
an object that is still missing the server ignores it and creates (a Service only since Kubernetes 1.23).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provider_hub.actions.cluster import LogRequest, ObjectOwner, PodOutput, RuntimePod, StaleGeneration
from provider_hub.adapters.kubernetes.api import APPLIED_AT_ONCE, Conflicted, Expired, Gone, KubernetesApi, Object
from provider_hub.adapters.kubernetes.cell_mark import CellMark
from provider_hub.adapters.kubernetes.ownership import (
    ONLY_HUB,
    Hub,
    annotation,
    generation_of,
    installation_of,
    is_made_by_hub,
    is_of,
    is_of_others,
    owner_of,
    without_foreign_fields,
)
from provider_hub.adapters.kubernetes.pod_logs import read_output, runtime_pod
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.deployment import DeploymentStatus, describe
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    MANAGER,
    ORGANIZATION_ID,
    TOKEN,
    Manifest,
)

log = logging.getLogger(__name__)

_CONFLICT_TRIES = 5
_NEVER_A_VERSION = "1"
_NAMESPACE_TRUST_SECONDS = 600.0
_BOOKKEEPING = ("resourceVersion", "generation", "managedFields")
_OURS = ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Secret")
_TRACED = ("Deployment", "Secret", "Service", "ServiceAccount", "PodDisruptionBudget")
_LEFT_TO_WAIT_FOR = (*_OURS, "ReplicaSet", "Pod")


class Kubernetes:
    """One cluster, as one hub of perhaps several sees it; the port is `actions.cluster.Cluster`."""

    def __init__(
        self,
        api: KubernetesApi,
        hub: Hub = ONLY_HUB,
        clock: Callable[[], float] = time.monotonic,
        cell: str = DEFAULT_CELL,
    ) -> None:
        """`clock` gives seconds. Connects to nothing."""
        self._api = api
        self._hub = hub
        self._pool = ThreadPoolExecutor(APPLIED_AT_ONCE, thread_name_prefix="kubernetes")
        self._clock = clock
        # Until when, of which organization: its slug, and so its namespace, may become another's.
        self._trusted_namespaces: dict[str, tuple[float, str | None]] = {}
        self._mark = CellMark(api, hub, cell, clock)
        self._tolerated: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    def ensure_namespace(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply an organization's namespace and its limits, unless that was done a short while ago.

        Raises PermanentError where the namespace is another hub's, another organization's or somebody else's, and
        TemporaryError where the cluster is another cell.
        """
        namespace, *limits = [self._hub.stamped(manifest) for manifest in manifests]
        name, organization = namespace["metadata"]["name"], annotation(namespace, ORGANIZATION_ID)
        with self._lock:
            until, trusted = self._trusted_namespaces.get(name, (0.0, None))
            if until > self._clock() and trusted == organization:
                return []
        try:
            self._mark.ensure()
            changed = [self._apply_namespace(namespace), *self._each(self._apply_unfenced, limits)]
        except (Gone, Conflicted) as error:
            raise TemporaryError(f"the namespace {name} is being changed by another as well") from error
        with self._lock:
            self._trusted_namespaces[name] = self._clock() + _NAMESPACE_TRUST_SECONDS, organization
        return _names([namespace, *limits], changed)

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply all but the last side by side, then the last: the Deployment, whose pods need the others."""
        stamped = [self._hub.stamped(manifest) for manifest in manifests]
        try:
            changed = self._each(self._apply_fenced, stamped[:-1])
            changed.append(self._apply_fenced(stamped[-1]))
            return _names(stamped, changed)
        except Gone as gone:
            with self._lock:
                self._trusted_namespaces.pop(stamped[-1]["metadata"]["namespace"], None)
            raise TemporaryError("the namespace is gone; it will be made again") from gone

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        """Delete what older generations left, and copies of the installation's objects that somebody else made."""
        within = self._hub.namespace(namespace)
        for kind in ("Secret", "PodDisruptionBudget", "Deployment"):
            for item in self._list(kind, within, installation_id):
                is_outdated = kind != "Deployment" and _is_outdated(item, keep_generations)
                if is_outdated or not is_made_by_hub(item):
                    self._api.delete(kind, item)

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        """Delete everything of the installation; the second look also finds what somebody took the label from.

        Raises TemporaryError where the cluster is another cell: what it does not have may run in the right one.
        """
        self._mark.refuse_other_cell()
        within = self._hub.namespace(namespace)

        def delete(kind: str) -> None:
            for item in self._list(kind, within, installation_id):
                self._api.delete(kind, item)

        def delete_rest(kind: str) -> list[str]:
            items = self._belonging(kind, within, installation_id)
            if kind in _OURS:
                for item in items:
                    self._api.delete(kind, item)
            return [f"{kind} {item['metadata']['name']}" for item in items]

        self._each(delete, _OURS)
        return [name for names in self._each(delete_rest, _LEFT_TO_WAIT_FOR) for name in names]

    def status(self, namespace: str, name: str, installation_id: str) -> DeploymentStatus | None:
        """What the Deployment and its pods say; None where there is none of this installation."""
        within = self._hub.namespace(namespace)
        deployment = self._api.get("Deployment", within, name)
        if deployment is None or installation_of(deployment) != installation_id:
            return None
        return describe(deployment, self._list("Pod", within, installation_id))

    def pods(self, namespace: str, installation_id: str) -> list[RuntimePod]:
        """Those that the installation's label names, oldest first."""
        items = self._list("Pod", self._hub.namespace(namespace), installation_id)
        found = [pod for item in items if (pod := runtime_pod(item)) is not None]
        return sorted(found, key=lambda pod: (pod.created_at, pod.name))

    def read_logs(self, namespace: str, requests: Sequence[LogRequest]) -> list[PodOutput]:
        """Side by side; the pods are those that `pods` named."""
        within = self._hub.namespace(namespace)
        return self._each(lambda request: read_output(self._api, within, request), requests)

    def object_owners(self, place: str | None, limit: int) -> tuple[list[ObjectOwner], str | None]:
        """This hub's alone. An object whose owner somebody overwrote is left out: whose it is, nobody can tell."""
        kind, _, token = (place or _TRACED[0]).partition(" ")
        selector = f"{INSTALLATION_ID},{self._hub.selector}"
        try:
            page = self._api.list(kind, None, selector, limit=limit, **({"continue": token} if token else {}))
        except Expired as expired:
            # From its beginning, a list that is read a page a minute would never get past its first five minutes.
            return [], f"{kind} {expired.following}".rstrip()
        following = page["metadata"].get("continue")
        owners = [owner for item in page["items"] if (owner := _owner_of(kind, item))]
        if following:
            return owners, f"{kind} {following}"
        later = _TRACED[_TRACED.index(kind) + 1 :]
        return owners, later[0] if later else None

    def _apply_namespace(self, manifest: Manifest) -> bool:
        """Whether that changed anything. What administrators add to a namespace stays."""
        before = self._existing(manifest)
        if before is not None:
            self._hub.refuse_foreign(before, manifest)
        return _differ(before, self._api.apply(manifest, MANAGER))

    def _apply_unfenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        before = self._existing(manifest)
        self._without_foreign_fields(before, manifest)
        return _differ(before, self._api.apply(manifest, MANAGER))

    def _apply_fenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        for _ in range(_CONFLICT_TRIES):
            existing = self._standing(manifest)
            try:
                cleaned, removed = self._without_foreign_fields(existing, manifest)
                after = self._api.apply(_fenced(manifest, cleaned), MANAGER)
            except Conflicted:
                continue  # somebody wrote in between: look again
            self._tolerate_what_comes_back(manifest, after, removed)
            return _differ(existing, after)
        raise TemporaryError(f"{manifest['kind']} {manifest['metadata']['name']} is being written by another as well")

    def _without_foreign_fields(
        self, existing: Object | None, manifest: Manifest
    ) -> tuple[Object | None, frozenset[str]]:
        """The object once what others added to it is removed, and who had; raises Conflicted on a writer in between.

        An apply removes only what this system's own earlier apply had set: without this, an init container or a
        variable that somebody added with `kubectl` would outlive every upgrade.
        """
        if existing is None:
            return None, frozenset()
        cleaned, managers = without_foreign_fields(existing, manifest)
        if not any((*_named(manifest), manager) not in self._tolerated for manager in managers):
            return existing, frozenset()
        return self._api.replace(manifest["kind"], cleaned, MANAGER), managers

    def _tolerate_what_comes_back(self, manifest: Manifest, after: Object, removed: frozenset[str]) -> None:
        """Whose fields are there again at once is no person but an admission webhook, as GKE Autopilot's are."""
        if not removed:
            return
        _, there_again = without_foreign_fields(after, manifest)
        for manager in removed & there_again:
            log.info("%s %s: %s writes into it at every apply and is left to it", *_named(manifest), manager)
            self._tolerated.add((*_named(manifest), manager))

    def _standing(self, manifest: Manifest) -> Object | None:
        """The object as it is, that this manifest may be applied over; None if missing.

        Raises StaleGeneration, and PermanentError for one that is somebody else's.
        """
        existing = self._existing(manifest)
        if existing and is_of_others(existing):
            kind, (namespace, _, name) = manifest["kind"], _named(manifest)[1].partition("/")
            raise PermanentError(f"{kind} {name} in {namespace} was made by somebody else: remove or rename it")
        if existing and _is_of_earlier_life(existing, manifest):
            self._api.delete(manifest["kind"], existing)
            return None
        _refuse_if_newer(existing, manifest)
        return existing

    def _existing(self, manifest: Manifest) -> Object | None:
        metadata = manifest["metadata"]
        return self._api.get(manifest["kind"], metadata.get("namespace"), metadata["name"])

    def _list(self, kind: str, namespace: str, installation_id: str) -> list[Object]:
        items: list[Object] = self._api.list(kind, namespace, f"{INSTALLATION_ID}={installation_id}")["items"]
        return items

    def _belonging(self, kind: str, namespace: str, installation_id: str) -> list[Object]:
        """By label or annotation: somebody may have taken one of them away."""
        items = self._api.list(kind, namespace, None)["items"]
        return [item for item in items if is_of(item, installation_id)]

    def _each(self, action: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """All of them side by side, waiting for all before the first error is raised."""
        futures = [self._pool.submit(action, item) for item in items]
        for future in futures:
            future.exception()
        return [future.result() for future in futures]


def _fenced(manifest: Manifest, existing: Object | None) -> Manifest:
    metadata = {**manifest["metadata"], "resourceVersion": _version(existing) or _NEVER_A_VERSION}
    fenced = {**manifest, "metadata": metadata}
    if existing and TOKEN in (existing.get("data") or {}):
        # Immutable for as long as its generation: an earlier check-in key may have made the token in it.
        fenced["data"] = {**manifest["data"], TOKEN: existing["data"][TOKEN]}
    return fenced


def _is_of_earlier_life(existing: Object, manifest: Manifest) -> bool:
    """Whether it is a leftover, or a copy of an object of ours that somebody else created under its name.

    Ids sort by time, and a new life begins only once the row of the one before is gone.
    """
    owner = installation_of(existing)
    if not owner or not is_made_by_hub(existing):
        return not is_made_by_hub(existing)
    wanted: str = manifest["metadata"]["annotations"][INSTALLATION_ID]
    return owner < wanted


def _refuse_if_newer(existing: Object | None, manifest: Manifest) -> None:
    if existing is None:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if installation_of(existing) not in ("", manifest["metadata"]["annotations"][INSTALLATION_ID]):
        raise StaleGeneration(f"{kind} {name} belongs to a later installation")
    if generation_of(existing) > int(manifest["metadata"]["annotations"][GENERATION]):
        raise StaleGeneration(f"{kind} {name} is of a newer generation")


def _is_outdated(item: Object, kept: frozenset[int]) -> bool:
    """Never a newer one: it is of an actor who is at work right now, and whoever prunes is late.

    Nor one whose generation somebody overwrote: pods of a generation that is kept may need it.
    """
    generation = generation_of(item)
    return 0 < generation < max(kept, default=generation + 1) and generation not in kept


def _named(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], f"{metadata.get('namespace')}/{metadata['name']}"


def _names(manifests: Sequence[Manifest], changed: Sequence[bool]) -> list[str]:
    chosen = zip(manifests, changed, strict=True)
    return [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest, is_changed in chosen if is_changed]


def _owner_of(kind: str, item: Object) -> ObjectOwner | None:
    metadata = item["metadata"]
    owner = owner_of(item)
    if owner is None:
        log.warning("%s %s/%s: somebody changed whose it is", kind, metadata["namespace"], metadata["name"])
        return None
    return ObjectOwner(metadata["namespace"], *owner)


def _version(item: Object | None) -> str | None:
    version: str | None = item["metadata"]["resourceVersion"] if item else None
    return version


def _differ(before: Object | None, after: Object) -> bool:
    """Whether more changed than what controllers write by themselves: versions would tell that as a change of ours."""
    return before is None or _substance(before) != _substance(after)


def _substance(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _BOOKKEEPING}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}
