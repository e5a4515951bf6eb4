"""Deleting what has lost its owner, for API servers that have no garbage collector of their own.

Covers the owners that this agent's controllers know: Deployments own ReplicaSets, ReplicaSets own pods. A server that
collects garbage itself gets a moment to do so. Before it deletes, the node reads the owner by name and finds it
missing, since its watch may be behind.
"""

import logging
from dataclasses import dataclass
from functools import partial

from local_kubernetes.node.client import DEPLOYMENTS, PODS, REPLICA_SETS, ApiClient, ApiError, Resource
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import (
    Json,
    controlled_by,
    controller_of,
    is_deleting,
    key_of,
    split_key,
    uid_of,
)
from local_kubernetes.node.workqueue import WorkQueue

_MOMENT_SECONDS = 0.5
_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Level:
    """One step of ownership: what owns, and what is owned."""

    owner: Resource
    owners: Store
    dependent: Resource
    dependents: Store


class GarbageCollector:
    """Ends dependents whose owner is gone, and owners that wait for their dependents."""

    def __init__(self, client: ApiClient, deployments: Store, replica_sets: Store, pods: Store) -> None:
        self._client = client
        self._levels = {
            DEPLOYMENTS.kind: Level(DEPLOYMENTS, deployments, REPLICA_SETS, replica_sets),
            REPLICA_SETS.kind: Level(REPLICA_SETS, replica_sets, PODS, pods),
        }
        self._queue = WorkQueue("garbage of", self.collect)
        for level in self._levels.values():
            level.owners.subscribe(partial(self._owner_changed, level))
            level.dependents.subscribe(partial(self._dependent_changed, level))

    async def run(self) -> None:
        """Collect what lost its owner, until cancelled."""
        await self._queue.run()

    async def collect(self, item: str) -> None:
        """Delete or release the dependents of an owner, named as `Kind:namespace/name`."""
        kind, _, key = item.partition(":")
        level = self._levels[kind]
        owner = level.owners.get(key)
        if owner and is_deleting(owner):
            await self._finish_deletion(level, owner)
        await self._delete_orphans(level, key, uid_of(owner) if owner else "")

    async def _delete_orphans(self, level: Level, key: str, owner_uid: str) -> None:
        orphans = [one for one in level.dependents if _owner_key(level, one) == key and not is_deleting(one)]
        orphans = [one for one in orphans if (controller_of(one) or {})["uid"] != owner_uid]
        if not orphans:
            return
        living_uid = await self._living_uid(level, key)
        for one in orphans:
            if (controller_of(one) or {})["uid"] != living_uid:
                log.info("%s %s is deleted: its %s is gone", level.dependent.kind, key_of(one), level.owner.kind)
                await self._delete(level, one)

    async def _living_uid(self, level: Level, key: str) -> str:
        try:
            return uid_of(await self._client.get(level.owner, *split_key(key)))
        except ApiError as error:
            if error.status == 404:
                return ""
            raise

    async def _finish_deletion(self, level: Level, owner: Json) -> None:
        """Carry out `propagationPolicy` Foreground and Orphan, which a server leaves to finalizers."""
        finalizers = owner["metadata"].get("finalizers") or []
        dependents = controlled_by(level.dependents, uid_of(owner))
        if _ORPHAN in finalizers:
            for one in dependents:
                await self._set(level.dependent, one, {"ownerReferences": None})
            await self._set(level.owner, owner, {"finalizers": [name for name in finalizers if name != _ORPHAN]})
        elif _FOREGROUND in finalizers and dependents:
            for one in dependents:
                if not is_deleting(one):
                    await self._delete(level, one)
        elif _FOREGROUND in finalizers:
            await self._set(level.owner, owner, {"finalizers": [name for name in finalizers if name != _FOREGROUND]})

    async def _set(self, resource: Resource, obj: Json, metadata: Json) -> None:
        namespace, name = split_key(key_of(obj))
        body = {"metadata": {"uid": uid_of(obj), "resourceVersion": obj["metadata"]["resourceVersion"], **metadata}}
        try:
            await self._client.patch(resource, namespace, name, body)
        except ApiError as error:
            if error.status != 404:
                raise

    async def _delete(self, level: Level, dependent: Json) -> None:
        namespace, name = split_key(key_of(dependent))
        try:
            await self._client.delete(level.dependent, namespace, name, uid=uid_of(dependent))
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    def _owner_changed(self, level: Level, before: Json | None, after: Json | None) -> None:
        obj = after or before
        if obj is not None and (after is None or is_deleting(obj)):
            self._look_at(level, key_of(obj))

    def _dependent_changed(self, level: Level, before: Json | None, after: Json | None) -> None:
        obj = after or before
        key = _owner_key(level, obj) if obj else None
        if obj is None or key is None:
            return
        owner = level.owners.get(key)
        if owner is None or is_deleting(owner) or uid_of(owner) != (controller_of(obj) or {})["uid"]:
            self._look_at(level, key)

    def _look_at(self, level: Level, key: str) -> None:
        self._queue.add_after(f"{level.owner.kind}:{key}", _MOMENT_SECONDS)


def _owner_key(level: Level, dependent: Json) -> str | None:
    owner = controller_of(dependent)
    if owner is None or owner.get("kind") != level.owner.kind or owner.get("apiVersion") != level.owner.api_version:
        return None
    return f"{split_key(key_of(dependent))[0]}/{owner['name']}"
