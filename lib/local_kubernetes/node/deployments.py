"""The Deployment controller: a ReplicaSet for each template, rolled from the old to the new."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local_kubernetes.node import rollout
from local_kubernetes.node.client import DEPLOYMENTS, REPLICA_SETS, ApiClient, ApiError
from local_kubernetes.node.deployment_status import deployment_status, progress_due
from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import (
    Json,
    controlled_by,
    controller_of,
    is_deleting,
    key_of,
    now,
    owner_reference,
    split_key,
    uid_of,
)
from local_kubernetes.node.templates import HASH_LABEL, REVISION, newest_of, revision_of, same_template, template_hash
from local_kubernetes.node.workqueue import WorkQueue

log = logging.getLogger(__name__)


@dataclass
class _Rollout:
    """One look at a Deployment: its ReplicaSets, the one of the present template apart, the others oldest first."""

    deployment: Json
    new: Json | None
    old: list[Json]

    @property
    def replicas(self) -> int:
        return int(self.deployment["spec"].get("replicas", 1))

    @property
    def every(self) -> list[Json]:
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def limits(self) -> rollout.Limits:
        strategy = (self.deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
        return rollout.resolve_limits(
            self.replicas, strategy.get("maxSurge", "25%"), strategy.get("maxUnavailable", "25%")
        )

    @property
    def new_scale(self) -> rollout.Scale:
        """Of a ReplicaSet that is yet to be made: no pods."""
        return _scale_of(self.new) if self.new else rollout.Scale("", 0, 0, 0)

    @property
    def old_scales(self) -> list[rollout.Scale]:
        return [_scale_of(one) for one in self.old]

    @property
    def wanted(self) -> int:
        """How many pods the new ReplicaSet may have by now, in a rolling update."""
        return rollout.next_new(self.replicas, self.limits, self.new_scale, self.old_scales)


class DeploymentController:
    """Reconciles every Deployment in the store; add it to a TaskGroup with `run`."""

    def __init__(
        self, client: ApiClient, deployments: Store, replica_sets: Store, pods: Store, recorder: EventRecorder
    ) -> None:
        self._client = client
        self._deployments = deployments
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._queue = WorkQueue("deployment", self.reconcile)
        deployments.subscribe(self._changed)
        replica_sets.subscribe(self._replica_set_changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        """Reconcile what changes, until cancelled."""
        await self._queue.run()

    async def reconcile(self, key: str) -> None:
        """Take the Deployment one step on: scale its ReplicaSets, then say in its status how it stands."""
        deployment = self._deployments.get(key)
        if deployment is None:
            return
        view = self._view(deployment)
        failure: ApiError | None = None
        if not is_deleting(deployment):
            try:
                view = await self._advance(view)
            except ApiError as error:
                if error.is_temporary or error.status == 409:
                    raise
                failure = error
        await self._report(view, failure)
        if failure:
            raise failure

    def _view(self, deployment: Json) -> _Rollout:
        owned = controlled_by(self._replica_sets, uid_of(deployment))
        owned.sort(key=lambda one: (one["metadata"]["creationTimestamp"], revision_of(one), one["metadata"]["name"]))
        new = newest_of(deployment, owned)
        return _Rollout(deployment, new, [one for one in owned if one is not new])

    async def _advance(self, view: _Rollout) -> _Rollout:
        if view.deployment["spec"].get("paused"):
            return await self._scale_paused(view)
        if (view.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            return await self._recreate(view)
        view = await self._with_new(view, view.wanted)
        view = await self._roll(view)
        return await self._clean_up(view)

    async def _scale_paused(self, view: _Rollout) -> _Rollout:
        """A paused Deployment is not rolled, but still has as many pods as it asks for."""
        active = [one for one in view.every if one["spec"]["replicas"]] or view.every[-1:]
        if active:
            others = sum(one["spec"]["replicas"] for one in active[:-1])
            await self._scale(view, active[-1], max(0, view.replicas - others))
        return self._view(view.deployment)

    async def _recreate(self, view: _Rollout) -> _Rollout:
        for old in view.old:
            await self._scale(view, old, 0)
        old_uids = {uid_of(one) for one in view.old}
        # Terminating pods count too: Recreate promises that old and new never run side by side.
        if any((owner := controller_of(pod)) and owner["uid"] in old_uids for pod in self._living_pods()):
            return self._view(view.deployment)
        view = await self._with_new(view, view.replicas)
        if view.new:
            await self._scale(view, view.new, view.replicas)
        return await self._clean_up(self._view(view.deployment))

    def _living_pods(self) -> list[Json]:
        return [pod for pod in self._pods if (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}]

    async def _roll(self, view: _Rollout) -> _Rollout:
        if view.new is None:
            return view
        await self._scale(view, view.new, view.wanted)
        view = self._view(view.deployment)
        if view.new is None:
            return view
        kept = rollout.next_old(view.replicas, view.limits, view.new_scale, view.old_scales)
        for one in view.old:
            await self._scale(view, one, kept.get(one["metadata"]["name"], one["spec"]["replicas"]))
        return self._view(view.deployment)

    async def _scale(self, view: _Rollout, replica_set: Json, replicas: int) -> None:
        before = replica_set["spec"]["replicas"]
        if before == replicas:
            return
        namespace, name = split_key(key_of(replica_set))
        # Only this controller writes this field, so other changes of the object do not conflict with it.
        body = {"metadata": {"uid": uid_of(replica_set)}, "spec": {"replicas": replicas}}
        self._replica_sets.observe(await self._client.patch(REPLICA_SETS, namespace, name, body))
        direction = "up" if replicas > before else "down"
        self._event(view, "ScalingReplicaSet", f"Scaled {direction} replica set {name} from {before} to {replicas}")

    async def _with_new(self, view: _Rollout, replicas: int) -> _Rollout:
        """Make sure that the present template has its ReplicaSet, and that it holds the newest revision.

        One that is made has `replicas` pods at once, as Kubernetes' own controller makes it.
        """
        revision = max((revision_of(one) for one in view.old), default=0) + 1
        if view.new is None:
            await self._create_new(view, revision, replicas)
        elif revision_of(view.new) < revision:
            await self._annotate(view.new, revision)
        else:
            revision = revision_of(view.new)
        deployment = view.deployment
        if revision_of(deployment) != revision:
            namespace, name = split_key(key_of(deployment))
            body = {"metadata": {"annotations": {REVISION: str(revision)}}}
            # Written with the status: other writes of annotations raise the generation.
            deployment = await self._client.patch(DEPLOYMENTS, namespace, name, body, sub="status")
            self._deployments.observe(deployment)
        return self._view(deployment)

    async def _annotate(self, replica_set: Json, revision: int) -> None:
        namespace, name = split_key(key_of(replica_set))
        body = {"metadata": {"annotations": {REVISION: str(revision)}}}
        self._replica_sets.observe(await self._client.patch(REPLICA_SETS, namespace, name, body))

    async def _create_new(self, view: _Rollout, revision: int, replicas: int) -> None:
        deployment = view.deployment
        body = _replica_set_for(deployment, revision, replicas)
        namespace, name = split_key(key_of(body))
        try:
            created = await self._client.create(REPLICA_SETS, namespace, body)
        except ApiError as error:
            if error.status != 409:
                raise
            await self._settle_collision(deployment, name)
            return
        self._replica_sets.observe(created)
        if replicas:
            self._event(view, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {replicas}")
        log.info("deployment %s: revision %d is %s", key_of(deployment), revision, name)

    async def _settle_collision(self, deployment: Json, name: str) -> None:
        """The name is taken by our own ReplicaSet, which the watch does not show yet, or by another's."""
        namespace, deployment_name = split_key(key_of(deployment))
        existing = await self._client.get(REPLICA_SETS, namespace, name)
        owner = controller_of(existing)
        if same_template(existing["spec"]["template"], deployment["spec"]["template"]):
            if owner is None and not is_deleting(existing):
                await self._adopt(deployment, existing)
                return
            if owner and owner.get("uid") == uid_of(deployment):
                self._replica_sets.observe(existing)
                return
        collisions = (deployment.get("status") or {}).get("collisionCount", 0) + 1
        body = {"status": {"collisionCount": collisions}}
        self._deployments.observe(await self._client.patch(DEPLOYMENTS, namespace, deployment_name, body, sub="status"))
        raise ApiError(409, "AlreadyExists", f"replica set {name} belongs to another owner; taking another name")

    async def _adopt(self, deployment: Json, replica_set: Json) -> None:
        """Take over what a deletion with `--cascade=orphan` left."""
        namespace, name = split_key(key_of(replica_set))
        metadata = {
            "uid": uid_of(replica_set),
            "resourceVersion": replica_set["metadata"]["resourceVersion"],
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        }
        self._replica_sets.observe(await self._client.patch(REPLICA_SETS, namespace, name, {"metadata": metadata}))

    async def _clean_up(self, view: _Rollout) -> _Rollout:
        """Delete old ReplicaSets without pods, until as many are left as the history asks for."""
        limit = int(view.deployment["spec"].get("revisionHistoryLimit", 10))
        idle = [
            one for one in view.old if not one["spec"]["replicas"] and not (one.get("status") or {}).get("replicas")
        ]
        idle = [one for one in idle if not is_deleting(one)]
        idle.sort(key=revision_of)
        for one in idle[: max(0, len(view.old) - limit)]:
            namespace, name = split_key(key_of(one))
            await self._client.delete(REPLICA_SETS, namespace, name, uid=uid_of(one))
            self._replica_sets.forget(one)
        return self._view(view.deployment)

    async def _report(self, view: _Rollout, failure: ApiError | None) -> None:
        deployment = view.deployment
        moment = now()
        status = deployment_status(deployment, view.new, view.old, moment, failure)
        if status != (deployment.get("status") or {}):
            namespace, name = split_key(key_of(deployment))
            body = {
                "metadata": {"uid": uid_of(deployment)},
                "status": _replacing(deployment.get("status") or {}, status),
            }
            self._deployments.observe(await self._client.patch(DEPLOYMENTS, namespace, name, body, sub="status"))
        due = progress_due(deployment, status)
        if due is not None:
            self._queue.add_after(key_of(deployment), (due - moment + timedelta(seconds=1)).total_seconds())

    def _event(self, view: _Rollout, reason: str, message: str) -> None:
        self._recorder.normal(view.deployment, reason, message, kind="Deployment", api_version="apps/v1")

    def _changed(self, _before: Json | None, after: Json | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))

    def _replica_set_changed(self, before: Json | None, after: Json | None) -> None:
        self._enqueue_owner(after or before)

    def _pod_changed(self, before: Json | None, after: Json | None) -> None:
        # Only Recreate waits for pods themselves. Other changes come with the ReplicaSet's status.
        if after is not None or before is None:
            return
        owner = controller_of(before)
        if owner and owner.get("kind") == "ReplicaSet":
            namespace, _ = split_key(key_of(before))
            self._enqueue_owner(self._replica_sets.get(f"{namespace}/{owner['name']}"))

    def _enqueue_owner(self, obj: Json | None) -> None:
        owner = controller_of(obj) if obj else None
        if obj and owner and owner.get("kind") == "Deployment":
            namespace, _ = split_key(key_of(obj))
            self._queue.add(f"{namespace}/{owner['name']}")


