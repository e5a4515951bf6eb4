"""The failures that users of comparable systems report, each shown not to happen here.

One does not apply: a release cannot yet say that it migrates something for good, so a rollback is refused by the
tenant and not by the release.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from provider_hub.actions import keys
from provider_hub.domain.installation import Health, Installation, LifecycleState, Trigger
from provider_hub.domain.manifests import GENERATION
from provider_hub.domain.messages import check_in_token
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.rollout import Rollout, wave_size
from tests.faults.injection import At, Kind, Plan, Point, no_fault
from tests.faults.world import (
    DEPLOY_DEADLINE_SECONDS,
    NAME,
    QUEUE_DEADLINE_SECONDS,
    SWEEP_SECONDS,
    Step,
    World,
    change,
    install,
    passing,
    settled,
    taken,
    uninstall,
)

NAMESPACE = namespace_for("acme")
DEPLOYMENT = f"namespaces/{NAMESPACE}/deployments/{NAME.object_name}"
SERVICE = f"namespaces/{NAMESPACE}/services/{NAME.object_name}"
DEAD_ENDS = {
    "before it takes the row": ("get installations, versions", "no installer took it in time"),
    "after it took the row": ("create task in deadlines", "the cluster shows no deployment"),
    "in the middle of the objects": (f"PATCH {SERVICE}", "the cluster shows no deployment"),
}


@contextmanager
def living(plan: Plan = no_fault) -> Iterator[World]:
    with World(plan).running() as world:
        yield world


@pytest.fixture
def world() -> Iterator[World]:
    with living() as made:
        yield made


def do(world: World, *steps: Step) -> None:
    for step in steps:
        step(world)


def row_of(world: World, slug: str = "acme") -> Installation:
    row = world.row(slug)
    assert row is not None
    return row


def always(call: str, kind: Kind) -> Plan:
    """The installer meets this fault at every such call."""
    return lambda point: kind if (point.process, point.call) == ("installer", call) else None


def each(*plans: Plan) -> Plan:
    """The first fault that any of the plans has for a point."""
    return lambda point: next((kind for plan in plans if (kind := plan(point))), None)


def every_message(kind: Kind) -> Plan:
    return lambda point: kind if kind in point.kinds else None


@pytest.mark.parametrize("where", DEAD_ENDS)
def test_worker_dies_and_the_row_does_not_stay_pending_for_ever(where: str) -> None:
    call, reason = DEAD_ENDS[where]
    with living(always(call, Kind.CRASH_BEFORE)) as world:
        do(world, install(), passing(QUEUE_DEADLINE_SECONDS + DEPLOY_DEADLINE_SECONDS + SWEEP_SECONDS))
        row = row_of(world)
        assert row.lifecycle_state is LifecycleState.FAILED
        assert reason in (row.failure_message or "")


def test_leftovers_of_a_failed_try_do_not_block_the_next() -> None:
    with living(always(f"PATCH {DEPLOYMENT}", Kind.ERROR_BEFORE)) as world:
        do(world, install(), settled())
        assert row_of(world).lifecycle_state is LifecycleState.FAILED
        assert {item["kind"] for item in world.cluster.objects(NAMESPACE)} >= {"Secret", "Service"}
        world.injector.plan = no_fault
        world.play([change("deploy"), settled()])
        assert world.outcome() == {f"org_acme {NAME}": ("ready", "1.0.0", "1.0.0")}


def test_an_endless_operation_does_not_block_its_own_fix(world: World) -> None:
    do(world, install(wanted="1.3.0"), passing(20))
    assert row_of(world).lifecycle_state is LifecycleState.PROCESSING
    do(world, change("downgrade", target_version="1.0.0"), passing(20))
    row = row_of(world)
    assert (row.lifecycle_state, row.current_version) == (LifecycleState.READY, "1.0.0")
    assert Trigger.DEADLINE not in {entry.event for entry in row.timeline}


def test_the_old_runtime_is_not_removed_before_the_new_one_is_healthy(world: World) -> None:
    do(world, install(), settled(), change("upgrade", version="1.3.0"), passing(30))
    objects = list(world.cluster.objects(NAMESPACE))
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["metadata"]["annotations"][GENERATION] == "2"
    assert [pod.generation for pod in world.nodes.running(deployment["metadata"]["uid"])] == [1]
    # A pod of the old generation that restarts now must still find its own config and token.
    assert _generations(objects, "Secret") == [1, 2]
    world.play([settled()])
    assert row_of(world).current_version == "1.0.0"


def test_the_status_tells_the_cause(world: World) -> None:
    do(world, install(wanted="1.2.0"), settled())
    row = row_of(world)
    assert row.failure_message == "1.2.0 failed: its import fails"
    assert row.timeline[-1].reason == "its import fails"
    assert row.current_version is None
    status = _answer(world, "GET", f"/providers/installed/{NAME}/deployment")
    assert (status["status"], status["healthy"], status["message"]) == ("failed", False, row.failure_message)


def test_upgrade_and_rollback_are_no_loop(world: World) -> None:
    do(world, install(upgrade_policy="auto"), settled())
    world.yank("1.3.0")  # 1.2.0 has to be the newest to be offered
    world.publish("1.2.0")
    do(world, passing(1800))
    row = row_of(world)
    assert (row.generation, row.installed_version, row.failed_versions) == (3, "1.0.0", ("1.2.0",))
    world.publish("1.2.0")  # the same event again
    do(world, passing(1800))
    assert row_of(world).generation == 3


def test_no_rollback_over_what_cannot_be_undone(world: World) -> None:
    world.play([install(rollback_on_failure=False), settled(), change("upgrade", version="1.2.0"), settled()])
    row = row_of(world)
    assert (row.lifecycle_state, row.installed_version, row.generation) == (LifecycleState.FAILED, "1.2.0", 2)


@pytest.mark.parametrize("kind", ["INSTALL_REQUESTED", "UNINSTALL_REQUESTED"])
def test_a_late_message_of_a_removed_life_does_not_touch_its_successor(kind: str) -> None:
    late = _at_publish(kind, Kind.LATE_COPY)
    with living(late) as world:
        world.play([install(), settled(), uninstall(), settled(), install(wanted="1.1.0"), settled(), passing(1600)])
        assert world.outcome() == {f"org_acme {NAME}": ("ready", "1.1.0", "1.1.0")}
        assert row_of(world).generation == 1


def test_reinstalling_waits_until_the_removal_is_confirmed(world: World) -> None:
    do(world, install(), settled(), uninstall())
    assert world.call("acme", "POST", "/providers/install", {"provider_name": str(NAME), "version": "1.1.0"}) == 409
    do(world, settled())
    assert world.row("acme") is None
    world.play([install(wanted="1.1.0"), settled()])
    assert row_of(world).current_version == "1.1.0"


def test_a_finalizer_delays_a_removal_and_never_wedges_it(world: World) -> None:
    do(world, install(), settled())
    world.cluster.core.patch_namespaced_service(
        NAME.object_name, NAMESPACE, {"metadata": {"finalizers": ["example.com/keep"]}}
    )
    do(world, uninstall(), passing(DEPLOY_DEADLINE_SECONDS * 3))
    row = row_of(world)
    assert row.lifecycle_state is LifecycleState.DELETING
    assert "removal takes long" in (row.failure_message or "")
    assert [item["kind"] for item in world.cluster.objects(NAMESPACE)] == ["Service"]
    world.cluster.core.patch_namespaced_service(NAME.object_name, NAMESPACE, {"metadata": {"finalizers": None}})
    world.play([])
    assert world.rows() == []


def test_a_stale_actor_does_not_delete_the_live_runtime() -> None:
    twice = _at_publish("UNINSTALL_REQUESTED", Kind.TWICE)
    late = At("installer", f"DELETE {DEPLOYMENT}", Kind.PAUSE_LONG)
    with living(each(twice, late)) as world:
        removed = (uninstall(), settled(), settled())  # the second one is waited for by those who go on meanwhile
        world.play([install(), settled(), *removed, install(wanted="1.1.0"), settled()])
        assert late.met
        assert world.outcome() == {f"org_acme {NAME}": ("ready", "1.1.0", "1.1.0")}
        (deployment,) = [item for item in world.cluster.objects(NAMESPACE) if item["kind"] == "Deployment"]
        assert world.nodes.running(deployment["metadata"]["uid"])


def test_the_bytes_that_were_verified_are_the_bytes_that_run(world: World) -> None:
    do(world, install(), settled())
    version = world.store.get(keys.version(NAME, "1.0.0"))
    assert version is not None
    (deployment,) = [item for item in world.cluster.objects(NAMESPACE) if item["kind"] == "Deployment"]
    environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    told = {item["name"]: item.get("value") for item in environment}
    assert (told["PRAGMA_WHEEL_URL"], told["PRAGMA_WHEEL_SHA256"]) == (version.wheel_url, version.wheel_sha256)


def test_a_version_is_never_rebuilt_with_other_bytes(world: World) -> None:
    body = {
        "name": "acme/rain",
        "version": "1.0.0",
        "wheel_url": "https://wheels.example/rain-1.0.0-py3-none-any.whl",
        "sha256": "a" * 64,
        "metadata": {"display_name": "Rain", "description": "Rain"},
    }
    statuses = [_publish(world, body), _publish(world, body), _publish(world, {**body, "sha256": "b" * 64})]
    assert statuses == [201, 200, 409]
    stored = world.store.get(keys.version(ProviderName("acme", "rain"), "1.0.0"))
    assert stored is not None
    assert stored.wheel_sha256 == "a" * 64


def test_flapping_health_is_not_told_as_a_recovery(world: World) -> None:
    do(world, install(), settled())
    seen = []
    for health in ("degraded", "healthy", "degraded", "healthy", "healthy"):
        _check_in(world, health)
        do(world, passing(1))
        seen.append(row_of(world).health)
    assert seen == [Health.DEGRADED] * 4 + [Health.HEALTHY]


def test_our_own_restart_never_means_degraded(world: World) -> None:
    do(world, install(), settled())
    seen = set()
    for step in (change("upgrade", version="1.1.0"), taken(), settled(), passing(700)):
        do(world, step)
        seen.add(row_of(world).health)
    assert seen == {Health.HEALTHY}


def test_a_runtime_that_reports_its_failure_late_does_not_make_a_failed_row_ready(world: World) -> None:
    do(world, install(wanted="1.3.0"), settled())
    assert row_of(world).failed_by_deadline
    _check_in(world, "degraded", failed=True, message="no such distribution")
    do(world, passing(1))
    row = row_of(world)
    assert (row.lifecycle_state, row.current_version) == (LifecycleState.FAILED, None)


@pytest.mark.parametrize("kind", [Kind.TWICE, Kind.LATE_COPY, Kind.HELD])
def test_every_message_delivered_twice_late_or_out_of_order_is_as_once(kind: Kind) -> None:
    script: Sequence[Step] = (install(), settled(), change("upgrade", version="1.1.0"), settled())
    with living(every_message(kind)) as world:
        world.play(script)
        assert world.outcome() == {f"org_acme {NAME}": ("ready", "1.1.0", "1.1.0")}
        assert row_of(world).generation == 2


def test_an_upgrade_storm_is_throttled_by_waves_whose_slots_do_not_leak() -> None:
    slugs = [f"tenant-{number}" for number in range(12)]
    with living(_every_step_twice) as world:
        do(world, *(install(slug, upgrade_policy="auto") for slug in slugs), passing(60))
        assert {row.lifecycle_state for row in world.rows()} == {LifecycleState.READY}
        world.publish("1.4.0")
        started = []
        for _ in range(60):
            do(world, passing(10))
            rollout = _rollout(world)
            if rollout is None:
                continue
            upgraded = sum(row.installed_version == "1.4.0" for row in world.rows())
            assert upgraded == rollout.started
            assert rollout.wave_started <= wave_size(rollout.wave, rollout.candidates)
            started.append(upgraded)
        assert sorted(set(started)) == [1, 3, 12]


def test_a_yanked_version_stops_its_rollout() -> None:
    slugs = [f"tenant-{number}" for number in range(3)]
    with ExitStack() as stack:
        world = stack.enter_context(living())
        do(world, *(install(slug, upgrade_policy="auto") for slug in slugs), passing(30))
        world.publish("1.4.0")
        reached: Callable[[], bool] = lambda: any(row.installed_version == "1.4.0" for row in world.rows())  # noqa: E731
        assert world.wait_until(reached, 600)
        world.yank("1.4.0")
        do(world, passing(1200))
        assert [row.installed_version for row in world.rows()].count("1.4.0") == 1
        rollout = _rollout(world)
        assert rollout is not None
        assert rollout.halted_reason == "1.4.0 was yanked by its author"


def _generations(objects: Sequence[dict[str, Any]], kind: str) -> list[int]:
    return sorted(int(item["metadata"]["annotations"][GENERATION]) for item in objects if item["kind"] == kind)


def _at_publish(event_type: str, kind: Kind) -> At:
    process = "installations"
    return At(process, f"publish {event_type} to installation-events", kind)


def _every_step_twice(point: Point) -> Kind | None:
    return Kind.TWICE if point.call == "create task in upgrades" else None


def _rollout(world: World) -> Rollout | None:
    return world.store.get(keys.rollout(NAME, "1.4.0"))


def _answer(world: World, method: str, path: str) -> dict[str, Any]:
    response = world.functions.call("installations", path, b"", method, {"Authorization": "Bearer acme"})
    answer: dict[str, Any] = json.loads(response.get_data())
    return answer


def _publish(world: World, body: dict[str, Any]) -> int:
    headers = {"Authorization": "Bearer acme"}
    return world.functions.call(
        "publishing", "/provider-versions", json.dumps(body).encode(), "POST", headers
    ).status_code


def _check_in(world: World, health: str, **fields: Any) -> None:
    """What the runtime of acme's present generation would publish."""
    row = row_of(world)
    key = world.functions.settings.check_in_keys.get_secret_value().encode()
    message = {
        "organization_id": row.organization_id,
        "provider": row.canonical,
        "version": row.installed_version,
        "generation": row.generation,
        "token": check_in_token(key, row.organization_id, row.installation_id, row.generation),
        "health": health,
        **fields,
    }
    world.pubsub.put("runtime-check-ins", json.dumps(message).encode(), {}, row.installation_id)
