"""Locking at publishing: what is asked for, what is kept, and that a refusal keeps nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.builders import ACME, OTHER, RUNTIME, WEATHER, actor_of, provider, version
from tests.fakes import FakeWheels
from tests.integration.backend import Backend
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.integration.test_http_publishing import METADATA
from tests.integration.test_publish import ADA, AUTHOR, PUBLIC, WISH
from tests.package_index import PackageIndex
from tests.runtime_harness import make_wheel, serving

from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import add_wheel
from provider_hub.actions import browse, change, curate, keys
from provider_hub.actions.install import request_install
from provider_hub.actions.publish import publish
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.dependencies import DependencyLock, LockRefused
from provider_hub.domain.errors import HubError, Invalid, NotFound, TemporaryError
from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.names import ProviderName, normalised
from provider_hub.domain.organizations import Organization, SlugClaim

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NEEDY = FakeWheels(requirements=("tide>=1", "wave ; sys_platform == 'win32'", "sand ; extra == 'beach'"))


def test_a_lock_is_kept_with_its_version_and_read_by_whoever_sees_it(backend: Backend) -> None:
    made = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA).version
    (asked,) = backend.resolver.asked
    assert (asked.requirements, asked.at) == (("tide>=1",), backend.clock())
    lock = browse.get_lock(backend.services, "org_acme", WEATHER, "1.0.0")
    assert [wheel.name for wheel in DependencyLock.parse(lock.text).wheels] == ["tide"]
    assert (made.lock_sha256, made.lock_packages, made.requirements) == (lock.sha256, 1, NEEDY.requirements)
    with pytest.raises(NotFound):
        browse.get_lock(backend.services, "org_other", WEATHER, "1.0.0")


def test_nothing_is_asked_where_nothing_is_needed_and_the_lock_is_empty(backend: Backend) -> None:
    wheels = FakeWheels(requirements=NEEDY.requirements[1:])
    made = publish(backend.services, wheels, WEATHER, WISH, AUTHOR, ADA).version
    assert (backend.resolver.asked, made.lock_packages) == ([], 0)
    assert DependencyLock.parse(browse.get_lock(backend.services, "org_acme", WEATHER, "1.0.0").text).wheels == ()


@pytest.mark.parametrize(
    ("failing", "raised"), [(LockRefused("no tide is high enough"), Invalid), (TemporaryError("later"), TemporaryError)]
)
def test_what_is_not_locked_is_not_kept(backend: Backend, failing: HubError, raised: type[HubError]) -> None:
    backend.resolver.failing = failing
    with pytest.raises(raised, match=str(failing)):
        publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA)
    assert backend.documents.all() == {}


@pytest.mark.parametrize("may_fit_elsewhere", [True, False])
def test_a_refusal_by_the_newest_python_names_the_older_ones_that_the_wheel_fits(
    backend: Backend, *, may_fit_elsewhere: bool
) -> None:
    older = replace(RUNTIME, version="older", python_version="3.12")
    backend.put(keys.runtime_version(older.version), older)
    backend.resolver.failing = LockRefused("tide has no wheel for it", may_fit_elsewhere=may_fit_elsewhere)
    with pytest.raises(Invalid, match="tide has no wheel for it") as refusal:
        publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA)
    told = (
        "the wheel itself also fits older (CPython 3.12, manylinux_2_36_x86_64): name one of these as runtime_version"
    )
    assert (told in str(refusal.value)) == may_fit_elsewhere
    assert ("Requires-Python <3.13" in str(refusal.value)) == may_fit_elsewhere
    backend.resolver.failing = None
    named = WISH.model_copy(update={"runtime_version": "older"})
    assert publish(backend.services, NEEDY, WEATHER, named, AUTHOR, ADA).version.runtime_version == "older"


def test_a_dependency_that_brings_the_wheel_itself_again_is_refused(backend: Backend) -> None:
    with pytest.raises(Invalid, match="give the wheel's distribution another name"):
        publish(backend.services, FakeWheels(requirements=("Weather",)), WEATHER, WISH, AUTHOR, ADA)


def test_a_marker_that_nothing_evaluates_is_a_refusal_before_any_index_is_asked(backend: Backend) -> None:
    with pytest.raises(Invalid, match=r"dependency .tide; 'x' in extras. cannot be evaluated"):
        publish(backend.services, FakeWheels(requirements=("tide; 'x' in extras",)), WEATHER, WISH, AUTHOR, ADA)
    assert backend.resolver.asked == []


def test_publishing_again_asks_no_index_though_it_has_moved(backend: Backend) -> None:
    first = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA)
    backend.resolver.digest = "e" * 64
    again = publish(backend.services, NEEDY, WEATHER, WISH, AUTHOR, ADA)
    assert (again.version, again.created, len(backend.resolver.asked)) == (first.version, False, 1)


def own_provider(backend: Backend, name: ProviderName, distribution: str, **versions: str) -> None:
    """A provider of `name`'s organization with wheels of one distribution, their digests by their versions."""
    backend.put(keys.slug(name.prefix), SlugClaim(name.prefix, f"org_{name.prefix}"))
    latest = max(versions, default="1.0.0")
    backend.put(keys.provider(name), provider(name, latest_version=latest, distributions=(normalised(distribution),)))
    for text, sha256 in versions.items():
        backend.put(keys.version(name, text), version(text, name, distribution_name=distribution, wheel_sha256=sha256))


