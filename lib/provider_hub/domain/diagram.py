"""Draws the state machine from its table: `python -m provider_hub.domain.diagram` prints it as Mermaid."""

from collections import defaultdict

from provider_hub.domain.installation import TRANSITIONS, LifecycleState

_NOWHERE = "[*]"


def state_diagram() -> str:
    """A Mermaid state diagram: one arrow for each pair of states, with all triggers that lead from one to the other."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (source, trigger), target in TRANSITIONS.items():
        arrows[_shown(source), _shown(target)].append(trigger.value)
    lines = [f"    {source} --> {target}: {', '.join(triggers)}" for (source, target), triggers in arrows.items()]
    return "\n".join(["stateDiagram-v2", *lines])


def _shown(state: LifecycleState | None) -> str:
    return _NOWHERE if state is None else state.name


if __name__ == "__main__":
    print(state_diagram())
