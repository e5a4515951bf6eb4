"""The state machine over random lives: what holds whatever happens, in whatever order, however often."""

from collections.abc import Iterator
from functools import lru_cache
from random import Random

import pytest
from hypothesis import given
from tests.fakes import START
from tests.unit.walks import DEADLINES, Move, Seen, first, moves, play, random_moves

from provider_hub.domain.installation import (
    RECOVERY_CHECK_INS,
    REMEMBERED_FAILURES,
    TIMELINE_LENGTH,
    TRANSITIONS,
    WAIT_AFTER_DEADLINE,
    ChangeRequested,
    CheckedIn,
    DeadlinePassed,
    DriftRepaired,
    Health,
    Installation,
    LifecycleState,
    ObjectsGone,
    Outcome,
    Stopping,
    Taken,
    Trigger,
    UninstallRequested,
    advance,
)

AWAITING = {LifecycleState.PENDING, LifecycleState.PROCESSING, LifecycleState.DELETING}
WISHES = ChangeRequested | UninstallRequested
MISSED = (Trigger.DEADLINE, LifecycleState.FAILED)

Transition = tuple[LifecycleState | None, Trigger, LifecycleState | None]


@lru_cache(maxsize=1)
def many_lives() -> tuple[Seen, ...]:
    random = Random(1)  # noqa: S311 - the same lives at every run
    return tuple(seen for _ in range(400) for seen in play(random_moves(random, 60)))


def is_stale(seen: Seen) -> bool:
    if seen.event.installation_id != seen.before.installation_id:
        return True
    return not isinstance(seen.event, WISHES) and seen.event.generation != seen.before.generation


