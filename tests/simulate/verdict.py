"""Whether a hub held a day, and up to how many installations it holds one."""

from collections.abc import Iterator
from dataclasses import dataclass

from provider_hub.actions.register import SENT_WITHIN
from tests.simulate.day import Load, run_day
from tests.simulate.design import Design
from tests.simulate.fluid import Fluid
from tests.simulate.operations import Measured

# A check-in that has waited for longer is thrown away when it comes.
PATIENCE_SECONDS = SENT_WITHIN.total_seconds()
_FEWEST, _MOST = 1000.0, 1e8
_CLOSE = 1.002
# On a day on which nothing happens, steps may be long.
_SEARCH_STEP_SECONDS = 300.0


@dataclass(frozen=True)
class Fault:
    """What did not hold, in a few words."""

    name: str
    why: str


def faults_of(fluid: Fluid) -> list[Fault]:
    """The limits that were passed, then the queues that are not drained: often because of one of those limits."""
    return list(_faults(fluid))


def _faults(fluid: Fluid) -> Iterator[Fault]:
    for gauge in fluid.gauges.values():
        if gauge.is_passed(PATIENCE_SECONDS):
            yield Fault(gauge.name, f"its limit of {gauge.limit:,.0f} is passed")
    for queue in fluid.queues.values():
        if not queue.is_drained:
            yield Fault(queue.name, f"{queue.waiting:,.0f} still wait at the end of the day")


@dataclass(frozen=True)
class Found:
    """The most installations that hold an even day, and what a few more pass first."""

    installations: float
    first: Fault


def find_limit(measured: Measured, design: Design, load: Load) -> Found:
    """Search by halving, as what holds with many holds with fewer. Raises ValueError where no number in reach fails."""

    def failing(installations: float) -> list[Fault]:
        even = load.even(installations, _SEARCH_STEP_SECONDS)
        return faults_of(run_day(measured, design, even))

    holds, fails = _FEWEST, _FEWEST
    while not (faults := failing(fails)):
        holds, fails = fails, fails * 4
        if fails > _MOST:
            raise ValueError(f"{holds:,.0f} installations hold a day: nothing in reach is a limit")
    while fails / holds > _CLOSE:
        middle = (holds * fails) ** 0.5
        if found := failing(middle):
            fails, faults = middle, found
        else:
            holds = middle
    return Found(holds, faults[0])
