"""In-memory stand-ins for what has no emulator, with the interfaces of the operations' ports, and a clock to turn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from provider_hub.actions.artifacts import KeptWheel
from provider_hub.actions.cluster import (
    Clusters,
    LogRequest,
    ObjectOwner,
    PodLogs,
    PodOutput,
    RuntimePod,
    StaleGeneration,
)
from provider_hub.actions.relock import OldWheel
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.wheels import Wheel, WheelSource
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.dependencies.requirements import required_names
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.errors import Invalid
from provider_hub.domain.manifests import GENERATION, INSTALLATION_ID, ORGANIZATION_ID, PROVIDER, Manifest
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Queue, ScheduledCall
from provider_hub.domain.wheels import Packages

START = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until it is turned."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class FakeCluster:
    """A cluster of objects by namespace and name; `failing` is raised by every call while it is set.

    `running` are its pods; `printed` has the lines of a pod's present run under its name, those of the run before
    under the name and `previous`: each with its time, as the API server gives them.
    """

    objects: dict[tuple[str, str, str], Manifest] = field(default_factory=dict)
    namespaces: list[str] = field(default_factory=list)
    shown: DeploymentStatus | None = None
    failing: Exception | None = None
    lingering: list[str] = field(default_factory=list)
    running: list[RuntimePod] = field(default_factory=list)
    printed: dict[str, list[str]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    read: list[LogRequest] = field(default_factory=list)
    before_apply: Callable[[], object] = lambda: None

    def ensure_namespace(self, manifests: Sequence[Manifest]) -> list[str]:
        self._answer()
        name: str = manifests[0]["metadata"]["name"]
        if name in self.namespaces:
            return []
        self.namespaces.append(name)
        return [f"Namespace {name}"]

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        self._answer()
        self.before_apply()
        changed: list[str] = []
        for manifest in manifests:
            place = (manifest["metadata"]["namespace"], manifest["kind"], manifest["metadata"]["name"])
            if place in self.objects and _generation(self.objects[place]) > _generation(manifest):
                raise StaleGeneration(f"{place} is of a newer generation")
            if self.objects.get(place) != manifest:
                changed.append(f"{place[1]} {place[2]}")
            self.objects[place] = manifest
        return changed

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        self._answer()
        self.objects = {
            place: manifest
            for place, manifest in self.objects.items()
            if place[:2] != (namespace, "Secret")
            or _life(manifest) != installation_id
            or _generation(manifest) in keep_generations
        }

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        self._answer()
        if self.lingering:
            return self.lingering
        self.objects = {
            place: manifest
            for place, manifest in self.objects.items()
            if place[0] != namespace or _life(manifest) != installation_id
        }
        return []

    def status(self, namespace: str, name: str, installation_id: str) -> DeploymentStatus | None:
        self._answer()
        return self.shown

    def pods(self, namespace: str, installation_id: str) -> list[RuntimePod]:
        self._answer()
        return self.running

    def read_logs(self, namespace: str, requests: Sequence[LogRequest]) -> list[PodOutput]:
        self._answer()
        self.read += requests
        return [self._output(request) for request in requests]

    def _output(self, request: LogRequest) -> PodOutput:
        if request.pod in self.unreadable:
            return PodOutput(unread="its node does not answer")
        lines = self.printed.get(f"{request.pod} previous" if request.previous else request.pod, [])
        if request.since is not None:
            second = f"{request.since:%Y-%m-%dT%H:%M:%S}"
            lines = [line for line in lines if line[: len(second)] >= second]
        if request.tail is not None:
            lines = lines[-request.tail :]
        content = "".join(f"{line}\n" for line in lines).encode()
        return PodOutput(content[: request.most_bytes], is_cut=len(content) >= request.most_bytes)

    def object_owners(self, place: str | None, limit: int) -> tuple[list[ObjectOwner], str | None]:
        self._answer()
        return [_owner_of(manifest) for manifest in self.objects.values()], None

    def kinds(self) -> list[str]:
        return sorted(kind for _, kind, _ in self.objects)

    def _answer(self) -> None:
        if self.failing:
            raise self.failing


ClusterT = TypeVar("ClusterT", bound=PodLogs)


def only(cluster: ClusterT) -> Clusters[ClusterT]:
    """The clusters of a hub that has this one."""
    return Clusters({DEFAULT_CELL: cluster})


@dataclass
class FakeTasks:
    """The calls that wait, each once, as Cloud Tasks holds them by name."""

    calls: dict[tuple[Queue, str], ScheduledCall] = field(default_factory=dict)
    failing: Exception | None = None

    def schedule(self, call: ScheduledCall) -> None:
        if self.failing:
            raise self.failing
        self.calls.setdefault((call.queue, call.name), call)

    def cancel(self, queue: Queue, name: str) -> None:
        if self.failing:
            raise self.failing
        self.calls.pop((queue, name), None)

    @property
    def deadlines(self) -> dict[tuple[str, int], datetime]:
        """When each generation is called for, by installation and generation."""
        calls = [call for call in self.calls.values() if call.queue is Queue.DEADLINES]
        return {(str(call.body["installation_id"]), int(call.body["generation"])): call.at for call in calls}


@dataclass
class FakeWheels:
    """Whatever is asked for is there, with one digest.

    `refused` is raised instead while it is set, `not_kept` once a wheel is to be kept.
    """

    digest: str = "a" * 64
    packages: Packages = field(default_factory=lambda: Packages.only("weather_provider"))
    requires_python: str | None = None
    requirements: tuple[str, ...] = ()
    distribution: str | None = None
    metadata_size: int = 0
    refused: Invalid | None = None
    not_kept: Exception | None = None
    fetched: list[str] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    while_fetching: Callable[[], object] = lambda: None

    @contextmanager
    def fetch(
        self, source: WheelSource, sha256: str | None, provider: ProviderName, version: str
    ) -> Iterator["FakeDelivery"]:
        self.fetched.append(str(source))
        self.while_fetching()
        if self.refused:
            raise self.refused
        wheel = Wheel(
            sha256=self.digest,
            version=version,
            packages=self.packages,
            distribution=self.distribution or provider.name,
            summary=None,
            requires_python=self.requires_python,
            file_name=source.file_name,
            size=1000,
            requirements=self.requirements,
        )
        yield FakeDelivery(wheel, self.not_kept, self.kept, self.metadata_size)


@dataclass(frozen=True)
class FakeDelivery:
    """A wheel of which only the name is kept, with METADATA that no other wheel has."""

    wheel: Wheel
    not_kept: Exception | None = None
    kept: set[str] = field(default_factory=set)
    metadata_size: int = 0

    @property
    def kept_size(self) -> int:
        return self.wheel.size + self.metadata_size

    def keep(self, charge: Callable[[int], None]) -> KeptWheel:
        if self.not_kept:
            raise self.not_kept
        name = kept_name(self.wheel.sha256, self.wheel.file_name)
        if name not in self.kept:
            charge(self.kept_size)
        self.kept.add(name)
        return KeptWheel(name, f"https://storage.example/artifacts/{name}", "e" * 64)


@dataclass
class FakeResolver:
    """Locks whatever is asked for at 1.0, by one digest; `failing` is raised instead while it is set."""

    asked: list[Dependencies] = field(default_factory=list)
    failing: Exception | None = None
    digest: str = "d" * 64

    def resolve(self, wanted: Dependencies) -> DependencyLock:
        self.asked.append(wanted)
        if self.failing:
            raise self.failing
        names = sorted(required_names(wanted.requirements))
        files = [f"{name}-1.0-py3-none-any.whl" for name in names]
        wheels = (
            LockedWheel(name, "1.0", file, f"https://files.example/{file}", self.digest, 1000)
            for name, file in zip(names, files, strict=True)
        )
        return DependencyLock.of(wanted.image, tuple(wheels))


class NoBucket:
    """Where no wheel needs another one: neither the bucket nor a host of locked wheels is asked for anything."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        raise AssertionError(f"no wheel needs another one here, and {method} was called")


class FakeHosts:
    """The hosts of what was published before there were locks: each wheel is there, and needs no other."""

    def keep(self, version: ProviderVersion, charge: Callable[[int], None]) -> OldWheel:
        charge(0)
        return OldWheel((), kept_name(version.wheel_sha256, f"{version.name}-{version.version}-py3-none-any.whl"))


def _generation(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"][GENERATION])


def _life(manifest: Manifest) -> str:
    return str(manifest["metadata"]["annotations"][INSTALLATION_ID])


def _owner_of(manifest: Manifest) -> ObjectOwner:
    metadata = manifest["metadata"]
    told = metadata["annotations"]
    return ObjectOwner(metadata["namespace"], told[ORGANIZATION_ID], told[PROVIDER], told[INSTALLATION_ID])
