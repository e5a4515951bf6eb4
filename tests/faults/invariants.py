"""What must hold whatever happened: while rows and objects are written, and once the world is quiet."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.cloud.firestore_v1.types import CommitRequest

from local_kubernetes.cluster import Change
from provider_hub.adapters.firestore.encoding import decode_record
from provider_hub.domain.installation import Installation, LifecycleState, ResourceTier
from provider_hub.domain.manifests import GENERATION, INSTALLATION_ID, ORGANIZATION_ID, PROVIDER
from provider_hub.domain.names import namespace_for
from provider_hub.domain.records import InstalledCount

Object = Mapping[str, Any]
_FINAL = frozenset({LifecycleState.READY, LifecycleState.FAILED})
_WANTED = _FINAL | {LifecycleState.PROCESSING}
_OURS = frozenset({"Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Secret"})
_ALWAYS = ("Deployment", "Service", "ServiceAccount")


class Violation(AssertionError):
    """Something that must never be, was."""


@dataclass
class Watcher:
    """Sees every commit; `valid` are the (installation, generation, version) that a runtime truly checked in as."""

    valid: set[tuple[str, int, str]]
    rows: dict[str, Installation] = field(default_factory=dict)
    commits: int = 0
    seen: list[Violation] = field(default_factory=list)
    last: dict[str, Installation] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)

    def observe(self, name: str, request: Any, _answer: Any) -> None:
        if name != "commit":
            return
        self.commits += 1
        try:
            self._look_at(request)
        except Violation as violation:
            self.seen.append(violation)  # raised here it would look like a fault of the function that commits

    def _look_at(self, request: Any) -> None:
        for write in CommitRequest.pb(request).writes:
            path = (write.delete or write.update.name).split("/documents/")[1]
            if not path.startswith("organizations/") or "/installations/" not in path:
                continue
            if write.delete:
                self._removed(path)
            else:
                self._written(path, decode_record(Installation, self._as_stored(path, write)))

    def _as_stored(self, path: str, write: Any) -> Any:
        """The row's document after the write: with a mask, the write carries the fields that change and no others."""
        document = type(write.update)()
        is_part = write.HasField("update_mask") and path in self.documents
        document.CopyFrom(self.documents[path] if is_part else write.update)
        for field_path in write.update_mask.field_paths:
            document.fields[field_path].CopyFrom(write.update.fields[field_path])
        self.documents[path] = document
        return document

    def _written(self, path: str, row: Installation) -> None:
        _require(path.split("/")[1] == row.organization_id, f"{path} holds a row of {row.organization_id}")
        before = self.rows.get(path)
        earlier = self.last.get(row.installation_id)
        _require(earlier is None or row.generation >= earlier.generation, f"{path}: the generation fell")
        _require(
            before is None or before.installation_id == row.installation_id,
            f"{path}: a second life began while the first had its row",
        )
        if row.lifecycle_state is LifecycleState.READY:
            proof = (row.installation_id, row.generation, row.installed_version)
            _require(proof in self.valid, f"{path} is READY at generation {row.generation} without a valid check-in")
        self.rows[path] = self.last[row.installation_id] = row

    def _removed(self, path: str) -> None:
        before = self.rows.pop(path, None)
        _require(
            before is None or before.lifecycle_state is LifecycleState.DELETING,
            f"{path} was removed while {before and before.lifecycle_state}",
        )


@dataclass
class ClusterWatcher:
    """Sees every change of the embedded cluster's objects: no late actor may undo what a newer one did.

    `by_hand` is set while a test itself plays havoc.
    """

    watcher: Watcher
    by_hand: bool = False

    def observe(self, change: Change) -> None:
        item, kind = change.record.object, change.record.kind.name
        life = item["metadata"].get("annotations", {}).get(INSTALLATION_ID)
        row = self.watcher.last.get(str(life))
        if kind not in _OURS or self.by_hand or row is None or row not in self.watcher.rows.values():
            return
        generation = int(_annotation(item, GENERATION))
        if change.type == "DELETED" and generation == row.generation and row.lifecycle_state in _WANTED:
            self._violated(f"{kind} of generation {generation} was deleted while that is {row.lifecycle_state}")
        previous = change.previous.object if change.previous else item
        same_life = _annotation(previous, INSTALLATION_ID) == life
        if same_life and int(_annotation(previous, GENERATION)) > generation:
            self._violated(f"{kind} of generation {generation} was applied over a newer one")

    def _violated(self, what: str) -> None:
        self.watcher.seen.append(Violation(what))


