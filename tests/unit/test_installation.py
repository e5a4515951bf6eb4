"""The state machine, one story at a time; what holds over all of them is in test_installation_properties."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders import revision
from tests.fakes import START
from tests.unit.walks import DEADLINES, OTHER_LIFE, first

from provider_hub.domain.installation import (
    MOST_INSTANCES,
    REASON_LENGTH,
    TIMELINE_LENGTH,
    ChangeRequested,
    CheckedIn,
    DeadlinePassed,
    DeployFailed,
    FellSilent,
    Health,
    Installation,
    LifecycleState,
    ObjectsGone,
    Outcome,
    RequestKind,
    ResourceTier,
    Step,
    Stopping,
    Taken,
    Trigger,
    UninstallRequested,
    UpgradePolicy,
    advance,
    install,
)
from provider_hub.domain.offers import is_due_for
from provider_hub.domain.versions import relock_id

MINUTE = timedelta(minutes=1)


def taken(row: Installation, now: datetime = START) -> Installation:
    return advance(row, Taken(row.installation_id, row.generation), now, DEADLINES).kept


def checked_in(row: Installation, now: datetime = START, **said: Any) -> Step:
    given = {"version": row.installed_version, "health": Health.HEALTHY, **said}
    return advance(row, CheckedIn(row.installation_id, row.generation, **given), now, DEADLINES)


def ready(row: Installation | None = None, now: datetime = START) -> Installation:
    return checked_in(taken(row or first(), now), now).kept


def changed(row: Installation, version: str = "2.0.0", **revised: Any) -> Installation:
    event = ChangeRequested(row.installation_id, revision(version, **revised), "user_1", "wanted")
    return advance(row, event, START, DEADLINES).kept


def failed(row: Installation, reason: str = "forbidden") -> Installation:
    return advance(row, DeployFailed(row.installation_id, row.generation, reason, "installer"), START, DEADLINES).kept


def overdue(row: Installation, reason: str = "no check-in") -> Step:
    assert row.deadline_at
    event = DeadlinePassed(row.installation_id, row.generation, reason)
    return advance(row, event, row.deadline_at, DEADLINES)


def uninstalled(row: Installation) -> Step:
    return advance(row, UninstallRequested(row.installation_id, "user_1"), START, DEADLINES)


def test_an_install_is_pending_at_generation_one_and_asks_the_installer() -> None:
    step = install(replace(first(), timeline=()), DEADLINES, "user_1")
    assert (step.kept.lifecycle_state, step.kept.generation) == (LifecycleState.PENDING, 1)
    assert step.kept.deadline_at == START + DEADLINES.queue
    assert step.request
    assert (step.request.kind, step.request.event_id) == (RequestKind.INSTALL, f"{step.kept.installation_id}-1")
    (entry,) = step.kept.timeline
    assert (entry.event, entry.from_state, entry.cause) == (Trigger.INSTALL, None, "user_1")


def test_the_installer_taking_it_starts_the_deploy_deadline() -> None:
    row = taken(first(), START + MINUTE)
    assert row.lifecycle_state is LifecycleState.PROCESSING
    assert row.deadline_at == START + MINUTE + DEADLINES.deploy


@pytest.mark.parametrize("row", [first(), taken(first())], ids=["pending", "processing"])
def test_a_check_in_makes_it_ready_even_before_the_installer_says_so(row: Installation) -> None:
    step = checked_in(row, active_resources=3)
    assert step.kept.lifecycle_state is LifecycleState.READY
    assert (step.kept.current_version, step.kept.health) == ("1.0.0", Health.HEALTHY)
    assert (step.kept.active_resources, step.kept.last_check_in_at) == (3, START)
    assert step.request is None


def test_a_first_check_in_may_be_degraded() -> None:
    row = checked_in(taken(first()), health=Health.DEGRADED, message="no disk").kept
    assert (row.lifecycle_state, row.health, row.health_message) == (LifecycleState.READY, Health.DEGRADED, "no disk")


def test_a_check_in_of_another_version_is_stale() -> None:
    assert checked_in(taken(first()), version="9.9.9").outcome is Outcome.STALE


def test_a_check_in_of_the_old_generation_does_not_make_the_new_one_ready() -> None:
    old = ready()
    row = changed(old, "2.0.0")
    for version in ("1.0.0", "2.0.0"):
        step = advance(row, CheckedIn(row.installation_id, old.generation, version, Health.HEALTHY), START, DEADLINES)
        assert (step.outcome, step.row) == (Outcome.STALE, row)


def test_an_event_of_an_earlier_life_or_of_no_row_is_stale() -> None:
    row = ready()
    assert advance(row, UninstallRequested(OTHER_LIFE, "user_1"), START, DEADLINES) == Step(row, Outcome.STALE)
    assert advance(None, Taken(OTHER_LIFE, 1), START, DEADLINES) == Step(None, Outcome.STALE)


def test_a_first_install_that_fails_stays_failed_with_its_reason() -> None:
    row = failed(taken(first()), "quota exceeded")
    assert row.lifecycle_state is LifecycleState.FAILED
    assert row.failure_message == "1.0.0 failed: quota exceeded"
    assert (row.deadline_at, row.failed_versions) == (None, ("1.0.0",))


def test_a_failed_upgrade_goes_back_to_what_was_ready_and_says_both() -> None:
    row = failed(taken(changed(ready(), "2.0.0")), "ImportError: barometer")
    assert (row.lifecycle_state, row.generation) == (LifecycleState.PENDING, 3)
    assert (row.installed_version, row.is_rollback) == ("1.0.0", True)
    assert row.failure_message == "2.0.0 failed: ImportError: barometer; restored 1.0.0"
    assert row.deadline_at == START + DEADLINES.queue
    assert row.failed_versions == ("2.0.0",)
    assert [entry.event for entry in row.timeline][-2:] == [Trigger.DEPLOY_FAILED, Trigger.ROLLBACK]


def test_a_rollback_asks_the_installer_for_the_old_version_under_a_new_generation() -> None:
    row = taken(changed(ready(), "2.0.0"))
    step = advance(row, DeployFailed(row.installation_id, 2, "broken", "runtime"), START, DEADLINES)
    assert step.request
    assert (step.request.kind, step.request.generation, step.request.version) == (RequestKind.UPGRADE, 3, "1.0.0")


def test_a_rollback_restores_tier_and_config_as_well() -> None:
    before = ready()
    row = failed(taken(changed(before, "1.0.0", config={"MODE": "broken"}, resource_tier=ResourceTier.FREE)))
    assert row.revision == before.revision
    assert row.failure_message == "the change failed: forbidden; restored 1.0.0"


def test_a_rolled_back_row_is_ready_again_and_still_tells_what_failed() -> None:
    row = ready(failed(taken(changed(ready(), "2.0.0"))))
    assert (row.lifecycle_state, row.current_version) == (LifecycleState.READY, "1.0.0")
    assert row.failure_message == "2.0.0 failed: forbidden; restored 1.0.0"


def test_a_rollback_that_fails_is_not_rolled_back_again_and_tells_both_failures() -> None:
    row = failed(taken(failed(taken(changed(ready(), "2.0.0")), "broken")), "and the old one too")
    assert (row.lifecycle_state, row.generation) == (LifecycleState.FAILED, 3)
    assert row.failure_message == (
        "2.0.0 failed: broken; restored 1.0.0; then the rollback failed: and the old one too"
    )


def test_a_pods_last_lines_stand_below_the_sentences_and_only_those_of_the_last_failure() -> None:
    def broken(row: Installation, *lines: str) -> Installation:
        event = DeployFailed(row.installation_id, row.generation, "exit code 1", "runtime", lines)
        return advance(row, event, START, DEADLINES).kept

    row = broken(taken(changed(ready())), "boom", "no barometer")
    below = "\nThe pod's last lines:\nboom\nno barometer"
    assert row.failure_message == f"2.0.0 failed: exit code 1; restored 1.0.0{below}"
    assert row.timeline[-2].reason == f"exit code 1{below}"
    row = broken(taken(row), "bang")
    assert row.failure_message == (
        "2.0.0 failed: exit code 1; restored 1.0.0; then the rollback failed: exit code 1\nThe pod's last lines:\nbang"
    )


def test_a_failure_without_rollback_stays_failed_at_the_new_version() -> None:
    row = failed(taken(changed(replace(ready(), rollback_on_failure=False), "2.0.0")))
    assert (row.lifecycle_state, row.installed_version) == (LifecycleState.FAILED, "2.0.0")
    assert row.current_version == "1.0.0"


def test_deploying_again_what_was_ready_has_nothing_to_go_back_to_and_blames_no_version() -> None:
    row = failed(taken(changed(ready(), "1.0.0")))
    assert (row.lifecycle_state, row.failed_versions) == (LifecycleState.FAILED, ())


def test_a_new_wish_clears_the_failure_and_may_be_rolled_back_again() -> None:
    row = changed(ready(failed(taken(changed(ready(), "2.0.0")))), "3.0.0")
    assert (row.failure_message, row.is_rollback) == (None, False)
    again = failed(taken(row))
    assert (again.installed_version, again.failed_versions) == ("1.0.0", ("2.0.0", "3.0.0"))


def test_nothing_happens_before_the_deadline() -> None:
    row = taken(first())
    assert row.deadline_at
    event = DeadlinePassed(row.installation_id, 1, "too early")
    step = advance(row, event, row.deadline_at - timedelta(microseconds=1), DEADLINES)
    assert step == Step(row, Outcome.UNCHANGED)


def test_a_late_check_in_recovers_what_failed_by_its_deadline() -> None:
    late = overdue(taken(first())).kept
    assert (late.lifecycle_state, late.failed_by_deadline) == (LifecycleState.FAILED, True)
    row = checked_in(late).kept
    assert (row.lifecycle_state, row.failed_by_deadline, row.failure_message) == (LifecycleState.READY, False, None)
    assert row.failed_versions == ()
    assert row.timeline[-1].reason == "recovered: the runtime checked in after its deadline"


def following(**changes: Any) -> Installation:
    """READY, and it takes new versions by itself."""
    return ready(first(upgrade_policy=UpgradePolicy.AUTO, allow_major_upgrades=True, **changes))


def upgraded_too_late(row: Installation, now: datetime) -> Installation:
    """After the installer took the upgrade to 2.0.0, which missed its deadline and was rolled back."""
    event = ChangeRequested(row.installation_id, revision("2.0.0"), "auto-upgrade", "1.0.0 to 2.0.0")
    back = overdue(taken(advance(row, event, now, DEADLINES).kept, now)).kept
    return ready(back, back.updated_at)


def test_a_version_that_misses_its_deadline_waits_a_day_and_is_not_offered_again_after_its_second() -> None:
    row, now, tried = following(), START, list[datetime]()
    for _ in range(14):
        if is_due_for(row, "2.0.0", None, now):
            tried.append(now)
            row = upgraded_too_late(row, now)
        now += timedelta(hours=12)
    assert tried == [START, START + timedelta(hours=36)]
    assert (row.failed_versions, row.overdue_versions, row.overdue_until) == (("2.0.0",), (), None)
    assert is_due_for(row, "2.0.1", None, now), "what comes after it is offered at once"


def test_tries_by_hand_within_the_wait_prolong_it_and_blame_no_version() -> None:
    row = following()
    for now in (START, START + timedelta(hours=1), START + timedelta(hours=2)):
        row = upgraded_too_late(row, now)
    assert (row.failed_versions, row.overdue_versions) == ((), ("2.0.0",))
    assert row.overdue_until is not None
    assert row.overdue_until > START + timedelta(hours=26), "a day from the last deadline"
    assert not is_due_for(row, "2.0.0", None, START + timedelta(hours=26))
    assert upgraded_too_late(row, row.overdue_until).failed_versions == ("2.0.0",)


def test_a_version_that_no_installer_took_before_its_deadline_waits_each_time_and_is_never_blamed() -> None:
    row = following()
    for _ in range(3):
        row = ready(overdue(changed(row)).kept)
        assert (row.failed_versions, row.overdue_versions) == ((), ("2.0.0",))


def test_a_lock_that_misses_its_deadline_waits_as_a_version_does_and_is_forgiven_once_it_is_ready() -> None:
    before = following(revision=revision("1.0.0", lock_sha256="a" * 64))
    row = ready(overdue(taken(changed(before, "1.0.0", lock_sha256="b" * 64))).kept)
    assert row.overdue_versions == (relock_id("1.0.0", "b" * 64),)
    assert not is_due_for(row, "1.0.0", "b" * 64, START)
    assert is_due_for(row, "1.0.0", "c" * 64, START)
    again = ready(changed(row, "1.0.0", lock_sha256="b" * 64))
    assert (again.overdue_versions, again.overdue_until) == ((), None)


def test_a_check_in_does_not_recover_what_failed_for_another_reason() -> None:
    row = failed(taken(first()))
    assert checked_in(row) == Step(row, Outcome.UNCHANGED)


def test_a_check_in_that_was_overtaken_by_a_later_one_of_the_same_pod_changes_nothing() -> None:
    said = {"instance_id": "a", "health": Health.DEGRADED, "message": "no disk"}
    row = checked_in(ready(), instance_id="a", sent_at=START + MINUTE).kept
    overtaken = checked_in(row, **said, sent_at=START)
    assert overtaken.outcome is Outcome.STALE
    assert overtaken.kept == row
    assert checked_in(row, **said, sent_at=START + 2 * MINUTE).kept.health is Health.DEGRADED
    assert checked_in(row, **said, sent_at=START + MINUTE).kept.health is Health.DEGRADED
    assert checked_in(row, **{**said, "instance_id": "b"}, sent_at=START).kept.health is Health.DEGRADED
    assert checked_in(row, **said).kept.health is Health.DEGRADED


def test_the_same_report_sent_later_is_nothing_new() -> None:
    row = checked_in(ready(), instance_id="a", sent_at=START).kept
    assert checked_in(row, START + MINUTE, instance_id="a", sent_at=START + MINUTE).outcome is Outcome.UNCHANGED


def test_a_late_check_in_of_what_was_rolled_back_is_stale() -> None:
    upgraded = taken(changed(ready(), "2.0.0"))
    rolled_back = overdue(upgraded).kept
    event = CheckedIn(upgraded.installation_id, upgraded.generation, "2.0.0", Health.HEALTHY)
    assert advance(rolled_back, event, START, DEADLINES) == Step(rolled_back, Outcome.STALE)


def test_degradation_is_told_at_once_and_recovery_after_two_healthy_check_ins() -> None:
    row = checked_in(ready(), health=Health.DEGRADED, message="slow").kept
    assert (row.lifecycle_state, row.health, row.health_message) == (LifecycleState.READY, Health.DEGRADED, "slow")
    once = checked_in(row).kept
    assert once.health is Health.DEGRADED
    twice = checked_in(once).kept
    assert (twice.health, twice.health_message) == (Health.HEALTHY, None)


def test_a_flap_starts_the_count_anew() -> None:
    row = checked_in(checked_in(ready(), health=Health.DEGRADED, message="slow").kept).kept
    row = checked_in(row, health=Health.DEGRADED, message="slow").kept
    assert checked_in(row).kept.health is Health.DEGRADED


def test_a_degraded_runtime_that_says_something_new_is_heard_without_filling_the_timeline() -> None:
    row = checked_in(ready(), health=Health.DEGRADED, message="1 error").kept
    told = checked_in(row, health=Health.DEGRADED, message="2 errors").kept
    assert (told.health_message, told.timeline) == ("2 errors", row.timeline)


def test_a_check_in_that_says_nothing_new_is_written_at_most_every_five_minutes() -> None:
    row = ready()
    assert checked_in(row, START + 4 * MINUTE) == Step(row, Outcome.UNCHANGED)
    later = checked_in(row, START + 5 * MINUTE)
    assert (later.outcome, later.kept.last_check_in_at) == (Outcome.CHANGED, START + 5 * MINUTE)
    assert checked_in(row, START + MINUTE, active_resources=1).kept.active_resources == 1
    assert checked_in(row, START + MINUTE, resource_types=("rain",)).kept.resource_types == ("rain",)


def test_silence_degrades_a_ready_row_once() -> None:
    row = ready()
    event = FellSilent(row.installation_id, 1, START)
    step = advance(row, event, START + 15 * MINUTE, DEADLINES)
    assert (step.kept.lifecycle_state, step.kept.health) == (LifecycleState.READY, Health.DEGRADED)
    assert step.kept.health_message == "no check-in since 2025-01-01T12:00:00Z"
    assert advance(step.kept, event, START + 16 * MINUTE, DEADLINES).outcome is Outcome.UNCHANGED


def test_silence_that_a_check_in_ended_meanwhile_changes_nothing() -> None:
    row = ready(now=START + MINUTE)
    step = advance(row, FellSilent(row.installation_id, 1, START), START + 15 * MINUTE, DEADLINES)
    assert step == Step(row, Outcome.UNCHANGED)


def test_a_tenant_sees_the_resources_of_all_pods_together() -> None:
    row = checked_in(ready(), instance_id="a", active_resources=5).kept
    row = checked_in(row, instance_id="b", active_resources=0).kept
    assert row.active_resources == 5
    assert checked_in(row, instance_id="b", active_resources=2).kept.active_resources == 7
    assert checked_in(row, instance_id="a", active_resources=0).kept.active_resources == 0


def test_a_healthy_pod_does_not_end_the_degradation_of_another() -> None:
    row = checked_in(ready(), instance_id="a", health=Health.DEGRADED, message="no disk").kept
    for _ in range(5):
        row = checked_in(row, instance_id="b").kept
        assert (row.health, row.health_message) == (Health.DEGRADED, "no disk")
    row = checked_in(checked_in(row, instance_id="a").kept, instance_id="a").kept
    assert (row.health, row.health_message) == (Health.HEALTHY, None)


def test_two_degraded_pods_are_both_heard() -> None:
    row = checked_in(ready(), instance_id="a", health=Health.DEGRADED, message="no disk").kept
    row = checked_in(row, instance_id="b", health=Health.DEGRADED, message="no network").kept
    assert row.health_message == "no disk; no network"


def test_a_pod_that_is_not_heard_of_any_more_counts_for_nothing() -> None:
    row = checked_in(ready(), instance_id="a", health=Health.DEGRADED, message="no disk", active_resources=5).kept
    row = checked_in(checked_in(row, instance_id="b").kept, instance_id="b").kept
    row = checked_in(row, START + 14 * MINUTE, instance_id="b").kept
    assert (row.health, row.active_resources) == (Health.DEGRADED, 5)
    row = checked_in(row, START + 15 * MINUTE, instance_id="b").kept
    assert (row.health, row.active_resources, row.health_message) == (Health.HEALTHY, 0, None)


def test_a_pod_that_says_it_stops_counts_no_more() -> None:
    row = checked_in(ready(), instance_id="a", health=Health.DEGRADED, message="no disk", active_resources=5).kept
    row = checked_in(
        checked_in(row, instance_id="b", active_resources=1).kept, instance_id="b", active_resources=1
    ).kept
    row = advance(row, Stopping(row.installation_id, row.generation, "a"), START, DEADLINES).kept
    assert row.active_resources == 1
    assert checked_in(row, instance_id="b", active_resources=1).kept.health is Health.HEALTHY


def test_a_process_that_stopped_long_ago_does_not_take_the_one_that_runs_in_its_pod_now() -> None:
    row = checked_in(ready(), instance_id="a", active_resources=5, sent_at=START + MINUTE).kept

    def stopping(sent_at: datetime | None) -> Step:
        return advance(row, Stopping(row.installation_id, row.generation, "a", sent_at), START, DEADLINES)

    assert (stopping(START).outcome, stopping(START).kept) == (Outcome.STALE, row)
    assert "a" not in {pod.instance_id for pod in stopping(START + 2 * MINUTE).kept.instances}
    assert "a" not in {pod.instance_id for pod in stopping(None).kept.instances}


def test_the_resources_of_the_last_pod_stay_counted_while_it_restarts() -> None:
    row = checked_in(first(), instance_id="a", active_resources=5).kept
    row = advance(row, Stopping(row.installation_id, row.generation, "a"), START, DEADLINES).kept
    assert (row.active_resources, row.instances) == (5, ())
    assert checked_in(row, instance_id="b", active_resources=4).kept.active_resources == 4


def test_a_degraded_pod_that_restarts_over_and_over_makes_no_row_flap() -> None:
    row = checked_in(ready(), instance_id="b").kept
    for _ in range(3):
        row = checked_in(row, instance_id="a", health=Health.DEGRADED, message="no disk").kept
        row = advance(row, Stopping(row.installation_id, row.generation, "a"), START, DEADLINES).kept
        row = checked_in(row, instance_id="a").kept
        assert row.health is Health.DEGRADED


def test_a_pod_under_ever_new_names_does_not_fill_the_row() -> None:
    row = ready()
    for number in range(3 * MOST_INSTANCES):
        row = checked_in(row, START + number * timedelta(seconds=1), instance_id=f"pod-{number}").kept
    assert len(row.instances) == MOST_INSTANCES
    assert f"pod-{3 * MOST_INSTANCES - 1}" in {instance.instance_id for instance in row.instances}


def test_each_pod_that_says_nothing_new_is_written_at_most_every_five_minutes() -> None:
    row = checked_in(checked_in(first(), instance_id="a").kept, instance_id="b").kept
    assert checked_in(row, START + 4 * MINUTE, instance_id="b") == Step(row, Outcome.UNCHANGED)
    assert checked_in(row, START + 5 * MINUTE, instance_id="b").outcome is Outcome.CHANGED


@pytest.mark.parametrize(
    "row",
    [first(), taken(first()), ready(), failed(taken(first()))],
    ids=["pending", "processing", "ready", "failed"],
)
def test_uninstalling_grows_the_generation_and_asks_for_the_removal(row: Installation) -> None:
    step = uninstalled(row)
    assert (step.kept.lifecycle_state, step.kept.generation) == (LifecycleState.DELETING, row.generation + 1)
    assert step.kept.deadline_at == START + DEADLINES.deploy
    assert step.request
    assert step.request.kind is RequestKind.UNINSTALL


def test_nothing_but_its_own_removal_moves_a_deleting_row() -> None:
    row = uninstalled(ready()).kept
    assert uninstalled(row) == Step(row, Outcome.UNCHANGED)
    assert checked_in(row) == Step(row, Outcome.UNCHANGED)
    change = ChangeRequested(row.installation_id, revision("2.0.0"), "user_1", "too late")
    assert advance(row, change, START, DEADLINES) == Step(row, Outcome.UNCHANGED)
    gone = advance(row, ObjectsGone(row.installation_id, row.generation), START, DEADLINES)
    assert gone == Step(None, Outcome.REMOVED)


def test_a_removal_that_overruns_is_asked_for_again_with_what_is_left() -> None:
    step = overdue(uninstalled(ready()).kept, "objects are left in the cluster")
    assert step.kept.lifecycle_state is LifecycleState.DELETING
    assert step.kept.failure_message == "removal takes long: objects are left in the cluster"
    assert step.request
    assert step.request.kind is RequestKind.UNINSTALL
    assert step.kept.deadline_at == START + 2 * DEADLINES.deploy


def test_a_step_that_removes_the_row_has_no_row_to_keep() -> None:
    with pytest.raises(ValueError, match="removed the row"):
        _ = Step(None, Outcome.REMOVED).kept


def test_a_long_reason_is_trimmed_everywhere() -> None:
    row = failed(taken(changed(ready(), "2.0.0")), "x" * 5000)
    assert row.failure_message
    assert len(row.failure_message) < REASON_LENGTH + 50
    assert row.failure_message.endswith("…; restored 1.0.0")
    assert all(len(entry.reason or "") <= REASON_LENGTH for entry in row.timeline)


def test_the_timeline_keeps_the_newest() -> None:
    row = ready()
    for _ in range(TIMELINE_LENGTH):
        row = changed(row)
    assert len(row.timeline) == TIMELINE_LENGTH
    assert {entry.event for entry in row.timeline} == {Trigger.CHANGE}
    assert row.timeline[-1].generation == TIMELINE_LENGTH + 1