def test_the_publishers_own_distributions_are_those_of_its_providers_whatever_they_are_called(backend: Backend) -> None:
    own_provider(backend, ProviderName("acme", "tide"), "Tide")
    own_provider(backend, ProviderName("acme", "wave"), "other-wave")
    own_provider(backend, ProviderName("acme", "zope.interface"), "zope.interface")
    own_provider(backend, ProviderName("other", "sand"), "sand")
    own_provider(backend, ProviderName("acme", "weather-things"), "name_19")
    many = tuple(f"name-{number}" for number in range(20))
    needed = FakeWheels(requirements=("tide", "wave", "sand", "A_b.c", "Zope_Interface", *many))
    publish(backend.services, needed, WEATHER, WISH, AUTHOR, ADA)
    assert backend.resolver.asked[0].own == {"tide", "zope-interface", "name-19"}


@pytest.mark.parametrize("called", ["tide", "sea.level"])
@pytest.mark.parametrize(("digest", "waived"), [("d" * 64, True), ("e" * 64, False)])
def test_the_cooldown_is_waived_for_the_very_files_that_the_publisher_published_and_not_for_their_names(
    backend: Backend, called: str, digest: str, waived: bool
) -> None:
    own_provider(backend, ProviderName("acme", called), "tide", **{"1.0.0": digest, "1.1.0": "f" * 64})
    publish(backend.services, FakeWheels(requirements=("tide",)), WEATHER, WISH, AUTHOR, ADA)
    assert [asked.own for asked in backend.resolver.asked] == [{"tide"}] if waived else [{"tide"}, set()]
    assert {asked.prefix for asked in backend.resolver.asked} == {"acme"}


