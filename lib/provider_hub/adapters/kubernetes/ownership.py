"""Whose an object in the cluster is, and what of it somebody else wrote.

Several hubs may share one cluster, and people change objects with `kubectl`. What an object says of itself is
therefore believed only as far as this hub wrote it: the API server records the writer of each field in
`metadata.managedFields`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provider_hub.domain import observed
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    MANAGER,
    ORGANIZATION_ID,
    PROVIDER,
    Manifest,
)
from provider_hub.domain.names import prefixed_namespace

Object = dict[str, Any]

HUB_ID = "provider-hub/hub-id"
MANAGED_BY = "app.kubernetes.io/managed-by"
_ID = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
# What a cluster's own controllers write: removed, it would come back at once, and the other way round for ever.
_CONTROLLERS = re.compile(r"(?:kube-|gke-|glbc|cloud-controller|Google|autopilot|before-first-apply|manager$)")
_CONTROLLERS_KEYS = re.compile(r"(?:[\w.-]{1,100}\.)?(?:kubernetes\.io|k8s\.io|gke\.io|google\.com)/")


@dataclass(frozen=True, slots=True)
class Hub:
    """This hub, as one of several in a cluster: `id` is a label's value, `namespace_prefix` may be empty."""

    id: str
    namespace_prefix: str = ""

    @property
    def selector(self) -> str:
        """Selects the objects of this hub."""
        return f"{HUB_ID}={self.id}"

    def namespace(self, name: str) -> str:
        """What the namespace `name` is called in the cluster."""
        return prefixed_namespace(self.namespace_prefix, name)

    def stamped(self, manifest: Manifest) -> Manifest:
        """The manifest with this hub's label, in this hub's namespace."""
        metadata = dict(manifest["metadata"])
        metadata["labels"] = {**metadata.get("labels", {}), HUB_ID: self.id}
        key = "name" if manifest["kind"] == "Namespace" else "namespace"
        metadata[key] = self.namespace(metadata[key])
        return {**manifest, "metadata": metadata}

    def refuse_foreign(self, namespace: Object, wanted: Manifest) -> None:
        """Raise PermanentError where the namespace is another hub's, another organization's or another system's.

        One that this system made before it labelled namespaces is taken; so is one of ours whose annotation is gone.
        """
        name = wanted["metadata"]["name"]
        labels, found = mapping(namespace, "labels"), annotation(namespace, ORGANIZATION_ID)
        hub, organization = labels.get(HUB_ID), wanted["metadata"]["annotations"][ORGANIZATION_ID]
        if hub is not None and hub != self.id:
            raise PermanentError(
                f"the namespace {name} belongs to another hub of this cluster: give this hub a namespace prefix"
            )
        if found is not None and found != organization:
            raise PermanentError(f"the namespace {name} belongs to another organization")
        if hub is None and (found is None or labels.get(MANAGED_BY) != MANAGER):
            raise PermanentError(f"the namespace {name} was there before and is not this hub's: remove or rename it")


ONLY_HUB = Hub("provider-hub")
"""The hub of a cluster that no other hub uses; the settings' default."""


def mapping(item: Object, name: str) -> Mapping[str, str]:
    """The object's labels or annotations; none where there are none."""
    return observed.mapping(item["metadata"].get(name))


def annotation(item: Object, name: str) -> str | None:
    """The annotation's text; None where there is none."""
    return observed.text(mapping(item, "annotations").get(name)) or None


def installation_of(item: Object) -> str:
    """The id of the installation that the object belongs to; "" where nothing that is left says so.

    The label stands in for an annotation that somebody overwrote.
    """
    trusted = annotation(item, INSTALLATION_ID) if _wrote(item, INSTALLATION_ID) else None
    text = trusted or observed.text(mapping(item, "labels").get(INSTALLATION_ID))
    return text if _ID.fullmatch(text) else ""


def is_of(item: Object, installation_id: str) -> bool:
    """Whether its label or its annotation names the installation."""
    return installation_id in (mapping(item, "labels").get(INSTALLATION_ID), annotation(item, INSTALLATION_ID))


def generation_of(item: Object) -> int:
    """The generation that this hub wrote; 0 where somebody else wrote it, or nobody did."""
    return observed.generation(annotation(item, GENERATION)) if _wrote(item, GENERATION) else 0


