"""Random lives of one installation: moves are drawn without knowing the row, and read against the row they meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from hypothesis import strategies as st
from tests.builders import revision, wish
from tests.fakes import START

from provider_hub.domain.installation import (
    ChangeRequested,
    CheckedIn,
    DeadlinePassed,
    Deadlines,
    DeployFailed,
    DriftRepaired,
    Event,
    FellSilent,
    Health,
    Installation,
    ObjectsGone,
    Step,
    Stopping,
    Taken,
    TimelineEntry,
    UninstallRequested,
    UpgradeSkipped,
    advance,
    install,
)

DEADLINES = Deadlines(
    queue=timedelta(hours=1),
    deploy=timedelta(minutes=10),
    check_in_writes=timedelta(minutes=5),
    silence=timedelta(minutes=15),
    silence_shards=30,
)
KINDS: tuple[type[Event], ...] = (
    Taken,
    CheckedIn,
    Stopping,
    DeployFailed,
    DeadlinePassed,
    ChangeRequested,
    FellSilent,
    DriftRepaired,
    UpgradeSkipped,
    UninstallRequested,
    ObjectsGone,
)
PODS = ("a", "b", "c")
VERSIONS = ("1.0.0", "1.1.0", "2.0.0")
# Past no deadline, that of a deploy, that of the queue, and rarely past the wait after a missed deadline.
PASSING = (timedelta(0), timedelta(minutes=11), timedelta(hours=2)) * 8 + (timedelta(hours=25),)
OTHER_LIFE = "01JGFJJZ00000000000000000B"


@dataclass(frozen=True)
class Move:
    """An event to be, `after` some time: of this life or another, so many generations off, of some version."""

    kind: type[Event]
    after: timedelta
    other_life: bool
    generations_off: int
    version: str
    health: Health
    pod: str


@dataclass(frozen=True)
class Seen:
    """One event, what it met and what came of it."""

    before: Installation
    event: Event
    now: datetime
    step: Step

    @property
    def new_entries(self) -> tuple[TimelineEntry, ...]:
        """What this step added to the timeline, which forgets its oldest entries."""
        if self.step.row is None:
            return ()
        before, after = self.before.timeline, self.step.row.timeline
        count = next(n for n in range(4) if (before + after[len(after) - n :])[-len(after) :] == after)
        return after[len(after) - count :]


def moves() -> st.SearchStrategy[list[Move]]:
    """Mostly events that fit, so that walks get somewhere; the others are what fencing is for."""
    move = st.builds(
        Move,
        kind=st.sampled_from(KINDS),
        after=st.sampled_from([timedelta(seconds=1), *PASSING]),
        other_life=st.sampled_from([False] * 9 + [True]),
        generations_off=st.sampled_from([0] * 8 + [-1, 1]),
        version=st.sampled_from(("installed", *VERSIONS)),
        health=st.sampled_from(Health),
        pod=st.sampled_from(PODS),
    )
    return st.lists(move, max_size=40)


def random_moves(random: Random, length: int) -> list[Move]:
    """As `moves`, without hypothesis: many, fast, and uninstalls rarely, since a walk ends with one."""
    kinds = [kind for kind in KINDS for _ in range(1 if kind is UninstallRequested else 4)]
    return [
        Move(
            kind=random.choice(kinds),
            after=random.choice(PASSING),
            other_life=random.random() < 0.05,
            generations_off=random.choice([0] * 10 + [-1]),
            version=random.choice(("installed", *VERSIONS)),
            health=random.choice(list(Health)),
            pod=random.choice(PODS),
        )
        for _ in range(length)
    ]


def first(**changes: object) -> Installation:
    """A freshly installed row."""
    return install(wish(**changes), DEADLINES, "user_1").kept


def play(wanted: Sequence[Move], row: Installation | None = None) -> list[Seen]:
    """Every step of a life, until the moves are used up or the row is gone."""
    current: Installation | None = row or first()
    now = START
    seen: list[Seen] = []
    for move in wanted:
        if current is None:
            break
        now += move.after
        event = event_of(move, current, now)
        step = advance(current, event, now, DEADLINES)
        seen.append(Seen(current, event, now, step))
        current = step.row
    return seen


def event_of(move: Move, row: Installation, now: datetime) -> Event:
    life = OTHER_LIFE if move.other_life else row.installation_id
    generation = row.generation + move.generations_off
    version = row.installed_version if move.version == "installed" else move.version
    events: dict[type[Event], Event] = {
        Taken: Taken(life, generation),
        CheckedIn: CheckedIn(life, generation, version, move.health, "out of memory", instance_id=move.pod),
        Stopping: Stopping(life, generation, move.pod),
        DeployFailed: DeployFailed(life, generation, "forbidden", "installer"),
        DeadlinePassed: DeadlinePassed(life, generation, "no check-in"),
        ChangeRequested: ChangeRequested(life, revision(version), "user_1", "wanted"),
        FellSilent: FellSilent(life, generation, now - timedelta(minutes=15)),
        DriftRepaired: DriftRepaired(life, generation, "the Service was missing"),
        UpgradeSkipped: UpgradeSkipped(life, generation, f"to {version}: the config does not fit"),
        UninstallRequested: UninstallRequested(life, "user_1"),
        ObjectsGone: ObjectsGone(life, generation),
    }
    return events[move.kind]
