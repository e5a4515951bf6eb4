"""The operations of a hub, each run many times by the real functions: what one of them takes, function by function."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from provider_hub.actions import sweep
from provider_hub.actions.drift import ROWS_A_SLICE, Drift
from provider_hub.adapters.wheels import fetching
from provider_hub.domain.installation import Health
from provider_hub.domain.wheels.inspection import inspect_wheel
from tests.bench.publishing import FolderBucket, metered_services, publish_all
from tests.faults.world import NAME
from tests.simulate.metering import Leg, Meter, Operation
from tests.simulate.stage import Stage

INSTALL, UPGRADE, UNINSTALL, FAILED_INSTALL = "install", "upgrade", "uninstall", "install that fails"
QUIET, WRITTEN, RECOVERED = "check-in, nothing new", "check-in, written", "check-ins that recover"
SWEEP, SLICE, SILENCE = "sweep", "another slice of a sweep", "silence"
ROLLOUT, RELOCK, DEAD_LETTER, PUBLISH, LOOK = "rollout", "relock", "dead letter", "publish", "look"

_PATH = f"/providers/installed/{NAME}"
_SILENT_VERSION = "1.3.0"  # tests.faults.runtimes.BEHAVIOUR
_ROLLED_OUT = "1.4.0"
_PUBLISHED_PROVIDERS = 4
_LEAST_ROLLED_OUT = 10
_SILENCES, _MOST_ROUNDS = 2, 20
_IDLE_SWEEP, _SILENT_SWEEP, _WIDER_SWEEP = "idle sweep", "sweep of silent rows", "sweep of two slices"


@dataclass(frozen=True)
class Measured:
    """Every operation's legs, and how often a check-in that says nothing new is written at the interval given."""

    operations: Mapping[str, Operation]
    written_share: float


