"""Pod templates: which ReplicaSet is of which template, and what its name is."""

import hashlib
import json
from collections.abc import Iterable

from local_kubernetes.node.objects import Json

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own choice: without vowels no name becomes a word."""


def template_hash(template: Json, collisions: int) -> str:
    """Ten letters that stand for a pod template; `collisions` moves on to another ten."""
    canonical = json.dumps([template, collisions], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def same_template(one: Json, other: Json) -> bool:
    """Whether two templates make the same pods: the hash label that a ReplicaSet adds does not count."""
    return _plain(one) == _plain(other)


def newest_of(deployment: Json, replica_sets: Iterable[Json]) -> Json | None:
    """The ReplicaSet of the deployment's present template; the oldest where there are several."""
    template = deployment["spec"]["template"]
    matching = [one for one in replica_sets if same_template(one["spec"]["template"], template)]
    return min(matching, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]), default=None)


def revision_of(obj: Json) -> int:
    """The number of a ReplicaSet's or Deployment's revision; 0 when it has none."""
    text = (obj["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def _plain(template: Json) -> Json:
    metadata = dict(template.get("metadata") or {})
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    metadata["labels"] = labels
    # A server may write an unset creationTimestamp as null, or leave it out.
    metadata.pop("creationTimestamp", None)
    return {**template, "metadata": {name: value for name, value in metadata.items() if value}}
