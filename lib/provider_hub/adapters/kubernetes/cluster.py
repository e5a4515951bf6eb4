"""Kubernetes: server-side apply that an older generation can never win, and removal that is confirmed.

An apply reads the object first. One of a newer generation, or of another installation, is left alone; over
an older one the apply carries the `resourceVersion` that was read, so that a writer in between turns it
into a conflict, upon which everything is looked at again. A missing object is applied with a
`resourceVersion` that no object has: if somebody creates it in between, that is a conflict too, while on
an object that is still missing the server ignores it and creates (a Service only since Kubernetes 1.23).
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provider_hub.actions.cluster import ObjectOwner, StaleGeneration
from provider_hub.adapters.kubernetes.api import Conflicted, Expired, Gone, KubernetesApi, Object
from provider_hub.domain.deployment import DeploymentStatus, describe
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    MANAGER,
    ORGANIZATION_ID,
    PROVIDER,
    TOKEN,
    Manifest,
)

_CONFLICT_TRIES = 5
_NEVER_A_VERSION = "1"
_PARALLEL = 8
_NAMESPACE_TRUST_SECONDS = 600.0
_BOOKKEEPING = ("resourceVersion", "generation", "managedFields")
_OURS = ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Secret")
_TRACED = ("Deployment", "Secret", "Service", "ServiceAccount", "PodDisruptionBudget")
_LEFT_TO_WAIT_FOR = (*_OURS, "ReplicaSet", "Pod")


class Kubernetes:
    """One cluster (`operations.cluster.Cluster`)."""

    def __init__(self, api: KubernetesApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="kubernetes")
        self._clock = clock
        self._trusted_namespaces: dict[str, float] = {}
        self._lock = threading.Lock()

    def ensure_namespace(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply an organization's namespace and its limits, unless that was done a short while ago."""
        name = manifests[0]["metadata"]["name"]
        with self._lock:
            if self._trusted_namespaces.get(name, 0.0) > self._clock():
                return []
        try:
            changed = [self._apply_unfenced(manifests[0]), *self._each(self._apply_unfenced, manifests[1:])]
        except (Gone, Conflicted) as error:
            raise TemporaryError(f"the namespace {name} is being changed by another as well") from error
        with self._lock:
            self._trusted_namespaces[name] = self._clock() + _NAMESPACE_TRUST_SECONDS
        return _names(manifests, changed)

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply all but the last side by side, then the last: the Deployment, whose pods need the others."""
        try:
            changed = self._each(self._apply_fenced, manifests[:-1])
            changed.append(self._apply_fenced(manifests[-1]))
            return _names(manifests, changed)
        except Gone as gone:
            with self._lock:
                self._trusted_namespaces.pop(manifests[-1]["metadata"]["namespace"], None)
            raise TemporaryError("the namespace is gone; it will be made again") from gone

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        for kind in ("Secret", "PodDisruptionBudget"):
            for item in self._list(kind, namespace, installation_id):
                if _is_outdated(item, keep_generations):
                    self._api.delete(kind, item)

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        def sweep(kind: str) -> list[str]:
            items = self._list(kind, namespace, installation_id)
            if kind in _OURS:
                for item in items:
                    self._api.delete(kind, item)
            return [f"{kind} {item['metadata']['name']}" for item in items]

        if not any(self._each(sweep, _LEFT_TO_WAIT_FOR)):
            return []
        left = self._each(lambda kind: self._list(kind, namespace, installation_id), _LEFT_TO_WAIT_FOR)
        return [
            f"{kind} {item['metadata']['name']}"
            for kind, items in zip(_LEFT_TO_WAIT_FOR, left, strict=True)
            for item in items
        ]

    def status(self, namespace: str, name: str, installation_id: str) -> DeploymentStatus | None:
        deployment = self._api.get("Deployment", namespace, name)
        if deployment is None or _annotation(deployment, INSTALLATION_ID) != installation_id:
            return None
        return describe(deployment, self._list("Pod", namespace, installation_id))

    def object_owners(self, place: str | None, limit: int) -> tuple[list[ObjectOwner], str | None]:
        kind, _, token = (place or _TRACED[0]).partition(" ")
        try:
            page = self._api.list(kind, None, INSTALLATION_ID, limit=limit, **({"continue": token} if token else {}))
        except Expired:
            return [], kind
        following = page["metadata"].get("continue")
        owners = [owner for item in page["items"] if (owner := _owner_of(item))]
        if following:
            return owners, f"{kind} {following}"
        later = _TRACED[_TRACED.index(kind) + 1 :]
        return owners, later[0] if later else None

    def _apply_unfenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        before = self._existing(manifest)
        return _differ(before, self._api.apply(manifest, MANAGER))

    def _apply_fenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        for _ in range(_CONFLICT_TRIES):
            existing = self._standing(manifest)
            try:
                after = self._api.apply(_fenced(manifest, existing), MANAGER)
            except Conflicted:
                continue  # somebody wrote in between: look again
            return _differ(existing, after)
        raise TemporaryError(f"{manifest['kind']} {manifest['metadata']['name']} is being written by another as well")

    def _standing(self, manifest: Manifest) -> Object | None:
        """The object as it is, that this manifest may be applied over; None if missing. Raises StaleGeneration."""
        existing = self._existing(manifest)
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

    def _each(self, action: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """All of them side by side, waiting for all before the first error is raised."""
        futures = [self._pool.submit(action, item) for item in items]
        for future in futures:
            future.exception()
        return [future.result() for future in futures]


def _fenced(manifest: Manifest, existing: Object | None) -> Manifest:
    metadata = {**manifest["metadata"], "resourceVersion": _version(existing) or _NEVER_A_VERSION}
    fenced = {**manifest, "metadata": metadata}
    if existing and TOKEN in existing.get("data", {}):
        # Immutable for as long as its generation: an earlier check-in key may have made the token in it.
        fenced["data"] = {**manifest["data"], TOKEN: existing["data"][TOKEN]}
    return fenced


def _is_of_earlier_life(existing: Object, manifest: Manifest) -> bool:
    """Ids sort by time, and a new life begins only once the row of the one before is gone: this is a leftover."""
    wanted: str = manifest["metadata"]["annotations"][INSTALLATION_ID]
    return (_annotation(existing, INSTALLATION_ID) or "") < wanted


def _refuse_if_newer(existing: Object | None, manifest: Manifest) -> None:
    if existing is None:
        return
    if _annotation(existing, INSTALLATION_ID) != manifest["metadata"]["annotations"][INSTALLATION_ID]:
        raise StaleGeneration(f"{manifest['kind']} {manifest['metadata']['name']} belongs to a later installation")
    if _generation_of(existing) > _generation_of(manifest):
        raise StaleGeneration(f"{manifest['kind']} {manifest['metadata']['name']} is of a newer generation")


def _is_outdated(item: Object, kept: frozenset[int]) -> bool:
    """Never a newer one: it is of an actor who is at work right now, and whoever prunes is late."""
    generation = _generation_of(item)
    return generation not in kept and generation < max(kept, default=generation + 1)


def _names(manifests: Sequence[Manifest], changed: Sequence[bool]) -> list[str]:
    chosen = zip(manifests, changed, strict=True)
    return [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest, is_changed in chosen if is_changed]


def _owner_of(item: Object) -> ObjectOwner | None:
    found = [_annotation(item, name) for name in (ORGANIZATION_ID, PROVIDER, INSTALLATION_ID)]
    organization_id, provider, installation_id = found
    if not (organization_id and provider and installation_id):
        return None
    return ObjectOwner(item["metadata"]["namespace"], organization_id, provider, installation_id)


def _version(item: Object | None) -> str | None:
    version: str | None = item["metadata"]["resourceVersion"] if item else None
    return version


def _differ(before: Object | None, after: Object) -> bool:
    """Whether more changed than what controllers write by themselves: versions would tell that as a change of ours."""
    return before is None or _substance(before) != _substance(after)


def _substance(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _BOOKKEEPING}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def _annotation(item: Object, name: str) -> str | None:
    value: str | None = item["metadata"].get("annotations", {}).get(name)
    return value


def _generation_of(item: Object) -> int:
    text = _annotation(item, GENERATION) or "0"
    return int(text) if text.isdigit() else 0
