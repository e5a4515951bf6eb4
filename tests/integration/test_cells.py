"""Organizations on several clusters: each is placed once, and what happens to one cluster stays with it."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from tests.builders import ACME, OTHER, WEATHER, provider, version, wish
from tests.fakes import FakeCluster, FakeTasks
from tests.integration.actors import FACTS, KEY, installer_over, sweeper_over
from tests.integration.backend import Backend

from provider_hub.actions import change, keys
from provider_hub.actions.cluster import Clusters, Unanswered
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.drift import MANY_ORPHANS, Drift, objects_walk
from provider_hub.actions.expire import Expiry
from provider_hub.actions.inspect import deployment_status, status_after_wish
from provider_hub.actions.install import request_install
from provider_hub.actions.organizations import Organizations
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.catalog import PUBLIC_AUDIENCE
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.installation import (
    CheckedIn,
    Health,
    Installation,
    InstallationRequest,
    LifecycleState,
    Outcome,
)
from provider_hub.domain.manifests import GENERATION, INSTALLATION_ID, ORGANIZATION_ID, PROVIDER
from provider_hub.domain.messages import decode
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.records import InstalledCount, Topic
from provider_hub.domain.scope import Scope

SUN = ProviderName("acme", "sun")
WISH = InstallWish(provider_name=WEATHER, version="1.0.0")


class Hub:
    """A hub with the clusters of two cells, whose actors are called by hand."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.first, self.second = FakeCluster(), FakeCluster()
        self.clusters = Clusters({"default": self.first, "b": self.second})
        tasks = FakeTasks()
        self.installer = replace(installer_over(backend, self.first, tasks), clusters=self.clusters)
        self.states = DesiredStates(backend.store, FACTS, KEY, backend.envelope)
        self.drift = Drift(backend.services, self.clusters, self.states)
        self.expiry = Expiry(backend.services, self.clusters)
        sweeper = sweeper_over(backend, self.first, tasks)
        self.sweeper = replace(sweeper, drift=self.drift, expiry=self.expiry)
        for name in (WEATHER, SUN):
            backend.put(keys.provider(name), provider(name, scope=Scope.PUBLIC, audience=PUBLIC_AUDIENCE))
            for text in ("1.0.0", "2.0.0"):
                backend.put(keys.version(name, text), version(text, name))

    def row(self, organization: Organization, name: ProviderName = WEATHER) -> Installation:
        found = self.backend.store.get(keys.installation(organization.organization_id, name))
        assert found
        return found

    def wish(self, organization: Organization, cell: str, name: ProviderName = WEATHER) -> InstallationRequest:
        """An install of an organization that is in the cell; the request that the installer would get."""
        placed = replace(organization, cell=cell)
        request_install(self.backend.services, placed, WISH.model_copy(update={"provider_name": name}), "user_1")
        return self.request()

    def request(self) -> InstallationRequest:
        (message,) = self.backend.topics.pull(Topic.INSTALLATION_EVENTS)
        return decode(InstallationRequest, message.data)

    def make_ready(self, organization: Organization, cell: str) -> Installation:
        self.installer.handle(self.wish(organization, cell))
        row = self.row(organization)
        event = CheckedIn(row.installation_id, row.generation, "1.0.0", Health.HEALTHY)
        return apply_event(self.backend.services, row, event).kept


@pytest.fixture
def hub(backend: Backend) -> Hub:
    return Hub(backend)


def services_with(hub: Hub, **weights: float) -> Services:
    return replace(hub.backend.services, cell_weights=weights)


def met(services: Services, slug: str = "new") -> Organization:
    return Organizations(services).of(OrganizationClaims(f"org_{slug}", slug))


