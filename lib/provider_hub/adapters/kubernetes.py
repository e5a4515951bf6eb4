"""Kubernetes: server-side apply that an older generation can never win, and removal that is confirmed.

An apply reads the object first. One of a newer generation, or of another installation, is left alone; over
an older one the apply carries the `resourceVersion` that was read, so that a writer in between turns it
into a conflict, upon which everything is looked at again. A missing object is applied with a
`resourceVersion` that no object has: if somebody creates it in between, that is a conflict too, while on
an object that is still missing the server ignores it and creates.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from provider_hub.domain.deployment import DeploymentStatus, describe, mask
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.manifests import GENERATION, INSTALLATION_ID, MANAGER, ORGANIZATION_ID, PROVIDER, Manifest
from provider_hub.operations.ports import StaleGeneration, Trace
from provider_hub.settings import Settings

_CALL_SECONDS = 10
_CONFLICT_TRIES = 5
_NEVER_A_VERSION = "1"
_PARALLEL = 8
_NAMESPACE_TRUST_SECONDS = 600.0
_TEMPORARY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_APPLY: Mapping[str, Any] = {
    "field_manager": MANAGER,
    "force": True,
    "_content_type": "application/apply-patch+yaml",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind is spoken to: its API class, and the word its methods are named with."""

    api: Callable[[client.ApiClient], Any]
    word: str


_KINDS = {
    "Deployment": _Kind(client.AppsV1Api, "namespaced_deployment"),
    "Service": _Kind(client.CoreV1Api, "namespaced_service"),
    "ServiceAccount": _Kind(client.CoreV1Api, "namespaced_service_account"),
    "PodDisruptionBudget": _Kind(client.PolicyV1Api, "namespaced_pod_disruption_budget"),
    "Secret": _Kind(client.CoreV1Api, "namespaced_secret"),
    "ReplicaSet": _Kind(client.AppsV1Api, "namespaced_replica_set"),
    "Pod": _Kind(client.CoreV1Api, "namespaced_pod"),
    "Namespace": _Kind(client.CoreV1Api, "namespace"),
    "ResourceQuota": _Kind(client.CoreV1Api, "namespaced_resource_quota"),
    "LimitRange": _Kind(client.CoreV1Api, "namespaced_limit_range"),
    "NetworkPolicy": _Kind(client.NetworkingV1Api, "namespaced_network_policy"),
}
_OURS = ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Secret")
_TRACED = ("Deployment", "Secret", "Service", "ServiceAccount")
_LEFT_TO_WAIT_FOR = (*_OURS, "ReplicaSet", "Pod")


def connect(settings: Settings) -> "Kubernetes":
    """The cluster of a kubeconfig, or GKE's control plane with the function's own IAM identity."""
    if settings.kubeconfig:
        return Kubernetes(config.new_client_from_config(settings.kubeconfig))  # type: ignore[no-untyped-call]
    settings.require("cluster_endpoint")
    return Kubernetes(client.ApiClient(_with_iam(settings.cluster_endpoint)))


