"""The mirror: every locked wheel is copied into the bucket once, and one host that fails holds up no other."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import IO

import pytest
from tests.builders import CLOUD, IMAGE, WEATHER
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.mirror import MIRROR_AGAIN, MIRROR_REFUSED_AGAIN, Mirror
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.errors import HubError, PermanentError, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.publishing_use import PublishingLimits

RADIO = ProviderName("acme", "radio")


@dataclass
class Bucket:
    """The two methods of the bucket that a mirror asks."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def size_of(self, name: str) -> int | None:
        return len(self.objects[name]) if name in self.objects else None

    def put(self, name: str, content: IO[bytes]) -> bool:
        content.seek(0)
        assert name not in self.objects
        self.objects[name] = content.read()
        return True


@dataclass
class Hosts:
    """Every wheel is its own name; `failing` is raised for a wheel of that name instead."""

    asked: list[str] = field(default_factory=list)
    failing: dict[str, HubError] = field(default_factory=dict)

    def fetch(self, wheel: LockedWheel, into: IO[bytes]) -> None:
        self.asked.append(wheel.name)
        if wheel.name in self.failing:
            raise self.failing[wheel.name]
        into.write(wheel.name.encode())


def wheel(name: str) -> LockedWheel:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return LockedWheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", f"https://f/{name}", digest, None)


class Mirrored:
    def __init__(self, backend: Backend) -> None:
        self.backend, self.bucket, self.hosts = backend, Bucket(), Hosts()
        self.mirror = Mirror(backend.services, self.bucket, self.hosts)  # type: ignore[arg-type]

    def lock(self, provider: ProviderName, *names: str) -> str:
        lock = DependencyLock.of(IMAGE, tuple(map(wheel, names)))
        self.backend.put(keys.lock(provider, lock.sha256), StoredLock.of(provider, lock, self.backend.clock()))
        return lock.sha256

    def due_at(self, provider: ProviderName, digest: str) -> object:
        stored = self.backend.store.get(keys.lock(provider, digest))
        assert stored is not None
        return stored.mirror_due_at


@pytest.fixture
def mirrored(backend: Backend) -> Mirrored:
    return Mirrored(backend)


def test_each_digest_is_copied_once_over_all_providers_and_then_nothing_is_due(mirrored: Mirrored) -> None:
    mirrored.lock(WEATHER, "moon", "tide")
    mirrored.lock(RADIO, "moon", "sand")
    assert mirrored.mirror.copy_slice() == 3
    assert sorted(mirrored.hosts.asked) == ["moon", "sand", "tide"]
    moon = wheel("moon")
    assert mirrored.bucket.objects[kept_name(moon.sha256, moon.file_name)] == b"moon"
    assert mirrored.mirror.copy_slice() == 0
    assert len(mirrored.hosts.asked) == 3


@pytest.mark.parametrize(
    ("failure", "wait"),
    [(TemporaryError("it does not answer"), MIRROR_AGAIN), (PermanentError("other bytes"), MIRROR_REFUSED_AGAIN)],
)
def test_a_host_that_fails_holds_up_no_other_and_is_asked_again_later(
    mirrored: Mirrored, failure: HubError, wait: timedelta
) -> None:
    digest = mirrored.lock(WEATHER, "moon", "tide")
    mirrored.lock(RADIO, "sand")
    mirrored.hosts.failing = {"moon": failure}
    assert mirrored.mirror.copy_slice() == 2
    assert mirrored.due_at(WEATHER, digest) == mirrored.backend.clock() + wait
    mirrored.hosts.failing = {}
    assert mirrored.mirror.copy_slice() == 0
    mirrored.backend.clock.turn(seconds=wait.total_seconds())
    assert mirrored.mirror.copy_slice() == 1
    assert mirrored.due_at(WEATHER, digest) is None


def test_a_lock_whose_provider_is_deleted_meanwhile_stays_deleted(mirrored: Mirrored) -> None:
    digest = mirrored.lock(WEATHER, "moon")
    fetch = mirrored.hosts.fetch

    def deleted_meanwhile(wanted: LockedWheel, into: IO[bytes]) -> None:
        fetch(wanted, into)
        mirrored.backend.store.delete_all([keys.lock(WEATHER, digest)])

    mirrored.hosts.fetch = deleted_meanwhile  # type: ignore[method-assign]
    assert mirrored.mirror.copy_slice() == 1
    assert mirrored.backend.documents.all() == {}


def test_copies_are_of_the_organization_whose_lock_needs_them_and_end_at_its_bound(mirrored: Mirrored) -> None:
    backend = mirrored.backend
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_acme"))
    limits = PublishingLimits(stored_bytes=len("moon"))
    rules = replace(backend.services.publishing, limits=limits)
    mirrored.mirror = replace(mirrored.mirror, services=replace(backend.services, publishing=rules))
    digest = mirrored.lock(WEATHER, "moon", "tide")
    mirrored.lock(CLOUD, "sand")
    assert mirrored.mirror.copy_slice() == 2
    use = backend.store.get(keys.publishing_use("org_acme"))
    assert use is not None
    assert use.kept_bytes == len("moon")
    assert mirrored.due_at(WEATHER, digest) == backend.clock() + MIRROR_REFUSED_AGAIN