def check_rows(rows: Iterable[Installation]) -> None:
    """Every row has come to an end, a FAILED one with its reason."""
    for row in rows:
        where = f"{row.organization_id} {row.canonical}"
        _require(
            row.lifecycle_state in _FINAL, f"{where} is stuck {row.lifecycle_state} at generation {row.generation}"
        )
        _require(row.deadline_at is None, f"{where} is {row.lifecycle_state} and still waits for its deadline")
        _require(
            row.lifecycle_state is LifecycleState.READY or bool(row.failure_message), f"{where} FAILED without a reason"
        )


def check_counts(rows: Iterable[Installation], counts: Iterable[InstalledCount]) -> None:
    """Every organization's number is that of its rows."""
    found = Counter(row.organization_id for row in rows)
    for kept in counts:
        _require(
            kept.installations == found[kept.organization_id],
            f"{kept.organization_id} has {found[kept.organization_id]} rows, and its number says {kept.installations}",
        )


def check_objects(rows: Iterable[Installation], objects: Mapping[str, Iterable[Object]]) -> None:
    """The cluster holds exactly the rows' objects, each once, of the row's life and generation."""
    by_life: dict[str, list[Object]] = defaultdict(list)
    for namespace, items in objects.items():
        for item in items:
            by_life[_annotation(item, INSTALLATION_ID)].append(item)
            _require(item["metadata"]["namespace"] == namespace, f"{_name(item)} is in another namespace")
    for row in rows:
        _check_installation(row, by_life.pop(row.installation_id, []))
    left = [_name(item) for items in by_life.values() for item in items]
    _require(not left, f"objects without a row: {', '.join(left)}")


def _check_installation(row: Installation, items: list[Object]) -> None:
    where = f"{row.organization_id} {row.canonical} ({row.lifecycle_state}, generation {row.generation})"
    for item in items:
        owner = (_annotation(item, ORGANIZATION_ID), _annotation(item, PROVIDER), item["metadata"]["namespace"])
        expected = (row.organization_id, row.canonical, namespace_for(row.organization_slug))
        _require(owner == expected, f"{_name(item)} belongs to {owner}, not to {expected}")
    kinds = [item["kind"] for item in items]
    secrets = {int(_annotation(item, GENERATION)) for item in items if item["kind"] == "Secret"}
    if row.lifecycle_state is LifecycleState.FAILED:
        promised = {row.generation, row.ready_generation or row.generation}
        _require(secrets <= promised, f"{where}: Secrets of generations {sorted(secrets)} are left")
        _require(all(kinds.count(kind) <= 1 for kind in _ALWAYS), f"{where}: {sorted(kinds)}")
        return
    wanted = [*_ALWAYS, *(["PodDisruptionBudget"] if row.revision.resource_tier is ResourceTier.PERFORMANCE else [])]
    for kind in wanted:
        found = [int(_annotation(item, GENERATION)) for item in items if item["kind"] == kind]
        _require(found == [row.generation], f"{where}: {kind} of generations {found}")
    _require(secrets == {row.generation}, f"{where}: Secrets of generations {sorted(secrets)}")
    extra = set(kinds) - set(wanted) - {"Secret", "Pod", "ReplicaSet"}
    _require(not extra, f"{where}: {', '.join(extra)} should not be there")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violation(otherwise)


def _annotation(item: Object, name: str) -> str:
    return str(item["metadata"].get("annotations", {}).get(name))


def _name(item: Object) -> str:
    metadata = item["metadata"]
    life, generation = _annotation(item, INSTALLATION_ID), _annotation(item, GENERATION)
    return f"{item['kind']} {metadata['namespace']}/{metadata['name']} of {life} generation {generation}"