class Kubernetes:
    """One cluster (`operations.ports.Cluster`)."""

    def __init__(self, api_client: client.ApiClient, clock: Callable[[], float] = time.monotonic) -> None:
        api_client.configuration.retries = False
        self._apis = {kind: entry.api(api_client) for kind, entry in _KINDS.items()}
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
        changed = [self._apply_unfenced(manifests[0]), *self._each(self._apply_unfenced, manifests[1:])]
        with self._lock:
            self._trusted_namespaces[name] = self._clock() + _NAMESPACE_TRUST_SECONDS
        return _names(manifests, changed)

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply all but the last side by side, then the last: the Deployment, whose pods need the others."""
        try:
            changed = self._each(self._apply_fenced, manifests[:-1])
            changed.append(self._apply_fenced(manifests[-1]))
            return _names(manifests, changed)
        except _Gone as gone:
            with self._lock:
                self._trusted_namespaces.pop(manifests[-1]["metadata"]["namespace"], None)
            raise TemporaryError("the namespace is gone; it will be made again") from gone

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        for kind in ("Secret", "PodDisruptionBudget"):
            for item in self._list(kind, namespace, installation_id):
                if _generation_of(item) not in keep_generations:
                    self._delete(kind, item)

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        def sweep(kind: str) -> list[str]:
            items = self._list(kind, namespace, installation_id)
            if kind in _OURS:
                for item in items:
                    self._delete(kind, item)
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
        deployment = self._get("Deployment", name, namespace)
        if deployment is None or _annotation(deployment, INSTALLATION_ID) != installation_id:
            return None
        return describe(deployment, self._list("Pod", namespace, installation_id))

    def traces(self, place: str | None, limit: int) -> tuple[list[Trace], str | None]:
        kind, _, token = (place or _TRACED[0]).partition(" ")
        try:
            page = self._call("list", kind, label_selector=INSTALLATION_ID, limit=limit, _continue=token or None)
        except _Expired:
            return [], kind
        following = page["metadata"].get("continue")
        traces = [trace for item in page["items"] if (trace := _trace(item))]
        if following:
            return traces, f"{kind} {following}"
        later = _TRACED[_TRACED.index(kind) + 1 :]
        return traces, later[0] if later else None

    def _apply_unfenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        kind, address = manifest["kind"], _address(manifest)
        before = self._get(kind, *address)
        after = self._call("patch", kind, *address, manifest, **_APPLY)
        return _version(after) != _version(before)

    def _apply_fenced(self, manifest: Manifest) -> bool:
        """Whether that changed anything."""
        for _ in range(_CONFLICT_TRIES):
            existing = self._standing(manifest)
            seen = _version(existing) or _NEVER_A_VERSION
            fenced = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": seen}}
            try:
                after = self._call("patch", manifest["kind"], *_address(manifest), fenced, **_APPLY)
            except _Conflicted:
                continue  # somebody wrote in between: look again
            return _version(after) != _version(existing)
        raise TemporaryError(f"{manifest['kind']} {manifest['metadata']['name']} is being written by another as well")

    def _standing(self, manifest: Manifest) -> Any:
        """The object as it is, that this manifest may be applied over; None if missing. Raises StaleGeneration."""
        existing = self._get(manifest["kind"], *_address(manifest))
        if existing and _is_of_earlier_life(existing, manifest):
            self._delete(manifest["kind"], existing)
            return None
        _refuse_if_newer(existing, manifest)
        return existing

    def _get(self, kind: str, *address: str) -> Any:
        try:
            return self._call("read", kind, *address)
        except _Gone:
            return None

    def _list(self, kind: str, namespace: str, installation_id: str) -> list[Any]:
        items: list[Any] = self._call("list", kind, namespace, label_selector=f"{INSTALLATION_ID}={installation_id}")[
            "items"
        ]
        return items

    def _delete(self, kind: str, item: Any) -> None:
        """With the object's uid as a precondition: a successor of the same name is not ours to delete."""
        metadata = item["metadata"]
        body = {"propagationPolicy": "Background", "preconditions": {"uid": metadata["uid"]}}
        try:
            self._call("delete", kind, metadata["name"], metadata["namespace"], body=body)
        except (_Gone, _Conflicted):
            return

    def _each(self, action: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """All of them side by side, waiting for all before the first error is raised."""
        futures = [self._pool.submit(action, item) for item in items]
        for future in futures:
            future.exception()
        return [future.result() for future in futures]

    def _call(self, verb: str, kind: str, *arguments: Any, **options: Any) -> Any:
        method = getattr(self._apis[kind], _method(verb, kind, arguments))
        try:
            response = method(*arguments, **options, _preload_content=False, _request_timeout=_CALL_SECONDS)
        except ApiException as error:
            raise _translated(error, verb, kind) from error
        except urllib3.exceptions.HTTPError as error:
            raise TemporaryError(f"the cluster did not answer: {type(error).__name__}") from error
        return json.loads(response.data)


class _Gone(Exception):
    """404: neither temporary nor permanent until the caller says what it means here."""


class _Conflicted(Exception):
    """409: somebody else was first."""


class _Expired(Exception):
    """410: a list went on for too long and must begin again."""


def _method(verb: str, kind: str, arguments: Sequence[Any]) -> str:
    """A list without a namespace is one over all of them."""
    word = _KINDS[kind].word
    if verb == "list" and not arguments:
        return f"list_{word.removeprefix('namespaced_')}_for_all_namespaces"
    return f"{verb}_{word}"


def _translated(error: ApiException, verb: str, kind: str) -> Exception:
    if error.status == 404:
        return _Gone()
    if error.status == 409:
        return _Conflicted()
    if error.status == 410:
        return _Expired()
    told = mask(_message_of(error))
    if not error.status or error.status in _TEMPORARY_STATUS or error.status == 401:
        return TemporaryError(f"the cluster did not {verb} {kind} ({error.status}): {told}")
    return PermanentError(f"the cluster refused to {verb} {kind} ({error.status}): {told}")


def _message_of(error: ApiException) -> str:
    """The Status object's own sentence, not the client's rendering of headers and body."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason or "no reason given")


def _is_of_earlier_life(existing: Any, manifest: Manifest) -> bool:
    """Ids sort by time, and a new life begins only once the row of the one before is gone: this is a leftover."""
    wanted: str = manifest["metadata"]["annotations"][INSTALLATION_ID]
    return (_annotation(existing, INSTALLATION_ID) or "") < wanted


def _refuse_if_newer(existing: Any, manifest: Manifest) -> None:
    if existing is None:
        return
    if _annotation(existing, INSTALLATION_ID) != manifest["metadata"]["annotations"][INSTALLATION_ID]:
        raise StaleGeneration(f"{manifest['kind']} {manifest['metadata']['name']} belongs to a later installation")
    if _generation_of(existing) > _generation_of(manifest):
        raise StaleGeneration(f"{manifest['kind']} {manifest['metadata']['name']} is of a newer generation")


def _names(manifests: Sequence[Manifest], changed: Sequence[bool]) -> list[str]:
    chosen = zip(manifests, changed, strict=True)
    return [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest, is_changed in chosen if is_changed]


def _trace(item: Any) -> Trace | None:
    found = [_annotation(item, name) for name in (ORGANIZATION_ID, PROVIDER, INSTALLATION_ID)]
    organization_id, provider, installation_id = found
    if not (organization_id and provider and installation_id):
        return None
    return Trace(item["metadata"]["namespace"], organization_id, provider, installation_id)


def _version(item: Any) -> str | None:
    version: str | None = item["metadata"]["resourceVersion"] if item else None
    return version


def _annotation(item: Any, name: str) -> str | None:
    value: str | None = item["metadata"].get("annotations", {}).get(name)
    return value


def _generation_of(item: Any) -> int:
    text = _annotation(item, GENERATION) or "0"
    return int(text) if text.isdigit() else 0


def _address(manifest: Manifest) -> tuple[str, ...]:
    metadata = manifest["metadata"]
    return (metadata["name"],) if manifest["kind"] == "Namespace" else (metadata["name"], metadata["namespace"])


def _with_iam(endpoint: str) -> client.Configuration:
    """GKE's DNS-based endpoint takes the caller's IAM token and shows a public certificate."""
    import google.auth  # noqa: PLC0415 - only where there is a Google identity to ask for
    from google.auth.transport.requests import Request  # noqa: PLC0415

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    lock = threading.Lock()

    def refresh(configuration: client.Configuration) -> None:
        with lock:
            if not credentials.valid:
                credentials.refresh(Request())  # type: ignore[no-untyped-call]
            configuration.api_key["authorization"] = f"Bearer {credentials.token}"

    configuration = client.Configuration(host=endpoint)
    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]
    return configuration
