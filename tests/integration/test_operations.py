"""The installer, the registration, the deadlines and the sweeper on real rows: once, twice, late and failing."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import WEATHER, wish
from tests.integration.actors import KEY
from tests.integration.backend import DEADLINES, Backend
from tests.integration.one_tenant import ROW_KEY, World

from provider_hub.actions import keys
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE
from provider_hub.actions.sweep import SLICE
from provider_hub.actions.time_budget import SHARE
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import (
    Health,
    Installation,
    LifecycleState,
    Outcome,
    RequestKind,
)
from provider_hub.domain.installation.silence import watch_of
from provider_hub.domain.messages import check_in_token

SHOWN = DeploymentStatus(1, "p-acme", "progressing", 0, 0, "1.0.0", "runtime:1", None, "ImportError: x", healthy=False)


@pytest.fixture
def world(backend: Backend) -> World:
    return World(backend)


def test_the_installer_takes_the_row_sets_the_deadline_and_applies_the_objects(world: World) -> None:
    world.installer.handle(world.install())
    row = world.row
    assert row.lifecycle_state is LifecycleState.PROCESSING
    assert world.tasks.deadlines == {(row.installation_id, 1): row.deadline_at}
    assert world.cluster.namespaces == ["org-acme"]
    assert world.cluster.kinds() == ["Deployment", "Secret", "Service", "ServiceAccount"]


def test_the_same_request_twice_is_the_same_as_once(world: World) -> None:
    request = world.install()
    world.installer.handle(request)
    row, objects = world.row, dict(world.cluster.objects)
    world.installer.handle(request)
    assert (world.row, world.cluster.objects) == (row, objects)


def test_a_request_that_comes_after_the_runtime_is_ready_applies_nothing(world: World) -> None:
    request = world.install()
    world.installer.handle(request)
    world.check_in()
    world.cluster.objects.clear()
    world.installer.handle(request)
    assert world.cluster.objects == {}
    assert world.row.lifecycle_state is LifecycleState.READY


def test_a_request_of_an_older_generation_or_life_is_done_with(world: World) -> None:
    old = world.install()
    world.upgrade()
    world.installer.handle(old)
    world.installer.handle(replace(old, installation_id="01EARLIER", generation=2))
    assert world.cluster.objects == {}
    assert world.row.lifecycle_state is LifecycleState.PENDING


@pytest.mark.parametrize("broken", ["cluster", "tasks"])
def test_a_temporary_failure_is_raised_to_come_again_and_then_ends_well(world: World, broken: str) -> None:
    request = world.install()
    part = getattr(world, broken)
    part.failing = TemporaryError("try later")
    with pytest.raises(TemporaryError, match="try later"):
        world.installer.handle(request)
    part.failing = None
    world.installer.handle(request)
    assert world.row.lifecycle_state is LifecycleState.PROCESSING
    assert len(world.cluster.objects) == 4


def test_a_permanent_failure_ends_failed_with_the_reason(world: World) -> None:
    world.cluster.failing = PermanentError("the cluster refused to patch Deployment (403): quota")
    world.installer.handle(world.install())
    row = world.row
    assert row.lifecycle_state is LifecycleState.FAILED
    assert row.failure_message == "1.0.0 failed: the cluster refused to patch Deployment (403): quota"


def test_a_failed_upgrade_asks_for_the_rollback_by_the_same_way(world: World) -> None:
    world.make_ready()
    request = world.upgrade()
    world.cluster.failing = PermanentError("forbidden")
    world.installer.handle(request)
    rollback = world.request()
    assert (rollback.kind, rollback.generation, rollback.version) == (RequestKind.UPGRADE, 3, "1.0.0")
    world.cluster.failing = None
    world.installer.handle(rollback)
    world.check_in()
    row = world.row
    assert (row.lifecycle_state, row.current_version) == (LifecycleState.READY, "1.0.0")
    assert row.failure_message == "2.0.0 failed: forbidden; restored 1.0.0"


def test_a_version_that_was_deleted_meanwhile_fails_with_that_reason(world: World) -> None:
    request = world.install()
    world.backend.store.delete_all([keys.version(WEATHER, "1.0.0")])
    world.installer.handle(request)
    assert world.row.failure_message == "1.0.0 failed: acme/weather has no version 1.0.0 any more"


def test_an_upgrade_keeps_the_secret_of_what_still_runs_until_the_new_one_is_ready(world: World) -> None:
    world.make_ready()
    world.installer.handle(world.upgrade())
    assert world.cluster.kinds().count("Secret") == 2


def test_an_uninstall_in_the_middle_of_an_apply_leaves_no_object_behind(world: World) -> None:
    request = world.install()

    def uninstalled_meanwhile() -> None:
        world.cluster.before_apply = lambda: None
        world.installer.handle(world.uninstall())

    world.cluster.before_apply = uninstalled_meanwhile
    world.installer.handle(request)
    assert world.backend.store.get(ROW_KEY) is None
    assert world.cluster.objects == {}


def test_an_uninstall_that_looked_before_an_apply_and_confirms_after_it_leaves_no_object_behind(world: World) -> None:
    request = world.install()
    world.cluster.before_apply = world.uninstall
    world.installer.handle(request)
    assert world.row.lifecycle_state is LifecycleState.DELETING
    assert world.cluster.objects == {}


def test_a_repair_of_what_was_just_uninstalled_leaves_no_object_behind(world: World) -> None:
    world.make_ready()

    def uninstalled_meanwhile() -> None:
        world.cluster.before_apply = lambda: None
        world.installer.handle(world.uninstall())

    world.cluster.before_apply = uninstalled_meanwhile
    world.sweeper.drift.repair_slices()
    assert world.backend.store.get(ROW_KEY) is None
    assert world.cluster.objects == {}


def test_a_removal_that_the_cluster_refuses_is_asked_for_again(world: World) -> None:
    world.make_ready()
    request = world.uninstall()
    world.cluster.failing = PermanentError("forbidden")
    with pytest.raises(TemporaryError, match="acme/weather cannot be removed: forbidden"):
        world.installer.handle(request)
    assert world.row.lifecycle_state is LifecycleState.DELETING


def test_an_uninstall_removes_objects_first_and_the_row_only_once_they_are_gone(world: World) -> None:
    world.make_ready()
    request = world.uninstall()
    world.cluster.lingering = ["Pod p-acme-1"]
    with pytest.raises(TemporaryError, match="is not gone yet: Pod p-acme-1"):
        world.installer.handle(request)
    assert world.row.lifecycle_state is LifecycleState.DELETING
    world.cluster.lingering = []
    world.installer.handle(request)
    assert world.backend.store.get(ROW_KEY) is None
    assert world.cluster.objects == {}
    world.installer.handle(request)
    assert world.backend.store.get(ROW_KEY) is None


def test_an_uninstall_request_of_an_earlier_life_removes_nothing_of_this_one(world: World) -> None:
    world.make_ready()
    world.installer.handle(world.uninstall())
    earlier = replace(world.install(), kind=RequestKind.UNINSTALL, installation_id="01EARLIER", generation=2)
    world.installer.handle(earlier)
    assert world.row.lifecycle_state is LifecycleState.PENDING


def test_a_check_in_makes_it_ready_and_its_deadline_is_forgotten(world: World) -> None:
    world.installer.handle(world.install())
    assert world.check_in(active_resources=2) == "changed"
    row = world.row
    assert (row.lifecycle_state, row.current_version, row.active_resources) == (LifecycleState.READY, "1.0.0", 2)
    assert world.tasks.deadlines == {}


def test_a_row_holds_the_resource_types_that_its_runtime_last_served(world: World) -> None:
    world.make_ready()
    assert world.check_in(resource_types=("repository", "secret")) == "changed"
    assert world.row.resource_types == ("repository", "secret")
    assert world.check_in(resource_types=("repository", "secret")) == "nothing new"


def test_a_check_in_of_an_earlier_life_is_not_of_this_installation(world: World) -> None:
    world.installer.handle(world.install())
    token = check_in_token(KEY, "org_acme", "01EARLIER", 1)
    assert world.check_in(installation_id="01EARLIER", token=token) == "unknown installation"
    assert world.check_in(installation_id="01EARLIER") == "token refused"
    assert world.row.lifecycle_state is LifecycleState.PROCESSING


def test_a_deadline_that_cannot_be_forgotten_changes_nothing(world: World) -> None:
    world.installer.handle(world.install())
    world.tasks.failing = TemporaryError("down")
    assert world.check_in() == "changed"
    assert world.row.lifecycle_state is LifecycleState.READY


TOKEN_OF_ANOTHER = check_in_token(KEY, "org_other", "01LIFE", 1)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"token": "forged"}, "token refused"),
        ({"token": TOKEN_OF_ANOTHER}, "token refused"),
        ({"organization_id": "org_none"}, "unknown installation"),
        ({"organization_id": "org_acme/installations/acme:weather"}, "unknown installation"),
        ({"organization_id": ".."}, "unknown installation"),
        ({"organization_id": "__x__"}, "unknown installation"),
        ({"organization_id": "a\0b"}, "unknown installation"),
        ({"provider": "acme/none"}, "unknown installation"),
        ({"provider": "../weather"}, "unknown installation"),
        ({"version": "2.0.0"}, "of version 2.0.0, and the row is of 1.0.0"),
        ({"generation": 2}, "of generation 2, and the row is of 1"),
        ({"generation": 2, "failed": True}, "of generation 2, and the row is of 1"),
        ({"lock_sha256": "b" * 64}, "of another lock than the row is"),
    ],
)
def test_what_is_not_a_check_in_of_this_row_is_dropped_and_counted(
    world: World, said: dict[str, Any], outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.installer.handle(world.install())
    before = world.row
    with caplog.at_level("INFO", "provider_hub.actions.register"):
        assert world.check_in(**said) == outcome
    assert world.row == before
    (line,) = [record for record in caplog.records if record.name == "provider_hub.actions.register"]
    about = f"{said.get('organization_id', 'org_acme')} {said.get('provider', 'acme/weather')}"
    assert line.getMessage() == f"a check-in of {about} is dropped: {outcome}"
    assert line.__dict__["event"] == ("check_in_refused" if outcome == "token refused" else "check_in_dropped")


def test_a_pod_that_stops_before_its_row_is_ready_is_no_drop(world: World) -> None:
    world.installer.handle(world.install())
    before = world.row
    assert world.check_in(stopping=True) == "nothing new"
    assert world.row == before


@pytest.mark.parametrize(("keys", "state"), [((b"new", KEY), "ready"), ((b"new",), "processing")])
def test_a_token_of_any_key_that_is_kept_is_taken(world: World, keys: tuple[bytes, ...], state: str) -> None:
    world.installer.handle(world.install())
    world.registration = replace(world.registration, check_in_keys=keys)
    world.check_in()
    assert world.row.lifecycle_state == state


def test_a_quiet_check_in_costs_one_read_and_no_write(world: World) -> None:
    world.make_ready()
    world.backend.rpcs.calls.clear()
    assert world.check_in() == "nothing new"
    reading_the_row_for_its_token = ["BatchGetDocuments"]
    assert world.backend.rpcs.names() == [*reading_the_row_for_its_token, "GetDocument"]


def test_a_runtime_that_can_never_start_fails_its_generation_with_a_masked_reason(world: World) -> None:
    world.installer.handle(world.install())
    world.check_in(failed=True, message="password=hunter2 was refused")
    row = world.row
    assert row.lifecycle_state is LifecycleState.FAILED
    assert row.failure_message == "1.0.0 failed: password=*** was refused"


def test_why_a_runtime_failed_is_told_to_its_owner_and_not_to_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.installer.handle(world.install())
    with caplog.at_level("INFO"):
        world.check_in(failed=True, message="cannot connect with hunter2")
    assert "hunter2" in str(world.row.failure_message)
    assert "acme/weather failed" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_runtime_that_can_never_start_does_not_recover_what_failed_by_its_deadline(world: World) -> None:
    world.installer.handle(world.install())
    world.backend.clock.turn(minutes=10)
    world.deadline()
    assert world.check_in(failed=True, message="still broken") == "nothing new"
    assert world.row.lifecycle_state is LifecycleState.FAILED


def test_a_runtime_that_reports_failure_while_ready_is_degraded(world: World) -> None:
    world.make_ready()
    world.check_in(failed=True, message="lost its database")
    row = world.row
    assert (row.lifecycle_state, row.health, row.health_message) == (
        LifecycleState.READY,
        Health.DEGRADED,
        "lost its database",
    )


def test_a_deadline_that_comes_too_early_is_called_again(world: World) -> None:
    world.installer.handle(world.install())
    with pytest.raises(TemporaryError, match="may wait until"):
        world.deadline()
    assert world.row.lifecycle_state is LifecycleState.PROCESSING


def test_a_deadline_fails_the_row_with_what_the_cluster_shows(world: World) -> None:
    world.installer.handle(world.install())
    world.cluster.shown = SHOWN
    world.backend.clock.turn(minutes=10)
    assert world.deadline() is Outcome.CHANGED
    assert world.row.failure_message == ("1.0.0 failed: the deadline passed without a check-in: ImportError: x")
    assert world.deadline() is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (TemporaryError("the cluster did not answer"), "the deadline passed, and the cluster did not answer"),
        (PermanentError("the cluster refused"), "the deadline passed, and the cluster refused"),
        (None, "the deadline passed, and the cluster shows no deployment"),
    ],
)
def test_a_cluster_that_cannot_tell_is_no_reason_to_wait_longer(
    world: World, failing: Exception | None, reason: str
) -> None:
    world.installer.handle(world.install())
    world.cluster.failing = failing
    world.backend.clock.turn(minutes=10)
    assert world.deadline() is Outcome.CHANGED
    assert world.row.failure_message == f"1.0.0 failed: {reason}"


def test_a_deadline_of_another_generation_or_life_is_stale(world: World) -> None:
    world.install()
    for call in (
        DeadlineCall("org_acme", "acme/weather", world.row.installation_id, 2),
        DeadlineCall("org_acme", "acme/weather", "01EARLIER", 1),
        DeadlineCall("org_none", "acme/weather", world.row.installation_id, 1),
    ):
        assert world.expiry.handle(call) is Outcome.STALE


def test_the_sweeper_finds_a_row_that_no_installer_took(world: World) -> None:
    world.install()
    world.backend.clock.turn(hours=1)
    assert world.sweeper.sweep().done == {"deadlines": 1}
    assert world.row.failure_message == "1.0.0 failed: no installer took it in time"


def test_a_sweep_job_with_a_fault_of_ours_keeps_no_other_from_its_turn(world: World) -> None:
    world.make_ready()
    world.cluster.failing = ValueError("nobody thought of this")
    world.backend.clock.turn(seconds=DEADLINES.silence.total_seconds())
    swept = world.sweeper.sweep()
    assert swept.failed == ("repairs", "orphans")
    assert swept.done == {"silences": 1}


def test_a_row_that_uses_up_the_sweepers_turn_comes_last_the_next_time(world: World) -> None:
    tried = []

    def stubborn(row: Installation) -> Outcome:
        tried.append(row.name)
        if row.name == "first":
            world.backend.clock.turn(seconds=SHARE.total_seconds())
            raise TemporaryError("contended")
        return Outcome.CHANGED

    rows = [wish(name=name, installation_id=name) for name in ("first", "second", "third")]
    assert [world.sweeper._each(lambda: rows, stubborn) for _ in range(2)] == [0, 2]
    assert tried == ["first", "second", "third", "first"]


def test_the_sweeper_goes_on_with_the_next_slice_while_it_has_time(world: World) -> None:
    rows = [wish(name=f"n{number}", installation_id=f"n{number}") for number in range(SLICE + 20)]
    waiting = {row.installation_id: row for row in rows}
    one_at_a_time = threading.Lock()

    def expire(row: Installation) -> Outcome:
        del waiting[row.installation_id]
        with one_at_a_time:
            world.backend.clock.turn(seconds=SHARE.total_seconds() / (SLICE + 10))
        return Outcome.CHANGED

    assert world.sweeper._each(lambda: [*waiting.values()][:SLICE], expire) == SLICE + 10
    assert world.sweeper._each(lambda: [*waiting.values()][:SLICE], expire) == 10


def test_the_rows_of_a_full_slice_are_handled_side_by_side(world: World) -> None:
    rows = [wish(name=f"n{number}", installation_id=f"n{number}") for number in range(SLICE)]
    together = threading.Barrier(MOST_SIDE_BY_SIDE, timeout=10)

    def wait_for_others(row: Installation) -> Outcome:
        if int(row.name[1:]) < MOST_SIDE_BY_SIDE:
            together.wait()
        return Outcome.CHANGED

    assert world.sweeper._each(lambda: rows, wait_for_others) == SLICE


def test_a_row_that_the_index_shows_early_is_degraded_when_its_silence_is_over(world: World) -> None:
    world.make_ready()
    first = world.row.silent_at
    world.backend.clock.turn(minutes=5)
    world.check_in()
    assert (world.row.last_check_in_at, world.row.silent_at) == (world.backend.clock(), first)
    world.backend.clock.turn(minutes=10)
    store, now = world.backend.services.store, world.backend.clock()
    assert [row.installation_id for row in store.silent(now, 30, 10)] == [world.row.installation_id]
    assert world.sweeper.sweep().done == {}
    assert world.row.health is Health.HEALTHY
    world.backend.clock.turn(minutes=5)
    assert world.sweeper.sweep().done == {"silences": 1}
    assert "no check-in since 2025-01-01T12:05:00Z" in str(world.row.health_message)


def test_a_row_of_before_there_were_shards_falls_silent_without_checking_in_again(world: World) -> None:
    world.make_ready()
    world.backend.put(keys.installation_of(world.row), replace(world.row, silent_at=None, silence_shard=None))
    world.backend.clock.turn(minutes=1)
    assert world.sweeper.sweep().done == {}
    assert world.row.health is Health.HEALTHY
    world.backend.clock.turn(minutes=14)
    assert world.sweeper.sweep().done == {"silences": 1}


def test_a_row_of_a_shard_that_is_asked_no_more_is_found_all_the_same(world: World) -> None:
    world.make_ready()
    world.backend.put(keys.installation_of(world.row), replace(world.row, silence_shard=200))
    world.backend.clock.turn(minutes=15)
    assert world.sweeper.sweep().done == {}
    assert world.row.health is Health.DEGRADED


def test_the_sweeper_tells_silence_once(world: World) -> None:
    world.make_ready()
    world.backend.clock.turn(seconds=DEADLINES.silence.total_seconds())
    assert world.sweeper.sweep().done == {"silences": 1}
    assert world.row.health is Health.DEGRADED
    assert world.sweeper.sweep().done == {}


def test_the_sweeper_asks_again_for_a_removal_that_overran(world: World) -> None:
    world.make_ready()
    world.uninstall()
    world.backend.clock.turn(minutes=10)
    assert world.sweeper.sweep().done == {"deadlines": 1}
    assert world.request().kind is RequestKind.UNINSTALL
    assert world.row.failure_message == "removal takes long: the removal was not confirmed"


def test_a_removal_that_something_blocks_names_what_is_left(world: World) -> None:
    world.make_ready()
    world.uninstall()
    world.cluster.lingering = ["Deployment p-acme-weather"]
    world.backend.clock.turn(minutes=10)
    assert world.sweeper.sweep().done == {"deadlines": 1}
    assert world.row.failure_message == "removal takes long: still there are Deployment p-acme-weather"


def test_the_sweeper_looks_at_what_is_due_and_not_at_what_exists(world: World) -> None:
    now = world.backend.clock()
    ready = wish(lifecycle_state=LifecycleState.READY, last_check_in_at=now)
    ready = replace(ready, **watch_of(ready, now, DEADLINES))
    for number in range(30):
        row = replace(ready, name=f"n{number}", organization_id="org_many")
        world.backend.put(keys.installation("org_many", row.provider_name), row)
    services = world.backend.services
    assert services.store.overdue(world.backend.clock(), 10) == []
    assert services.store.silent(world.backend.clock(), 30, 10) == []