def test_the_first_install_places_an_organization_and_other_weights_move_it_nowhere(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    new = met(services)
    assert new.cell is None
    assert request_install(services, new, WISH, "user_1").row.cell == "b"
    stored = hub.backend.store.get(keys.organization(new.organization_id))
    assert stored is not None
    assert stored.cell == "b"
    closed = services_with(hub, default=1, b=0)
    sun = WISH.model_copy(update={"provider_name": SUN})
    assert request_install(closed, new, sun, "user_1").row.cell == "b", "what this process knows of it is a minute old"
    hub.backend.clock.turn(minutes=2)
    assert met(closed).cell == "b"


def test_the_next_install_of_a_process_costs_what_it_costs_in_an_organization_that_has_its_cell(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    placed, new = met(services, "old"), met(services)
    sun = WISH.model_copy(update={"provider_name": SUN})
    request_install(services, new, WISH, "user_1")
    calls = []
    for organization in (replace(placed, cell="b"), new):
        hub.backend.rpcs.calls.clear()
        assert request_install(services, organization, sun, "user_1").row.cell == "b"
        calls.append(hub.backend.rpcs.names())
    assert calls[0] == calls[1]


def test_first_installs_that_run_at_the_same_time_do_not_conflict(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    new = met(services)
    wishes = [WISH.model_copy(update={"provider_name": name}) for name in (WEATHER, SUN)]
    hub.backend.rpcs.calls.clear()
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda wish: request_install(services, new, wish, "user_1"), wishes))
    assert [installed.row.cell for installed in made] == ["b", "b"]
    assert hub.backend.rpcs.names().count("RunQuery") == 1, "the second one had to choose the cell too"


def test_where_the_commit_is_lost_the_organization_is_in_no_cell_and_has_no_row(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    new = met(services)
    hub.backend.rpcs.fail("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    with pytest.raises(TemporaryError):
        request_install(services, new, WISH, "user_1")
    assert hub.backend.store.get(keys.installation(new.organization_id, WEATHER)) is None
    assert request_install(services_with(hub, default=1, b=0), new, WISH, "user_1").row.cell == "default"


def test_an_organization_of_before_there_were_cells_stays_in_the_default_cell(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    assert request_install(services, ACME, WISH, "user_1").row.cell == "default"


def test_what_the_release_before_installed_during_a_deployment_is_not_followed_by_a_second_cluster(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    new = met(services)
    hub.backend.put(keys.installation(new.organization_id, SUN), replace(wish(), organization_id=new.organization_id))
    assert request_install(services, new, WISH, "user_1").row.cell == "default"


@pytest.mark.parametrize("counted", [0, 3])
def test_a_count_that_is_wrong_places_no_organization(hub: Hub, counted: int) -> None:
    """The rows alone say where it is: a count may be corrected later than an install comes."""
    services = services_with(hub, default=0, b=1)
    new = met(services)
    hub.backend.put(keys.installed_count(new.organization_id), InstalledCount(new.organization_id, counted))
    assert request_install(services, new, WISH, "user_1").row.cell == "b"
    hub.backend.put(keys.organization(new.organization_id), new)
    sun = WISH.model_copy(update={"provider_name": SUN})
    hub.backend.put(keys.installed_count(new.organization_id), InstalledCount(new.organization_id, 0))
    closed = services_with(hub, default=1, b=0)
    assert request_install(closed, new, sun, "user_1").row.cell == "b", "its row is there, whatever the count says"


def test_an_organization_that_was_deleted_meanwhile_does_not_come_back_without_its_slug(hub: Hub) -> None:
    services = services_with(hub, default=0, b=1)
    new = met(services)
    hub.backend.store.delete_all([keys.organization(new.organization_id), keys.slug(new.slug)])
    with pytest.raises(TemporaryError, match=r"org_new was deleted a moment ago"):
        request_install(services, new, WISH, "user_1")
    assert hub.backend.store.get(keys.organization(new.organization_id)) is None
    assert hub.backend.store.get(keys.installation(new.organization_id, WEATHER)) is None


def test_each_organizations_objects_are_in_its_own_cells_cluster_from_install_to_uninstall(hub: Hub) -> None:
    hub.installer.handle(hub.wish(ACME, "default"))
    hub.installer.handle(hub.wish(OTHER, "b"))
    assert (hub.first.namespaces, hub.second.namespaces) == (["org-acme"], ["org-other"])
    change.upgrade(hub.backend.services, OTHER, WEATHER, "2.0.0", "user_1")
    hub.installer.handle(hub.request())
    change.uninstall(hub.backend.services, OTHER, WEATHER, cascade=False, cause="user_1")
    hub.installer.handle(hub.request())
    assert hub.second.objects == {}
    assert hub.backend.store.get(keys.installation(OTHER.organization_id, WEATHER)) is None
    assert len(hub.first.objects) == 4


def test_a_cell_that_does_not_answer_delays_its_own_installations_alone(hub: Hub) -> None:
    hub.second.failing = TemporaryError("the cluster did not answer: timed out")
    waiting = hub.wish(OTHER, "b")
    with pytest.raises(TemporaryError, match="did not answer"):
        hub.installer.handle(waiting)
    hub.installer.handle(hub.wish(ACME, "default"))
    assert len(hub.first.objects) == 4
    hub.second.failing = None
    hub.installer.handle(waiting)
    assert len(hub.second.objects) == 4


def test_what_is_gone_in_one_cell_is_repaired_while_another_does_not_answer(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.make_ready(ACME, "default")
    hub.make_ready(OTHER, "b")
    hub.first.objects.clear()
    hub.second.objects.clear()
    hub.second.failing = TemporaryError("the cluster did not answer: timed out")
    assert hub.drift.repair_slices() == 1
    assert (len(hub.first.objects), len(hub.second.objects)) == (4, 0)
    assert hub.row(OTHER).lifecycle_state is LifecycleState.READY
    hub.second.failing = None
    assert hub.drift.repair_slices() == 1
    assert len(hub.second.objects) == 4


CALL_SECONDS = 10


def hang(hub: Hub, cluster: FakeCluster) -> list[int]:
    """Every call of the cluster takes its whole time and has no answer; grows by what each call took."""
    waited: list[int] = []

    def wait() -> None:
        waited.append(CALL_SECONDS)
        hub.backend.clock.turn(seconds=CALL_SECONDS)
        raise Unanswered("the cluster did not answer: ReadTimeoutError")

    cluster._answer = wait  # type: ignore[method-assign]
    return waited


def organization(number: int) -> Organization:
    """The rows of organizations are walked in the order of these numbers."""
    return replace(OTHER, organization_id=f"org_{number}", slug=f"org{number}")


def test_a_cell_that_hangs_is_waited_for_once_in_a_walk_that_repairs_the_others(hub: Hub) -> None:
    for number in range(6):
        hub.make_ready(organization(number), "b")
    hub.make_ready(organization(9), "default")
    hub.first.objects.clear()
    waited = hang(hub, hub.second)
    assert hub.drift.repair_slices() == 1
    assert len(hub.first.objects) == 4
    assert waited == [CALL_SECONDS]


def test_waits_whose_cell_hangs_end_in_one_sweep_with_what_the_first_one_was_told(hub: Hub) -> None:
    for number in range(6):
        hub.installer.handle(hub.wish(organization(number), "b"))
    hub.backend.clock.turn(hours=1)
    waited = hang(hub, hub.second)
    assert hub.sweeper.sweep().done["deadlines"] == 6
    assert waited == [CALL_SECONDS], "repairs and orphans did not ask again"
    reasons = {hub.row(organization(number)).failure_message for number in range(6)}
    assert reasons == {"1.0.0 failed: the deadline passed, and the cluster did not answer: ReadTimeoutError"}


def test_a_cell_that_hangs_before_its_orphans_are_removed_is_waited_for_once(hub: Hub) -> None:
    orphans(hub.second, MANY_ORPHANS - 1)
    found = hub.second.object_owners(None, 100)
    waited = hang(hub, hub.second)
    hub.second.object_owners = lambda _place, _limit: found  # type: ignore[method-assign]
    assert hub.drift.remove_orphans() == 0
    assert waited == [CALL_SECONDS]


def test_the_next_sweep_asks_a_silent_cell_again(hub: Hub) -> None:
    hub.make_ready(OTHER, "b")
    hub.second.objects.clear()
    hub.second.failing = Unanswered("the cluster did not answer: ReadTimeoutError")
    assert hub.sweeper.sweep().failed == ("orphans",)
    hub.second.failing = None
    assert hub.sweeper.sweep().done["repairs"] == 1


def orphans(cluster: FakeCluster, count: int) -> None:
    """Secrets of installations that no row is there for."""
    for number in range(count):
        told = {
            INSTALLATION_ID: f"{number:026}",
            ORGANIZATION_ID: "org_gone",
            PROVIDER: f"gone/p{number}",
            GENERATION: "1",
        }
        metadata = {"name": f"o{number}", "namespace": "org-gone", "annotations": told}
        cluster.objects["org-gone", "Secret", f"o{number}"] = {"kind": "Secret", "metadata": metadata}


def test_a_cell_full_of_objects_without_rows_is_guarded_alone(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.make_ready(ACME, "default")
    orphans(hub.first, 1)
    orphans(hub.second, MANY_ORPHANS)
    with caplog.at_level(logging.ERROR):
        assert hub.drift.remove_orphans() == 1
    assert len(hub.first.objects) == 4
    assert len(hub.second.objects) == MANY_ORPHANS
    kept = [record for record in caplog.records if getattr(record, "event", "") == "orphans_kept"]
    assert [record.getMessage() for record in kept] == [
        "5 installations in the cell b have no row and stay: does this database belong to this cluster?"
    ]


def test_the_orphans_of_a_cell_go_while_another_cell_does_not_answer(hub: Hub) -> None:
    orphans(hub.first, 1)
    orphans(hub.second, 1)
    hub.first.failing = TemporaryError("the cluster did not answer: timed out")
    swept = hub.sweeper.sweep()
    assert swept.failed == ("orphans",)
    assert (len(hub.first.objects), len(hub.second.objects)) == (1, 0)


def test_each_cells_objects_are_walked_from_a_place_of_their_own(hub: Hub) -> None:
    places = {"default": "Deployment x", "b": "Secret y"}
    seen: dict[str, str | None] = {}
    for cell, cluster in (("default", hub.first), ("b", hub.second)):

        def walked(place: str | None, _limit: int, cell: str = cell) -> tuple[list[object], str]:
            seen[cell] = place
            return [], places[cell]

        cluster.object_owners = walked  # type: ignore[method-assign, assignment]
    hub.drift.remove_orphans()
    hub.drift.remove_orphans()
    assert seen == places
    assert objects_walk("default") == "objects", "a hub that gets its second cell goes on where it was"


@pytest.mark.parametrize(("slices", "of_each_cell"), [(1, 1), (3, 2), (4, 2)])
def test_the_cells_share_the_slices_of_objects_that_one_sweep_reads(hub: Hub, slices: int, of_each_cell: int) -> None:
    read: Counter[str] = Counter()
    for cell, cluster in (("default", hub.first), ("b", hub.second)):

        def walked(_place: str | None, _limit: int, cell: str = cell) -> tuple[list[object], str]:
            read[cell] += 1
            return [], "further on"

        cluster.object_owners = walked  # type: ignore[method-assign, assignment]
    replace(hub.drift, slices=slices).remove_orphans()
    assert read == {"default": of_each_cell, "b": of_each_cell}


def test_objects_whose_rows_name_another_cell_are_left_and_told(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """As when two names are exchanged in the settings: every object would seem to be in the wrong cluster."""
    hub.make_ready(ACME, "default")
    mixed_up = replace(hub.drift, clusters=Clusters({"default": hub.second, "b": hub.first}))
    with caplog.at_level(logging.ERROR):
        assert mixed_up.remove_orphans() == 0
    assert len(hub.first.objects) == 4
    assert "1 installations have objects in the cell b, and rows that name another" in caplog.text
    assert "cells_mixed_up" in {getattr(record, "event", "") for record in caplog.records}, "the alert's event"


def test_a_cell_that_the_settings_name_no_longer_is_no_empty_cluster(hub: Hub) -> None:
    row = hub.make_ready(OTHER, "b")
    without = Clusters({"default": hub.first})
    sentence = "do not name the cell 'b', where this installation is, but only default"
    change.upgrade(hub.backend.services, OTHER, WEATHER, "2.0.0", "user_1")
    with pytest.raises(TemporaryError, match=sentence):
        replace(hub.installer, clusters=without).handle(hub.request())
    with pytest.raises(TemporaryError, match=sentence):
        deployment_status(without, row)
    assert status_after_wish(without, row).status == "pending"
    assert replace(hub.drift, clusters=without).repair_slices() == 0
    hub.backend.clock.turn(minutes=11)
    call = DeadlineCall(row.organization_id, row.canonical, row.installation_id, row.generation + 1)
    assert replace(hub.expiry, clusters=without).handle(call) is Outcome.CHANGED
    failed = hub.row(OTHER)
    assert sentence in str(failed.failure_message)
    assert len(hub.second.objects) == 4, "nothing was removed"
