"""The state machine as one table. The README's diagram is drawn from it (`provider_hub.domain.diagram`)."""

from provider_hub.domain.installation.state import LifecycleState, Trigger

_STARTING = (LifecycleState.PENDING, LifecycleState.PROCESSING)
_ALIVE = (*_STARTING, LifecycleState.READY, LifecycleState.FAILED)

TRANSITIONS: dict[tuple[LifecycleState | None, Trigger], LifecycleState | None] = {
    (None, Trigger.INSTALL): LifecycleState.PENDING,
    (LifecycleState.PENDING, Trigger.TAKEN): LifecycleState.PROCESSING,
    **{(state, Trigger.CHECK_IN): LifecycleState.READY for state in _ALIVE},
    **{(state, Trigger.DEPLOY_FAILED): LifecycleState.FAILED for state in _STARTING},
    **{(state, Trigger.DEADLINE): LifecycleState.FAILED for state in _STARTING},
    (LifecycleState.FAILED, Trigger.ROLLBACK): LifecycleState.PENDING,
    **{(state, Trigger.CHANGE): LifecycleState.PENDING for state in _ALIVE},
    (LifecycleState.READY, Trigger.SILENCE): LifecycleState.READY,
    (LifecycleState.READY, Trigger.DRIFT): LifecycleState.READY,
    (LifecycleState.READY, Trigger.SKIPPED): LifecycleState.READY,
    **{(state, Trigger.UNINSTALL): LifecycleState.DELETING for state in _ALIVE},
    (LifecycleState.DELETING, Trigger.DEADLINE): LifecycleState.DELETING,
    (LifecycleState.DELETING, Trigger.OBJECTS_GONE): None,
}
"""(from, trigger) → to. `None` means that there is no row.

A FAILED row takes a check-in only when it failed by its deadline: the runtime was late, not broken. A removal that
overruns its deadline stays DELETING and is requested again, because there is nothing to fall back to.
"""
