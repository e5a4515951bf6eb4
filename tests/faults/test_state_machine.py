"""The state machine as it was designed, as it is coded and as README.md draws it: one table."""

from provider_hub.domain.diagram import state_diagram
from provider_hub.domain.installation import TRANSITIONS, LifecycleState, Trigger

ALIVE = "PENDING PROCESSING READY FAILED"
DESIGNED = (
    ("-", Trigger.INSTALL, "PENDING"),
    ("PENDING", Trigger.TAKEN, "PROCESSING"),
    ("PENDING PROCESSING", Trigger.CHECK_IN, "READY"),
    ("PENDING PROCESSING", Trigger.DEPLOY_FAILED, "FAILED"),
    ("PENDING PROCESSING", Trigger.DEADLINE, "FAILED"),
    ("FAILED", Trigger.ROLLBACK, "PENDING"),
    (ALIVE, Trigger.CHANGE, "PENDING"),
    ("FAILED", Trigger.CHECK_IN, "READY"),  # late, of one that failed by its deadline
    ("READY", Trigger.CHECK_IN, "READY"),
    ("READY", Trigger.SILENCE, "READY"),
    ("READY", Trigger.DRIFT, "READY"),
    ("READY", Trigger.SKIPPED, "READY"),  # by an auto-upgrade that the config does not fit
    (ALIVE, Trigger.UNINSTALL, "DELETING"),
    ("DELETING", Trigger.DEADLINE, "DELETING"),  # the removal is asked for again
    ("DELETING", Trigger.OBJECTS_GONE, "-"),
)


def state(name: str) -> LifecycleState | None:
    return None if name == "-" else LifecycleState[name]


def test_the_table_is_the_designed_one() -> None:
    designed = {(state(source), trigger): state(to) for names, trigger, to in DESIGNED for source in names.split()}
    assert designed == TRANSITIONS


def test_every_trigger_and_every_state_is_in_the_table() -> None:
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
    assert {source for source, _ in TRANSITIONS} == {None, *LifecycleState} == set(TRANSITIONS.values())


def test_every_state_has_a_way_out() -> None:
    ways_out = {source for (source, _), target in TRANSITIONS.items() if target is not source}
    assert ways_out == {None, *LifecycleState}


def test_the_diagram_shows_every_transition_once() -> None:
    arrows = [line.strip() for line in state_diagram().splitlines()[1:]]
    drawn = [(arrow.split(":")[0], trigger) for arrow in arrows for trigger in arrow.split(": ")[1].split(", ")]
    assert len(drawn) == len(set(drawn)) == len(TRANSITIONS)
    assert "READY --> DELETING: uninstall" in arrows
    assert "DELETING --> [*]: objects gone" in arrows