def measure(runs: int, check_in_seconds: float, settings: Mapping[str, Any] | None = None) -> Measured:
    """Run each operation `runs` times (some fewer) with these settings; pods check in every `check_in_seconds`."""
    stage = Stage()
    stage.set(drift_slices=1, **(settings or {}))
    slugs = [f"t{hashlib.sha256(str(number).encode()).hexdigest()[:10]}" for number in range(runs)]
    with stage.running():
        _lives(stage, slugs)
        _check_ins(stage, slugs, check_in_seconds)
        share = _written_share(stage, slugs[0], check_in_seconds)
        _sweeps(stage, slugs)
        _silences(stage, slugs)
        _ends(stage, slugs)
        _rollouts(stage, [f"r{number}" for number in range(max(_LEAST_ROLLED_OUT, runs // 5))])
    operations = {**stage.meter.operations(), PUBLISH: _publishes(runs)}
    return Measured(operations, share)


def _lives(stage: Stage, slugs: list[str]) -> None:
    """Installs, and what happens to installations: in an order that has nothing to do with that of their names."""
    for slug in slugs:
        stage.settle_in(slug)
        with stage.meter.operation(INSTALL):
            stage.asked(slug, "POST", "/providers/install", {"provider_name": NAME.canonical, "version": "1.0.0"})
        stage.ready(slug)
    for slug in _shuffled(slugs):
        with stage.meter.operation(UPGRADE):
            stage.asked(slug, "POST", f"{_PATH}/upgrade", {"version": "1.1.0"})
        stage.ready(slug)
        with stage.meter.operation(QUIET):
            stage.check_in(slug)
        with stage.meter.operation(LOOK):
            stage.asked(slug, "GET", _PATH)
        with stage.meter.operation(DEAD_LETTER):
            stage.malformed()


def _check_ins(stage: Stage, slugs: list[str], seconds: float) -> None:
    """Check-ins with news, so many seconds apart, for a while: not every one moves its row in an index."""
    start = stage.clock()
    silence = stage.functions.settings.silence_seconds
    for number in range(1, min(_MOST_ROUNDS, ceil(_SILENCES * silence / seconds)) + 1):
        stage.clock.now = max(stage.clock(), start + timedelta(seconds=number * seconds))
        for slug in _shuffled(slugs):
            with stage.meter.operation(WRITTEN):
                stage.check_in(slug, active_resources=number)


def _written_share(stage: Stage, slug: str, seconds: float, rounds: int = 12) -> float:
    """How many of such check-ins are written; each comes `seconds` after the one before, whether that was or not."""
    start = stage.ready(slug).last_check_in_at
    assert start is not None
    written = 0
    for number in range(1, rounds + 1):
        written += stage.is_written_at(slug, start + timedelta(seconds=number * seconds))
    return written / rounds


def _sweeps(stage: Stage, slugs: list[str]) -> None:
    """Sweeps that find nothing due: by one slice of each walk, and what another slice takes beyond that."""
    for slug in slugs:
        stage.check_in(slug, active_resources=_MOST_ROUNDS + 1)
    stage.sweep()  # a first one makes what the others keep
    rounds = max(2, len(slugs) // ROWS_A_SLICE // 2)  # both go through all rows
    with stage.meter.operation(SWEEP, 2 * rounds):
        for _ in range(2 * rounds):
            stage.sweep()
    stage.set(drift_slices=2)
    with stage.meter.operation(_WIDER_SWEEP, rounds):
        for _ in range(rounds):
            stage.sweep()
    stage.meter.split_off(SLICE, _WIDER_SWEEP, SWEEP)


def _silences(stage: Stage, slugs: list[str]) -> None:
    """A sweep that finds silent rows, beside one that finds none; their pods come back after it."""
    with (
        patch.object(Drift, "repair_slices", return_value=0),
        patch.object(Drift, "remove_orphans", return_value=0),
        patch.object(sweep, "correct_slice", return_value=0),
    ):
        with stage.meter.operation(_IDLE_SWEEP):
            stage.sweep()
        stage.clock.turn(seconds=stage.functions.settings.silence_seconds * 2)
        with stage.meter.operation(_SILENT_SWEEP):
            stage.sweep()
    silent = [slug for slug in slugs if stage.ready(slug).health is Health.DEGRADED]
    if not silent:
        raise AssertionError("a sweep found no silent row, though nothing was heard of any")
    stage.meter.split_off(SILENCE, _SILENT_SWEEP, _IDLE_SWEEP, len(silent))
    stage.meter.forget(_IDLE_SWEEP)
    for slug in _shuffled(silent):
        with stage.meter.operation(RECOVERED):
            for _ in range(2):  # one healthy check-in is not believed
                stage.check_in(slug, instance_id="after")


def _ends(stage: Stage, slugs: list[str]) -> None:
    for slug in _shuffled(slugs):
        with stage.meter.operation(UNINSTALL):
            stage.asked(slug, "DELETE", f"{_PATH}?cascade=true")
        if stage.row(slug) is not None:
            raise AssertionError(f"{slug} still has a row")
    for slug in _shuffled(slugs)[: max(3, len(slugs) // 5)]:
        wanted = {"provider_name": NAME.canonical, "version": _SILENT_VERSION}
        with stage.meter.operation(FAILED_INSTALL):
            stage.asked(slug, "POST", "/providers/install", wanted)


def _rollouts(stage: Stage, slugs: list[str]) -> None:
    """A rollout of a version over all of them, then one of another lock; a run is one installation that is taken."""
    wanted = {"provider_name": NAME.canonical, "version": "1.1.0", "upgrade_policy": "auto"}
    for slug in slugs:
        stage.asked(slug, "POST", "/providers/install", wanted)
    for operation, begin in ((ROLLOUT, stage.publish), (RELOCK, stage.relock)):
        stage.focus(*slugs)
        stage.sweep()  # offers them what there is already, so that none takes the next one by itself
        before = [stage.ready(slug).generation for slug in slugs]
        begin(_ROLLED_OUT)
        stage.clock.turn(seconds=60)
        stage.sweep()  # tells of it, since no function did it
        with stage.meter.operation(operation, len(slugs)):
            stage.finish()
        after = [stage.ready(slug).generation for slug in slugs]
        if after != [generation + 1 for generation in before]:
            raise AssertionError(f"a {operation} of {len(slugs)} installations took them from {before} to {after}")


def _publishes(versions: int) -> Operation:
    """What the function `publishing` does for a version, the sweeper's copies of what it locks included."""
    meter = Meter()
    with (
        meter.operation(PUBLISH, versions),
        TemporaryDirectory(prefix="provider-hub-simulate-") as folder,
        patch.object(fetching, "inspect_in_child", inspect_wheel),
        meter.call("publishing", []),
    ):
        bucket = FolderBucket(Path(folder, "bucket"), meter.firestore.units)
        services = metered_services(meter.firestore, meter.firestore.units)
        publish_all(services, bucket, Path(folder), _PUBLISHED_PROVIDERS, versions)
    (leg,) = meter.operations()[PUBLISH]
    # What these few organizations share, no others do.
    return (Leg(leg.function, {**leg.units, "calls": 1, "deliveries": leg.units["messages"]}, leg.rising),)


def _shuffled(slugs: list[str]) -> list[str]:
    return Random(7).sample(slugs, len(slugs))  # noqa: S311 - an order, no secret
