"""The arithmetic of a rollout, checked over every course of events that hypothesis can think of."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from local_kubernetes.node.rollout import (
    Limits,
    Scale,
    next_new,
    next_old,
    resolve_limits,
    scaled_value,
)


@pytest.mark.parametrize(
    ("value", "total", "up", "expected"),
    [(3, 10, True, 3), ("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 7, True, 0), ("100%", 7, False, 7)],
)
def test_a_percentage_is_rounded_the_way_it_is_asked_to(value: int | str, total: int, up: bool, expected: int) -> None:
    assert scaled_value(value, total, round_up=up) == expected


def test_what_is_neither_number_nor_percentage_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="'a quarter' is neither a number nor a percentage such as '25%'"):
        scaled_value("a quarter", 4, round_up=True)


def test_surge_rounds_up_and_unavailability_down() -> None:
    assert resolve_limits(3, "25%", "25%") == Limits(max_surge=1, max_unavailable=0)


def test_limits_that_forbid_every_move_let_one_pod_be_missing() -> None:
    assert resolve_limits(3, 0, "10%") == Limits(max_surge=0, max_unavailable=1)


def test_no_more_may_be_unavailable_than_there_are() -> None:
    assert resolve_limits(2, 1, 5) == Limits(max_surge=1, max_unavailable=2)


def test_pods_that_an_old_replica_set_has_yet_to_let_go_still_take_room() -> None:
    old = Scale("old", desired=2, actual=3, available=3)
    assert next_new(3, Limits(1, 0), Scale("new", 1, 1, 1), [old]) == 1


def test_pods_that_never_became_available_go_before_those_that_serve() -> None:
    broken = Scale("broken", desired=1, actual=1, available=0)
    serving = Scale("serving", desired=3, actual=3, available=3)
    assert next_old(3, Limits(1, 0), Scale("new", 0, 0, 0), [serving, broken]) == {"broken": 0}


@dataclass
class FakeReplicaSet:
    """A ReplicaSet with its pods (True = available) and the status that was last written of them."""

    name: str
    desired: int = 0
    pods: list[bool] = field(default_factory=list)
    seen: tuple[int, int] = (0, 0)

    def report(self) -> None:
        self.seen = (len(self.pods), sum(self.pods))

    def scale(self) -> Scale:
        return Scale(self.name, self.desired, *self.seen)


class Rollouts(RuleBasedStateMachine):
    """Both controllers act in any order, on statuses of any age; new templates come at any time."""

    @initialize(replicas=st.integers(1, 6), surge=st.integers(0, 3), unavailable=st.integers(0, 3))
    def begin(self, replicas: int, surge: int, unavailable: int) -> None:
        self.replicas = replicas
        self.limits = resolve_limits(replicas, surge, unavailable)
        first = FakeReplicaSet("rs-0", replicas, [True] * replicas)
        first.report()
        self.sets = [first]

    @precondition(lambda self: len(self.sets) < 5)
    @rule()
    def another_template(self) -> None:
        self.sets.append(FakeReplicaSet(f"rs-{len(self.sets)}"))

    @rule()
    def deployment_controller(self) -> None:
        new, old = self.sets[-1], self.sets[:-1]
        new.desired = next_new(self.replicas, self.limits, new.scale(), [one.scale() for one in old])
        kept = next_old(self.replicas, self.limits, new.scale(), [one.scale() for one in old])
        for one in old:
            one.desired = kept.get(one.name, one.desired)

    @rule(data=st.data())
    def replica_set_controller(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.sets))
        one.pods += [False] * (one.desired - len(one.pods))
        one.pods = sorted(one.pods, reverse=True)[: one.desired]
        one.report()

    @rule(data=st.data())
    def a_pod_becomes_available(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.sets))
        if False in one.pods:
            one.pods[one.pods.index(False)] = True

    @invariant()
    def never_more_pods_than_surge_allows(self) -> None:
        assert sum(len(one.pods) for one in self.sets) <= self.replicas + self.limits.max_surge

    @invariant()
    def never_fewer_available_than_promised(self) -> None:
        assert sum(sum(one.pods) for one in self.sets) >= self.replicas - self.limits.max_unavailable

    def teardown(self) -> None:
        """Left alone, every rollout comes to its end."""
        for _ in range(60):
            self.deployment_controller()
            for one in self.sets:
                one.pods += [False] * (one.desired - len(one.pods))
                one.pods = [True for _ in sorted(one.pods, reverse=True)[: one.desired]]
                one.report()
        assert self.sets[-1].pods == [True] * self.replicas
        assert not any(one.pods for one in self.sets[:-1])


RolloutsTest = Rollouts.TestCase
RolloutsTest.settings = settings(
    max_examples=settings.default.max_examples * 3 // 2, stateful_step_count=30, deadline=None
)


@given(replicas=st.integers(0, 50), more=st.integers(1, 50))
def test_scaling_down_needs_no_room(replicas: int, more: int) -> None:
    have = replicas + more
    assert next_new(replicas, Limits(0, 1), Scale("new", have, have, have), []) == replicas
