"""A day: what comes when, by a curve, a rollout to all tenants and an outage after which everyone is back at once."""

from dataclasses import dataclass, replace
from math import cos, pi

from provider_hub.settings.core import Deadlines
from tests.simulate.design import SWEEP_SECONDS, Design
from tests.simulate.fluid import Fluid
from tests.simulate.hub import hub_of, note_size
from tests.simulate.operations import (
    DEAD_LETTER,
    FAILED_INSTALL,
    INSTALL,
    LOOK,
    PUBLISH,
    QUIET,
    RECOVERED,
    RELOCK,
    ROLLOUT,
    SILENCE,
    SLICE,
    SWEEP,
    UNINSTALL,
    UPGRADE,
    WRITTEN,
    Measured,
)

DAY_SECONDS = 86_400.0
HOUR = 3600.0
SILENCE_SECONDS = float(Deadlines.model_fields["silence_seconds"].default)
# What people and their CI do in a day, for each installation: as many installs as uninstalls, so that the hub does not
# grow meanwhile. A look is somebody's console or script that reads one installation.
_A_DAY = {INSTALL: 0.02, UNINSTALL: 0.02, FAILED_INSTALL: 0.0005, UPGRADE: 0.02, PUBLISH: 0.001, LOOK: 4.0}
_DEAD_LETTERS = 1e-6  # of all check-ins
_INSTALLATIONS_OF_A_TENANT = 10


@dataclass(frozen=True)
class Load:
    """What a hub is asked to do in a day.

    `check_in_seconds`: between two check-ins of one installation. `news`: the share of check-ins that say something
    new, which are written whenever they come; the others are as often as the code says. `outage`: the hours in which
    no pod can be heard. `rollout_at`: the hour in which a version comes out that every tenant has and follows, and
    another that every tenant has is locked again.
    """

    installations: float
    check_in_seconds: float
    news: float = 0.0
    outage: tuple[float, float] | None = None
    rollout_at: float | None = None
    step_seconds: float = 10.0

    @property
    def tenants(self) -> float:
        """How many organizations there are."""
        return self.installations / _INSTALLATIONS_OF_A_TENANT

    @property
    def check_ins_a_second(self) -> float:
        """How many come while all can be heard."""
        return self.installations / self.check_in_seconds

    def is_out(self, at: float) -> bool:
        """Whether no pod can be heard at this second of the day."""
        return self.outage is not None and self.outage[0] * HOUR <= at < self.outage[1] * HOUR

    def is_now(self, hour: float, at: float) -> bool:
        """Whether the step that begins at this second has that hour in it."""
        return at <= hour * HOUR < at + self.step_seconds

    def even(self, installations: float, step_seconds: float) -> "Load":
        """As many installations on a day on which nothing happens."""
        return replace(self, installations=installations, outage=None, rollout_at=None, step_seconds=step_seconds)


def run_day(measured: Measured, design: Design, load: Load) -> Fluid:
    """Let one day pass, and return what came of it. The database was written to as evenly before."""
    written = load.news + (1 - load.news) * measured.written_share
    fluid = hub_of(measured.operations, design, warm_writes=load.check_ins_a_second * written)
    for number in range(round(DAY_SECONDS / load.step_seconds)):
        at = number * load.step_seconds
        heard = 0.0 if load.is_out(at) else load.check_ins_a_second * load.step_seconds
        arrivals = {
            **_by_people(load, at),
            SWEEP: load.step_seconds / SWEEP_SECONDS,
            SLICE: load.step_seconds / SWEEP_SECONDS * (design.ranges - 1),
            WRITTEN: heard * written,
            QUIET: heard * (1 - written),
            DEAD_LETTER: heard * _DEAD_LETTERS,
            SILENCE: _falling_silent(load, at),
        }
        if load.outage and load.is_now(load.outage[1], at):
            arrivals[RECOVERED] = fluid.runs[SILENCE]
            arrivals[WRITTEN] += load.installations - fluid.runs[SILENCE]
        if load.rollout_at is not None and load.is_now(load.rollout_at, at):
            arrivals[ROLLOUT] = arrivals[RELOCK] = load.tenants
        served = fluid.step(arrivals, at, load.step_seconds)
        # Who was heard is not silent any more.
        fluid.withdraw(SILENCE, served.get((WRITTEN, 0), 0.0) + served.get((QUIET, 0), 0.0))
        note_size(fluid, design, load.installations, load.tenants, at)
    return fluid


def _falling_silent(load: Load, at: float) -> float:
    """How many rows become due as silent in this step: in an outage, one after the other, as they were heard last.

    The write that moves a row which the sweeper finds early is left out. It comes before rows are due, while the
    sweeper degrades none; once rows wait, it comes to each when that is due, and moves none.
    """
    if load.outage is None or not load.is_out(at):
        return 0.0
    since = at - load.outage[0] * HOUR - SILENCE_SECONDS
    return load.check_ins_a_second * load.step_seconds if 0 <= since < load.check_in_seconds else 0.0


def _by_people(load: Load, at: float) -> dict[str, float]:
    """Little at night, most at noon; as much in all as the table says."""
    curve = 1 - 0.8 * cos(2 * pi * at / DAY_SECONDS)
    of_step = load.installations * load.step_seconds / DAY_SECONDS * curve
    return {name: times * of_step for name, times in _A_DAY.items()}
