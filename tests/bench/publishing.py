"""What it costs to publish many versions: one process publishes them, and each unit is counted.

Real wheels go through the real inspection (in this process: its child costs time, which is not counted here), the real
action and the real adapter of Firestore, behind whose client the documents lie in memory. The bucket is a folder, each
call of which is one request of Cloud Storage and one signature; the resolver answers from a table, since uv's own
requests go to an index and cost the hub nothing. The mirror copies what is locked.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from unittest.mock import patch

from provider_hub.actions.artifacts import UploadSession
from provider_hub.actions.mirror import LOCKS_A_RUN, Mirror
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.publish_file import publish_file
from provider_hub.actions.publishing_rules import PublishingRules
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.services import Services
from provider_hub.actions.wheels import AttachedFile
from provider_hub.adapters.firestore.encoding import plain_map
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.adapters.wheels import FetchPolicy, fetching
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.domain.audit import Actor, ActorKind
from provider_hub.domain.catalog import Author, AuthorKind
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.dependencies.requirements import required_names
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.domain.records import OutboxEntry
from provider_hub.domain.wheels.inspection import inspect_wheel
from tests.bench import prices
from tests.bench.figures import Figure, Spread
from tests.builders import IMAGE
from tests.fakes import FakeClock
from tests.faults.memory_firestore import MemoryFirestore
from tests.integration.backend import DEADLINES
from tests.runtime_harness import make_wheel

PROVIDERS, VERSIONS = 100, 1000
_ORGANIZATIONS = 20
# How many distributions a provider requires, of how many that there are.
_REQUIRED, _DISTRIBUTIONS = 5, 40
_DEPENDENCY_BYTES = 50_000
_UNITS = {
    "reads": "Firestore reads",
    "writes": "Firestore writes",
    "deletes": "Firestore deletes",
    "messages": "Pub/Sub messages",
    "puts": "bucket writes (class A)",
    "gets": "bucket reads (class B)",
}


@dataclass
class FolderBucket:
    """A folder as a bucket (`actions.artifacts.ArtifactStore`), whose requests are counted."""

    folder: Path
    units: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, content: IO[bytes]) -> bool:
        """One write, which a precondition may refuse: that is billed as well."""
        self.units["puts"] += 1
        path = self.folder / name
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        content.seek(0)
        path.write_bytes(content.read())
        return True

    def size_of(self, name: str) -> int | None:
        """One read."""
        self.units["gets"] += 1
        path = self.folder / name
        return path.stat().st_size if path.exists() else None

    def fetch(self, name: str, into: IO[bytes]) -> bool:
        """One read."""
        self.units["gets"] += 1
        path = self.folder / name
        if path.exists():
            into.write(path.read_bytes())
        return path.exists()

    def url_of(self, name: str) -> str:
        """No request."""
        return f"https://storage.googleapis.com/bench/{name}"

    def signed_url(self, name: str, lifetime: timedelta) -> str:
        """No request: whoever gets the URL makes it."""
        return f"{self.url_of(name)}?lifetime={lifetime.seconds}"

    def begin_upload(self, name: str, size: int) -> UploadSession:
        """Nothing here announces an upload."""
        raise NotImplementedError(f"{name} of {size} bytes")

    def objects(self) -> list[int]:
        """The sizes of all objects."""
        return [path.stat().st_size for path in self.folder.rglob("*") if path.is_file()]


class MeteredFirestore(MemoryFirestore):
    """A database in memory that counts what Google's would bill: documents read, written and deleted."""

    def __init__(self, units: Counter[str]) -> None:
        super().__init__()
        self.units = units

    def batch_get_documents(self, request: Any, **options: Any) -> Iterator[Any]:
        """A document that is not there is billed as well."""
        for answer in super().batch_get_documents(request, **options):
            self.units["reads"] += 1
            yield answer

    def get_document(self, request: Any, **options: Any) -> Any:
        """One read, whether it is there or not."""
        self.units["reads"] += 1
        return super().get_document(request, **options)

    def run_query(self, request: Any, **options: Any) -> Iterator[Any]:
        """A query that finds nothing is billed as one read."""
        found = list(super().run_query(request, **options))
        self.units["reads"] += max(1, len(found))
        return iter(found)

    def run_aggregation_query(self, request: Any, **options: Any) -> Iterator[Any]:
        """One read for every thousand entries of the index."""
        for answer in super().run_aggregation_query(request, **options):
            self.units["reads"] += max(1, -(-answer.result.aggregate_fields["n"].integer_value // 1000))
            yield answer

    def commit(self, request: Any, **options: Any) -> Any:
        """Each write and each deletion of a document."""
        answer = super().commit(request, **options)
        for write in type(request).pb(request).writes:
            self.units["deletes" if write.HasField("delete") else "writes"] += 1
        return answer


@dataclass(frozen=True)
class MeteredTopics:
    """Topics that nobody reads."""

    units: Counter[str]

    def publish(self, _entry: OutboxEntry) -> None:
        """One message."""
        self.units["messages"] += 1


@dataclass(frozen=True)
class Table:
    """A resolver and the host of what it locks: each distribution has one wheel of one size."""

    def resolve(self, wanted: Dependencies) -> DependencyLock:
        """Each requirement at 1.0."""
        return DependencyLock.of(wanted.image, tuple(map(_locked, sorted(required_names(wanted.requirements)))))

    def fetch(self, wheel: LockedWheel, into: IO[bytes]) -> None:
        """The wheel's bytes."""
        into.write(_bytes_of(wheel.name))


def publishing(providers: int = PROVIDERS, versions: int = VERSIONS) -> Iterator[Figure]:
    """Units, documents, bytes and dollars of publishing so many versions of so many providers."""
    units: Counter[str] = Counter()
    firestore = MeteredFirestore(units)
    with (
        TemporaryDirectory(prefix="provider-hub-bench-") as folder,
        patch.object(fetching, "inspect_in_child", inspect_wheel),
    ):
        bucket = FolderBucket(Path(folder, "bucket"), units)
        publish_all(metered_services(firestore, units), bucket, Path(folder), providers, versions)
        yield from _figures(f"{versions:,} versions of {providers} providers", units)
        yield from _kept(firestore, bucket)


def metered_services(firestore: MeteredFirestore, units: Counter[str]) -> Services[Any]:
    """What publishing is given, over that database and topics that are counted."""
    store = FirestoreStore(firestore, "bench", "(default)")  # type: ignore[arg-type]
    numbers = count()
    return Services(
        store=store,
        outbox=Outbox(store, MeteredTopics(units)),
        clock=FakeClock(),
        new_id=lambda at: ulid(at, next(numbers).to_bytes(RANDOM_BYTES, "big")),
        deadlines=DEADLINES,
        publishing=PublishingRules(IMAGE),
        resolver=Table(),
    )


def publish_all(services: Services[Any], bucket: FolderBucket, folder: Path, providers: int, versions: int) -> None:
    """Publish so many versions of so many providers; the sweeper's copies of what they lock are made in between."""
    wheels = VerifiedWheels(FetchPolicy(), bucket)
    mirror = Mirror(services, bucket, Table())
    for number in range(versions):
        provider, text = number % providers, f"1.{number // providers}.0"
        slug = f"bench-{provider % _ORGANIZATIONS}"
        author = Author(AuthorKind.CUSTOMER, f"org_{slug}", slug)
        by = Actor(ActorKind.MACHINE, "mch_bench", author.organization_id)
        wheel = _wheel(folder, provider, text)
        content = wheel.read_bytes()
        attached = AttachedFile(io.BytesIO(content), wheel.name, hashlib.sha256(content).hexdigest(), "Counts")
        made = publish_file(services, wheels, slug, attached, author, by)
        if not made.created:
            raise AssertionError(f"{wheel.name} was there before")
        wheel.unlink()
        if provider == providers - 1:
            # The sweeper's minute, once in a round: the next one is tomorrow's.
            for _ in range(providers // LOCKS_A_RUN + 1):
                mirror.copy_slice()
            services.clock.turn(days=1)  # type: ignore[attr-defined]


def _wheel(folder: Path, provider: int, text: str) -> Path:
    name = f"bench_{provider}"
    needs = [f"Requires-Dist: dep-{(provider * 3 + number * 7) % _DISTRIBUTIONS}" for number in range(_REQUIRED)]
    files = {f"{name}/__init__.py": f"VERSION = {text!r}\n"}
    return make_wheel(folder, files, name=name, version=text, metadata=needs)


def _bytes_of(distribution: str) -> bytes:
    return distribution.encode().ljust(_DEPENDENCY_BYTES, b".")


def _locked(name: str) -> LockedWheel:
    file_name = f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    digest = hashlib.sha256(_bytes_of(name)).hexdigest()
    return LockedWheel(name, "1.0", file_name, f"https://files.example/{file_name}", digest, _DEPENDENCY_BYTES)


def _figures(what: str, units: Mapping[str, int]) -> Iterator[Figure]:
    for unit, name in _UNITS.items():
        yield _one(f"{what}: {name}", "", units.get(unit, 0))
    yield _one(what, "$", prices.of({**units, "deliveries": units.get("messages", 0)}))


def _kept(firestore: MemoryFirestore, bucket: FolderBucket) -> Iterator[Figure]:
    documents = firestore.documents
    stored = sum(
        _document_bytes(name.partition("/documents/")[2], plain_map(document.fields))
        for name, document in documents.items()
    )
    objects = bucket.objects()
    yield _one("what is kept of them: documents", "", len(documents))
    yield _one("what is kept of them: their size", "MiB", stored / 2**20)
    yield _one("what is kept of them: objects", "", len(objects))
    yield _one("what is kept of them: their size in the bucket", "MiB", sum(objects) / 2**20)
    yield _one("a month of it", "$", prices.stored(stored, sum(objects)))


def _one(name: str, unit: str, value: float) -> Figure:
    return Figure(name, unit, Spread.of([value]))


def _document_bytes(path: str, fields: Mapping[str, Any]) -> int:
    """What Firestore bills a document as, without indexes (Source: Firestore, storage size calculations)."""
    name = sum(len(part.encode()) + 1 for part in path.split("/")) + 16
    return name + _value_bytes(fields) + 32


def _value_bytes(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(len(key.encode()) + 1 + _value_bytes(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_value_bytes, value))
    if value is None or isinstance(value, bool):
        return 1
    return len(value.encode()) + 1 if isinstance(value, str) else 8