def test_a_lock_that_is_resolved_twice_has_the_time_of_one(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    own_provider(backend, ProviderName("acme", "tide"), "tide", **{"1.0.0": "e" * 64})
    resolve = backend.resolver.resolve

    def slow(wanted: Dependencies) -> DependencyLock:
        backend.clock.turn(seconds=45)
        return resolve(wanted)

    monkeypatch.setattr(backend.resolver, "resolve", slow)
    publish(backend.services, FakeWheels(requirements=("tide",)), WEATHER, WISH, AUTHOR, ADA)
    assert [asked.within.total_seconds() for asked in backend.resolver.asked] == [60, 15]


def test_two_versions_that_need_the_same_share_a_lock_which_goes_with_the_provider(backend: Backend) -> None:
    for text in ("1.0.0", "1.1.0"):
        publish(backend.services, NEEDY, WEATHER, WISH.model_copy(update={"version": text}), AUTHOR, ADA)
    assert len(backend.documents.under("providers/acme:weather/locks")) == 1
    curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert backend.documents.under("providers") == {}


def _lock_of(backend: Backend, organization: Organization) -> str | None:
    row = backend.store.get(keys.installation(organization.organization_id, WEATHER))
    assert row is not None
    return row.revision.lock_sha256


def _be_ready(backend: Backend, organization: Organization) -> None:
    key = keys.installation(organization.organization_id, WEATHER)
    row = backend.store.get(key)
    assert row is not None
    ready = {"lifecycle_state": LifecycleState.READY, "ready_revision": row.revision, "deadline_at": None}
    backend.put(key, replace(row, current_version=row.revision.version, ready_generation=row.generation, **ready))


def test_tenants_an_hour_apart_run_one_lock_though_the_index_moves_and_so_after_upgrade_and_rollback(
    backend: Backend,
) -> None:
    locks = {}
    for text, index_has in (("1.0.0", "d"), ("1.1.0", "9")):
        backend.resolver.digest = index_has * 64
        wish = PUBLIC.model_copy(update={"version": text})
        locks[text] = publish(backend.services, NEEDY, WEATHER, wish, AUTHOR, ADA).version.lock_sha256
    assert locks["1.0.0"] != locks["1.1.0"], "the index moved between the two"

    def hourly(what: Callable[[Organization], object], expected: str) -> None:
        for organization in (ACME, OTHER):
            what(organization)
            _be_ready(backend, organization)
            assert _lock_of(backend, organization) == locks[expected]
            backend.clock.turn(hours=1)
            backend.resolver.digest = "7" * 64

    services, wanted = backend.services, InstallWish(provider_name=WEATHER, version="1.0.0")
    hourly(lambda organization: request_install(services, organization, wanted, "user_1"), "1.0.0")
    hourly(lambda organization: change.upgrade(services, organization, WEATHER, "1.1.0", "user_1"), "1.1.0")
    hourly(lambda organization: change.downgrade(services, organization, WEATHER, "1.0.0", "user_1"), "1.0.0")
    change.upgrade(services, ACME, WEATHER, "1.1.0", "user_1")
    change.rollback(services, ACME, WEATHER, "user_1")
    assert _lock_of(backend, ACME) == locks["1.0.0"]
    assert len(backend.resolver.asked) == 2, "nothing but the two publishes asked the index"


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    made = PackageIndex()
    with serving(made.answer) as made.url:
        yield made


def test_over_http_a_version_has_its_lock_and_its_bill_and_one_that_cannot_be_installed_is_refused(
    around: StandIns, index: PackageIndex, tmp_path: Path
) -> None:
    tide = make_wheel(tmp_path, {"tide.py": ""}, name="tide")
    hosted = add_wheel(tide, wheels_dir(around.state_dir), around.wheels_url)
    index.offer(tide, LONG_AGO, url=hosted.url)
    with deployed_on(around, HUB_INDEX_URLS=index.simple_url) as deployed:
        tenants = Tenants(deployed)

        def published(name: str, requirement: str) -> tuple[int, dict[str, object]]:
            wheel = tenants.host_wheel(tmp_path, name, metadata=[f"Requires-Dist: {requirement}"])
            body = {"name": f"acme/{name}", "version": "2.0.0", "wheel_url": wheel.url, "metadata": METADATA}
            answer = deployed.call("POST", "/provider-versions", tenants.machine, body=body)
            return answer.status_code, answer.json

        status, made = published("lagoon", "tide>=1")
        assert (status, made.get("lock_packages")) == (201, 1), made
        status, refused = published("puddle", "no-such-distribution==9")
        assert (status, refused["errors"][0]["loc"]) == (422, ["body", "wheel_url"])
        assert "no-such-distribution was not found" in str(refused["detail"])
        path = "/providers/acme/lagoon/versions/2.0.0"
        assert deployed.call("GET", "/providers/acme/puddle", tenants.user).status_code == 404
        shown = deployed.call("GET", path, tenants.user).json
        lock = deployed.call("GET", f"{path}/lock", tenants.user)
        bill = deployed.call("GET", f"{path}/sbom", tenants.user)
        assert DependencyLock.parse(lock.text).sha256 == shown["lock_sha256"]
        assert [part["hashes"][0]["content"] for part in json.loads(bill.data)["components"]] == [hosted.sha256]
        assert deployed.call("GET", f"{path}/lock", tenants.other).status_code == 404