@given(moves())
def test_only_a_check_in_of_this_life_generation_and_version_makes_it_ready(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is None or row.lifecycle_state is not LifecycleState.READY:
            continue
        assert (row.ready_generation, row.current_version) == (row.generation, row.installed_version)
        assert row.ready_revision == row.revision
        if seen.before.lifecycle_state is not LifecycleState.READY:
            assert isinstance(seen.event, CheckedIn)
            told = (seen.event.installation_id, seen.event.generation, seen.event.version)
            assert told == (row.installation_id, row.generation, row.installed_version)


@given(moves())
def test_a_generation_that_was_ready_is_never_ready_again_once_another_was_asked_for(wanted: list[Move]) -> None:
    ready = [
        seen.step.row.generation
        for seen in play(wanted)
        if seen.step.row and seen.step.row.lifecycle_state is LifecycleState.READY
    ]
    assert ready == sorted(ready)


@given(moves())
def test_the_generation_never_falls_and_grows_by_one_with_each_wish_and_each_rollback(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is None:
            continue
        triggers = [entry.event for entry in seen.new_entries]
        grown = Trigger.ROLLBACK in triggers or Trigger.CHANGE in triggers or Trigger.UNINSTALL in triggers
        assert row.generation - seen.before.generation == int(grown)


@given(moves())
def test_deleting_never_comes_back(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if seen.before.lifecycle_state is LifecycleState.DELETING:
            assert seen.step.row is None or seen.step.row.lifecycle_state is LifecycleState.DELETING


@given(moves())
def test_only_confirmed_removal_of_a_deleting_row_removes_it(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if seen.step.row is None:
            assert seen.step.outcome is Outcome.REMOVED
            assert seen.before.lifecycle_state is LifecycleState.DELETING
            assert seen.event == ObjectsGone(seen.before.installation_id, seen.before.generation)


@given(moves())
def test_a_stale_event_changes_nothing_and_asks_for_nothing(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if is_stale(seen):
            assert (seen.step.row, seen.step.outcome, seen.step.request) == (seen.before, Outcome.STALE, None)


@given(moves())
def test_what_is_not_a_change_leaves_the_row_as_it_is(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if seen.step.outcome in (Outcome.STALE, Outcome.UNCHANGED):
            assert seen.step.row == seen.before
            assert seen.step.request is None


@given(moves())
def test_the_same_message_twice_is_the_same_as_once(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if isinstance(seen.event, WISHES | CheckedIn | DriftRepaired):
            continue
        again = advance(seen.step.row, seen.event, seen.now, DEADLINES)
        assert (again.row, again.request) == (seen.step.row, None)


@given(moves())
def test_a_deadline_is_set_exactly_while_something_is_awaited(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is not None:
            assert (row.deadline_at is not None) == (row.lifecycle_state in AWAITING)


@given(moves())
def test_the_installer_is_asked_exactly_once_for_each_generation(wanted: list[Move]) -> None:
    asked: set[int] = {1}
    for seen in play(wanted):
        request, row = seen.step.request, seen.step.row
        if request is None:
            continue
        assert row is not None
        assert (request.generation, request.version) == (row.generation, row.installed_version)
        overran = seen.before.lifecycle_state is LifecycleState.DELETING
        assert overran or request.generation not in asked
        asked.add(request.generation)
    assert asked == set(range(1, max(asked) + 1))


@given(moves())
def test_a_wish_is_rolled_back_at_most_once_and_never_to_the_revision_that_failed(wanted: list[Move]) -> None:
    rollbacks = 0
    for seen in play(wanted):
        if isinstance(seen.event, ChangeRequested) and seen.step.outcome is Outcome.CHANGED:
            rollbacks = 0
        if Trigger.ROLLBACK not in [entry.event for entry in seen.new_entries]:
            continue
        rollbacks += 1
        row = seen.step.kept
        assert rollbacks == 1
        assert row.is_rollback
        assert row.revision == seen.before.ready_revision
        assert row.revision != seen.before.revision


@given(moves())
def test_a_failure_always_says_why(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row and row.lifecycle_state is LifecycleState.FAILED:
            assert row.failure_message
            assert row.installed_version in row.failure_message or row.is_rollback


@given(moves())
def test_the_timeline_is_bounded_and_has_every_change_of_state(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is None:
            continue
        assert len(row.timeline) <= TIMELINE_LENGTH
        assert [entry.at for entry in row.timeline] == sorted(entry.at for entry in row.timeline)
        state: LifecycleState | None = seen.before.lifecycle_state
        for entry in seen.new_entries:
            assert entry.from_state == state
            state = entry.to_state
        assert state == row.lifecycle_state


@given(moves())
def test_a_version_that_failed_for_good_is_remembered_unless_it_was_ready_before(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is None or not any(entry.event is Trigger.DEPLOY_FAILED for entry in seen.new_entries):
            continue
        failed = seen.before.installed_version
        was_ready = seen.before.ready_revision is not None and seen.before.ready_revision.version == failed
        assert was_ready or failed in row.failed_versions
        assert len(row.failed_versions) <= REMEMBERED_FAILURES


@given(moves())
def test_a_version_that_is_ready_is_not_blamed_any_more(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row and row.lifecycle_state is LifecycleState.READY:
            assert row.installed_version not in row.failed_versions + row.overdue_versions


@given(moves())
def test_silence_ends_every_wait(wanted: list[Move]) -> None:
    """No installer and no runtime answers any more: the clock alone leads to FAILED, or asks for the removal again."""
    for row in reached(wanted):
        if row.lifecycle_state not in (LifecycleState.PENDING, LifecycleState.PROCESSING):
            continue
        waited = row
        for _ in range(2):  # the wish itself, then its rollback
            if waited.deadline_at:
                event = DeadlinePassed(waited.installation_id, waited.generation, "nobody answered")
                waited = advance(waited, event, waited.deadline_at, DEADLINES).kept
        assert waited.lifecycle_state is LifecycleState.FAILED
        assert waited.failure_message


@given(moves())
def test_every_state_has_a_way_to_ready_or_gone(wanted: list[Move]) -> None:
    for row in reached(wanted):
        assert way_out(row) in (LifecycleState.READY, None)


def way_out(row: Installation) -> LifecycleState | None:
    """Where the shortest good ending leads from `row`: a runtime checks in, or what is unwanted is removed."""
    for event in endings(row):
        step = advance(row, event, START, DEADLINES)
        if step.row is None:
            return None
        row = step.row
    return row.lifecycle_state


def endings(row: Installation) -> Iterator[Taken | CheckedIn | ChangeRequested | ObjectsGone]:
    life, generation = row.installation_id, row.generation
    if row.lifecycle_state is LifecycleState.DELETING:
        yield ObjectsGone(life, generation)
        return
    if row.lifecycle_state is LifecycleState.FAILED:
        yield ChangeRequested(life, row.revision, "user_1", "once more")
        generation += 1
    if row.lifecycle_state is not LifecycleState.READY:
        yield Taken(life, generation)
        yield CheckedIn(life, generation, row.installed_version, Health.HEALTHY)


def reached(wanted: list[Move]) -> list[Installation]:
    """Every row that the moves lead through."""
    return [first()] + [seen.step.row for seen in play(wanted) if seen.step.row]


@given(moves())
def test_health_is_told_exactly_while_degraded(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row and row.lifecycle_state is LifecycleState.READY:
            assert (row.health_message is not None) == (row.health is Health.DEGRADED)


@given(moves())
def test_only_two_healthy_check_ins_or_a_new_start_end_a_degradation(wanted: list[Move]) -> None:
    for seen in play(wanted):
        row = seen.step.row
        if row is None or (seen.before.health, row.health) != (Health.DEGRADED, Health.HEALTHY):
            continue
        assert isinstance(seen.event, CheckedIn)
        if seen.before.lifecycle_state is LifecycleState.READY:
            before = {pod.instance_id: pod for pod in seen.before.instances}
            for pod in row.instances:
                if pod.instance_id != seen.event.instance_id:
                    assert before[pod.instance_id].health is Health.HEALTHY
                elif known := before.get(pod.instance_id):
                    assert known.health is Health.HEALTHY or known.healthy_streak == RECOVERY_CHECK_INS - 1


def transitions_in(seen: Seen) -> set[Transition]:
    """The transitions that one step shows: those of its timeline entries, or that of its trigger."""
    if seen.step.outcome is Outcome.REMOVED:
        return {(seen.before.lifecycle_state, Trigger.OBJECTS_GONE, None)}
    return {(entry.from_state, entry.event, entry.to_state) for entry in seen.new_entries}


def test_the_table_is_exactly_what_random_lives_show() -> None:
    born = {(entry.from_state, entry.event, entry.to_state) for entry in first().timeline}
    shown = born.union(*(transitions_in(seen) for seen in many_lives()))
    table = {(source, trigger, target) for (source, trigger), target in TRANSITIONS.items()}
    assert shown == table


def test_a_change_without_a_transition_is_only_a_ready_rows_check_in() -> None:
    quiet = [seen for seen in many_lives() if seen.step.outcome is Outcome.CHANGED and not seen.new_entries]
    assert quiet
    for seen in quiet:
        assert isinstance(seen.event, CheckedIn | Stopping)
        assert (seen.before.lifecycle_state, seen.step.kept.lifecycle_state) == (LifecycleState.READY,) * 2


def test_no_transition_leaves_a_row_where_no_other_leads_out() -> None:
    sources = {source for source, _ in TRANSITIONS}
    assert {target for target in TRANSITIONS.values() if target is not None} <= sources


def test_the_table_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print(table())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TRANSITIONS) + 2
    assert "| –          | install               | pending    |" in lines
    assert "| deleting   | objects gone          | –          |" in lines


def table() -> str:
    """The machine for people: from, on, to."""
    rows = [(_word(source), trigger.value, _word(target)) for (source, trigger), target in TRANSITIONS.items()]
    heading = [("from", "on", "to"), ("-" * 10, "-" * 21, "-" * 10)]
    return "\n".join(f"| {source:10} | {trigger:21} | {target:10} |" for source, trigger, target in heading + rows)


def _word(state: LifecycleState | None) -> str:
    return "–" if state is None else state.value


@given(moves())
def test_a_step_names_the_transitions_that_it_added_to_the_timeline(wanted: list[Move]) -> None:
    for seen in play(wanted):
        if seen.step.row is not None:
            assert seen.step.moved == seen.new_entries


@given(moves())
def test_a_deadline_blames_a_version_only_where_the_wait_after_one_before_is_over_and_the_installer_had_taken_it(
    wanted: list[Move],
) -> None:
    for seen in deadlines_in(wanted):
        for blamed in newly_blamed(seen):
            assert blamed in seen.before.overdue_versions
            assert seen.before.overdue_until is not None
            assert seen.before.overdue_until <= seen.now
            assert seen.before.lifecycle_state is LifecycleState.PROCESSING


@given(moves())
def test_a_version_that_missed_a_deadline_waits_or_is_blamed_unless_it_was_ready_before(wanted: list[Move]) -> None:
    for seen in deadlines_in(wanted):
        row, version, ready = seen.step.kept, seen.before.installed_version, seen.before.ready_revision
        if ready is not None and ready.version == version:
            assert row.overdue_versions == seen.before.overdue_versions
        elif version not in row.failed_versions:
            assert version in row.overdue_versions
            assert row.overdue_until == seen.now + WAIT_AFTER_DEADLINE


@given(moves())
def test_a_row_has_an_end_of_its_wait_exactly_while_a_version_waits(wanted: list[Move]) -> None:
    for row in reached(wanted):
        assert (row.overdue_until is not None) == bool(row.overdue_versions)
        assert len(row.overdue_versions) <= REMEMBERED_FAILURES


def test_no_deadline_within_the_wait_blames_a_version_and_one_after_it_does() -> None:
    missed = [seen for seen in many_lives() if missed_deadline(seen)]
    within = [seen for seen in missed if seen.before.overdue_until and seen.now < seen.before.overdue_until]
    assert within
    assert not any(newly_blamed(seen) for seen in within)
    assert any(newly_blamed(seen) for seen in missed)


def deadlines_in(wanted: list[Move]) -> list[Seen]:
    """The steps at which a deploy missed its deadline."""
    return [seen for seen in play(wanted) if missed_deadline(seen)]


def missed_deadline(seen: Seen) -> bool:
    return any((entry.event, entry.to_state) == MISSED for entry in seen.new_entries)


def newly_blamed(seen: Seen) -> set[str]:
    return set(seen.step.kept.failed_versions) - set(seen.before.failed_versions)