def owner_of(item: Object) -> tuple[str, str, str] | None:
    """Organization id, provider and installation id, as this hub wrote them; None where somebody changed one."""
    names = (ORGANIZATION_ID, PROVIDER, INSTALLATION_ID)
    organization, provider, installation = (annotation(item, name) if _wrote(item, name) else None for name in names)
    if not (organization and provider and installation):
        return None
    return organization, provider, installation


def is_of_others(item: Object) -> bool:
    """Whether somebody else made it, and nothing in it names an installation: it only has the name of one of ours."""
    named = mapping(item, "labels").get(INSTALLATION_ID) or annotation(item, INSTALLATION_ID)
    return not is_made_by_hub(item) and not named


def is_made_by_hub(item: Object) -> bool:
    """Whether a hub ever applied this object; one that somebody copied with its labels was only created."""
    return not _entries(item) or any(True for _ in _applied(item))


def without_foreign_fields(live: Object, wanted: Manifest) -> tuple[Object, frozenset[str]]:
    """`live` without what neither the manifest nor the cluster's controllers put there, and who did.

    Fields that the manifest has too are left: the apply that follows takes them back without removing them first.
    """
    cleaned, managers = json.loads(json.dumps(live)), set[str]()
    for entry in _entries(live):
        manager = str(entry.get("manager"))
        if manager == MANAGER or entry.get("subresource") == "status" or _CONTROLLERS.match(manager):
            continue
        owned = observed.mapping(entry.get("fieldsV1"))
        parts = {key: value for key, value in owned.items() if key in ("f:metadata", "f:spec", "f:data")}
        if _removed(parts, cleaned, wanted):
            managers.add(manager)
    cleaned["metadata"].pop("managedFields", None)
    return cleaned, frozenset(managers)


def _removed(owned: Mapping[str, Any], live: Any, wanted: Any) -> bool:
    """Remove what is owned and not wanted, in place; whether anything was."""
    changed = [
        _removed_field(key[2:], below, live, wanted)
        if key.startswith("f:")
        else _removed_item(key, below, live, wanted)
        for key, below in owned.items()
        if key != "." and isinstance(below, Mapping)
    ]
    return any(changed)


def _removed_field(name: str, below: Mapping[str, Any], live: Any, wanted: Any) -> bool:
    if not isinstance(live, dict) or name not in live or _CONTROLLERS_KEYS.match(name):
        return False
    if isinstance(wanted, dict) and name in wanted:
        return _removed(below, live[name], wanted[name])
    if below and "." not in below and not _removed(below, live[name], None):
        return False
    if not below or "." in below or not live[name]:
        del live[name]
    return True


def _removed_item(key: str, below: Mapping[str, Any], live: Any, wanted: Any) -> bool:
    if not isinstance(live, list) or key[:2] not in ("k:", "v:"):
        return False
    try:
        sought = json.loads(key[2:])
    except ValueError:
        return False
    found = next((item for item in live if _is_item(item, sought, key[0])), None)
    if found is None:
        return False
    kept = next((item for item in wanted or () if _is_item(item, sought, key[0])), None)
    if kept is not None:
        return _removed(below, found, kept)
    if key[0] == "k" and "." not in below:
        return _removed(below, found, None)
    live.remove(found)
    return True


def _is_item(item: Any, sought: Any, kind: str) -> bool:
    if kind == "v":
        return bool(item == sought)
    return (
        isinstance(item, dict)
        and isinstance(sought, dict)
        and all(item.get(name) == value for name, value in sought.items())
    )


def _entries(item: Object) -> list[Mapping[str, Any]]:
    return observed.mappings(item["metadata"].get("managedFields"))


def _applied(item: Object) -> Iterator[Mapping[str, Any]]:
    for entry in _entries(item):
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply":
            yield observed.mapping(entry.get("fieldsV1"))


def _wrote(item: Object, name: str) -> bool:
    """Whether the annotation is as this hub applied it. Where the server keeps no record, it is believed."""
    owned: Iterable[Mapping[str, Any]] = (
        observed.mapping(observed.mapping(fields.get("f:metadata")).get("f:annotations")) for fields in _applied(item)
    )
    return not _entries(item) or any(f"f:{name}" in fields for fields in owned)
