"""What Cloud Tasks is asked to call later: once for each generation and for each step, with what the callee reads."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from tests.builders import rollout, wish
from tests.fakes import START

from provider_hub.actions.scheduled_calls import DeadlineCall, StepCall, deadline_name, deadline_of, step_of
from provider_hub.domain.records import Queue

ROW = replace(wish(), deadline_at=START + timedelta(minutes=10))


def test_a_deadline_is_called_at_its_time_with_the_generation_that_it_ends() -> None:
    call = deadline_of(ROW)
    assert (call.queue, call.at, call.name) == (Queue.DEADLINES, ROW.deadline_at, deadline_name(ROW))
    read = TypeAdapter(DeadlineCall).validate_python(call.body)
    assert read == DeadlineCall(ROW.organization_id, ROW.canonical, ROW.installation_id, ROW.generation)


def test_each_generation_has_a_call_of_its_own_whose_name_begins_at_random() -> None:
    names = [deadline_name(replace(ROW, generation=generation)) for generation in range(1, 9)]
    assert len({name[:4] for name in names}) == len(names)
    assert all(name.endswith(f"-{ROW.installation_id}-{number}") for number, name in enumerate(names, start=1))


def test_each_step_of_a_rollout_has_a_call_of_its_own() -> None:
    first = rollout()
    calls = [step_of(replace(first, step=step)) for step in range(3)]
    assert len({call.name for call in calls}) == 3
    assert step_of(first) == step_of(first)
    read = TypeAdapter(StepCall).validate_python(calls[2].body)
    assert (calls[2].queue, calls[2].at, read.step) == (Queue.UPGRADES, first.due_at, 2)


def test_what_waits_for_nothing_has_no_call() -> None:
    with pytest.raises(AssertionError):
        deadline_of(replace(ROW, deadline_at=None))
    with pytest.raises(AssertionError):
        step_of(replace(rollout(), due_at=None))
