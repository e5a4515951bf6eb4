"""Locking again: what changes, what does not, and how versions that were published before there were locks get one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.builders import ACME, RUNTIME, WEATHER, actor_of, provider, version, wish
from tests.fakes import FakeWheels
from tests.integration.backend import Backend
from tests.integration.test_publish import ADA, AUTHOR, WISH

from provider_hub.actions import change, keys
from provider_hub.actions.publish import publish
from provider_hub.actions.relock import LOCK_AGAIN, OldWheel, Relocking
from provider_hub.actions.relock_request import request_relock
from provider_hub.domain.catalog import ProviderVersion, VersionStatus
from provider_hub.domain.dependencies import LockRefused
from provider_hub.domain.errors import Conflict, Forbidden, HubError, NotFound, PermanentError, TemporaryError
from provider_hub.domain.installation import LifecycleState, Revision
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import SlugClaim

NEEDY = FakeWheels(requirements=("tide>=1",))


@dataclass
class Hosts:
    """Every wheel that was published before is there, and needs `tide`; `failing` is raised instead while it is set.

    `meanwhile` is what somebody does while a wheel is fetched.
    """

    kept: list[str] = field(default_factory=list)
    failing: HubError | None = None
    meanwhile: Callable[[], object] = lambda: None

    def keep(self, released: ProviderVersion, charge: Callable[[int], None]) -> OldWheel:
        self.meanwhile()
        if self.failing:
            raise self.failing
        self.kept.append(released.version)
        charge(1000)
        return OldWheel(("tide>=1",), f"kept/{released.version}.whl")


class Relocked:
    def __init__(self, backend: Backend) -> None:
        self.backend, self.hosts = backend, Hosts()
        self.relocking = Relocking(backend.services, self.hosts)

    def shown(self, text: str = "1.0.0", name: ProviderName = WEATHER) -> ProviderVersion:
        found = self.backend.store.get(keys.version(name, text))
        assert found is not None
        return found


@pytest.fixture
def relocked(backend: Backend) -> Relocked:
    return Relocked(backend)


def test_a_lock_that_comes_out_the_same_changes_nothing(relocked: Relocked) -> None:
    backend = relocked.backend
    made = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA).version
    assert request_relock(backend.services, ADA, WEATHER, "1.0.0").lock_due_at == backend.clock()
    assert relocked.relocking.lock_slice() == 0
    shown = relocked.shown()
    assert (shown.lock_sha256, shown.lock_due_at, shown.updated_at) == (made.lock_sha256, None, made.updated_at)
    assert shown.lock_message == "locked again: nothing changed"
    assert len(backend.documents.under("providers/acme:weather/locks")) == 1


def test_another_lock_is_for_whoever_asks_for_the_version_from_then_on(relocked: Relocked) -> None:
    backend = relocked.backend
    made = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA).version
    revision = Revision("1.0.0", wish().revision.resource_tier, {}, made.lock_sha256)
    row = wish(revision=revision, ready_revision=revision, ready_generation=1, lifecycle_state=LifecycleState.READY)
    backend.put(keys.installation_of(row), row)
    with pytest.raises(Conflict, match="already: to run it once more"):
        change.upgrade(backend.services, ACME, WEATHER, "1.0.0", "user_1")

    backend.resolver.digest = "e" * 64
    request_relock(backend.services, ADA, WEATHER, "1.0.0")
    assert relocked.relocking.lock_slice() == 1

    shown = relocked.shown()
    assert (shown.lock_due_at, shown.lock_message) == (None, None)
    assert shown.lock_sha256 != made.lock_sha256
    assert backend.store.get(keys.installation_of(row)) == row
    upgraded = change.upgrade(backend.services, ACME, WEATHER, "1.0.0", "user_1").row
    assert (upgraded.generation, upgraded.revision.lock_sha256) == (2, shown.lock_sha256)
    assert upgraded.ready_revision == revision
    assert backend.store.get(keys.lock(WEATHER, str(made.lock_sha256))), "what ran can be restored"


def test_the_package_index_reads_a_version_again_whose_bytes_are_kept_at_last(relocked: Relocked) -> None:
    backend = relocked.backend
    published_before(backend, "1.0.0")
    backend.put(keys.provider(WEATHER), provider())
    backend.clock.turn(minutes=1)
    assert (relocked.relocking.find_slice(), relocked.relocking.lock_slice()) == (1, 1)
    row = backend.store.get(keys.provider(WEATHER))
    assert row is not None
    assert row.updated_at == backend.clock()


@pytest.mark.parametrize(
    ("failing", "due_again"), [(LockRefused("no tide any more"), False), (TemporaryError("index down"), True)]
)
def test_what_cannot_be_locked_again_keeps_its_lock_and_says_why(
    relocked: Relocked, failing: HubError, due_again: bool
) -> None:
    backend = relocked.backend
    made = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA).version
    request_relock(backend.services, ADA, WEATHER, "1.0.0")
    backend.resolver.failing = failing
    assert relocked.relocking.lock_slice() == 0
    shown = relocked.shown()
    assert (shown.lock_sha256, shown.lock_message) == (made.lock_sha256, str(failing))
    assert shown.lock_due_at == (backend.clock() + LOCK_AGAIN if due_again else None)


@pytest.mark.parametrize("failing", [PermanentError("no such wheel any more"), TemporaryError("the host is down")])
def test_a_lock_that_is_asked_for_while_another_attempt_fails_is_still_due(
    relocked: Relocked, failing: HubError
) -> None:
    backend = relocked.backend
    backend.put(keys.provider(WEATHER), provider())
    published_before(backend, "1.0.0", lock_due_at=backend.clock())
    backend.clock.turn(minutes=1)
    relocked.hosts.meanwhile = lambda: request_relock(backend.services, ADA, WEATHER, "1.0.0")
    relocked.hosts.failing = failing
    assert relocked.relocking.lock_slice() == 0
    assert (relocked.shown().lock_due_at, relocked.shown().lock_message) == (backend.clock(), None)


def test_only_the_author_has_a_published_version_locked_again(relocked: Relocked) -> None:
    backend = relocked.backend
    shared = ProviderName("platform", "cloud")
    backend.put(keys.provider(shared), provider(shared))
    backend.put(keys.version(shared, "1.0.0"), version("1.0.0", shared))
    with pytest.raises(Forbidden):
        request_relock(backend.services, actor_of("org_acme"), shared, "1.0.0")
    with pytest.raises(NotFound):
        request_relock(backend.services, ADA, WEATHER, "1.0.0")
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.version(WEATHER, "1.0.0"), version(status=VersionStatus.YANKED))
    with pytest.raises(Conflict, match="is yanked"):
        request_relock(backend.services, ADA, WEATHER, "1.0.0")


def published_before(backend: Backend, *texts: str, **changes: Any) -> None:
    backend.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    for text in texts:
        backend.put(keys.version(WEATHER, text), version(text, **changes))


def test_what_was_published_before_is_kept_and_locked_once(relocked: Relocked) -> None:
    backend = relocked.backend
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_acme"))
    published_before(backend, "1.0.0", "1.1.0")
    published_before(backend, "0.9.0", status=VersionStatus.FAILED)
    assert (relocked.relocking.find_slice(), relocked.relocking.lock_slice()) == (2, 2)
    assert sorted(relocked.hosts.kept) == ["1.0.0", "1.1.0"]
    assert relocked.shown().lock_packages == 1
    assert (relocked.shown().requirements, relocked.shown().wheel_object) == (("tide>=1",), "kept/1.0.0.whl")
    assert relocked.shown("0.9.0").lock_sha256 is None
    use = backend.store.get(keys.publishing_use("org_acme"))
    assert use is not None
    assert use.kept_bytes == 2000, "what is kept is of its organization's share"
    backend.rpcs.calls.clear()
    assert relocked.relocking.find_slice() == 0
    assert backend.rpcs.names() == ["BatchGetDocuments"], "a walk that is done reads no version again"


def test_the_same_walk_tells_a_provider_of_which_distributions_its_versions_are(relocked: Relocked) -> None:
    backend = relocked.backend
    backend.put(keys.provider(WEATHER), provider())
    published_before(backend, "1.0.0", distribution_name="Weather_Provider")
    published_before(backend, "1.1.0", distribution_name="weather-provider")
    published_before(backend, "1.2.0", distribution_name="weather", lock_sha256="c" * 64)
    published_before(backend, "0.9.0")
    relocked.relocking.find_slice()
    told = backend.store.get(keys.provider(WEATHER))
    assert told is not None
    assert told.distributions == ("weather-provider", "weather")


def test_one_whose_host_has_gone_stays_as_it_was_and_says_so(relocked: Relocked) -> None:
    published_before(relocked.backend, "1.0.0")
    relocked.hosts.failing = PermanentError("its host serves other bytes")
    assert (relocked.relocking.find_slice(), relocked.relocking.lock_slice()) == (1, 0)
    shown = relocked.shown()
    assert (shown.lock_sha256, shown.lock_due_at, shown.lock_message) == (None, None, "its host serves other bytes")