def _replica_set_for(deployment: Json, revision: int, replicas: int) -> Json:
    spec, metadata = deployment["spec"], deployment["metadata"]
    digest = template_hash(spec["template"], (deployment.get("status") or {}).get("collisionCount", 0))
    template_metadata = dict(spec["template"].get("metadata") or {})
    labels = {**(template_metadata.get("labels") or {}), HASH_LABEL: digest}
    template_metadata["labels"] = labels
    selector = dict(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    annotations = {
        name: value
        for name, value in (metadata.get("annotations") or {}).items()
        if name not in {REVISION, "kubectl.kubernetes.io/last-applied-configuration"}
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{digest}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {**annotations, REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": selector,
            "template": {**spec["template"], "metadata": template_metadata},
        },
    }


def _scale_of(replica_set: Json) -> rollout.Scale:
    status = replica_set.get("status") or {}
    return rollout.Scale(
        name=replica_set["metadata"]["name"],
        desired=int(replica_set["spec"].get("replicas", 1)),
        actual=int(status.get("replicas", 0)),
        available=int(status.get("availableReplicas", 0)),
    )


def _replacing(before: Json, after: Json) -> dict[str, Any]:
    """A merge patch from one status to the other. It removes a missing field with null."""
    return {**dict.fromkeys(set(before) - set(after)), **after}
