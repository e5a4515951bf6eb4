"""`python -m tests.simulate`: a day of a hub of any size; exit 1 if a limit is passed or a queue grows."""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence

from tests.simulate import report
from tests.simulate.day import Load, run_day
from tests.simulate.design import Design
from tests.simulate.operations import Measured, measure
from tests.simulate.verdict import Fault, faults_of, find_limit

_INTERVAL_SECONDS = 300.0
_OUTAGE, _ROLLOUT = (14.0, 15.0), 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    design = Design(
        shards=options.shards,
        ranges=options.ranges,
        queues=options.queues,
        cells=options.cells,
        instances=_instances(options.instances),
    )
    load = _load(options)
    began = time.process_time()
    measured = measure(options.runs, load.check_in_seconds, {"silence_shards": design.shards})
    seconds = time.process_time() - began
    print(f"{report.operations(measured)}\n\n{options.runs} runs of each took {seconds:.0f} s of CPU.\n")
    faults = [] if options.find_limit else _day(measured, design, load)
    print(report.first(find_limit(measured, design, load), load))
    return int(bool(faults))


def _day(measured: Measured, design: Design, load: Load) -> list[Fault]:
    fluid = run_day(measured, design, load)
    faults = faults_of(fluid)
    parts = (
        report.gauges(fluid),
        report.queues(fluid, design, load),
        report.costs(fluid),
        report.verdict(faults, load),
    )
    print("\n\n".join(parts))
    return faults


def _load(options: argparse.Namespace) -> Load:
    """A check-in every so many seconds, or as many as were asked for in all."""
    if options.interval is not None or options.find_limit:
        interval = options.interval or _INTERVAL_SECONDS
        return Load(options.installations, interval, options.news or 0.0, _outage(options), _rollout(options))
    news = 1.0 if options.news is None else options.news
    interval = options.installations / options.check_ins
    return Load(options.installations, interval, news, _outage(options), _rollout(options))


def _outage(options: argparse.Namespace) -> tuple[float, float] | None:
    return None if options.even else _OUTAGE


def _rollout(options: argparse.Namespace) -> float | None:
    return None if options.even else _ROLLOUT


def _instances(given: Sequence[str] | None) -> Mapping[str, int]:
    """By `FUNCTION=N`; an empty list leaves all as functions.json has them, none at all as the large example has."""
    if given is None:
        return Design.large().instances
    pairs = (one.partition("=") for one in given)
    return {function: int(most) for function, _, most in pairs}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    large = Design.large()
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    add = parser.add_argument
    add("--installations", type=float, default=1e6, metavar="N", help="default: a million")
    add("--check-ins", type=float, default=1e4, metavar="RATE", help="in a second, of all; default: 10,000")
    add("--interval", type=float, metavar="SECONDS", help="between two of one installation, instead of --check-ins")
    add(
        "--news",
        type=float,
        metavar="SHARE",
        help="of check-ins with news; default: 1, by interval 0",
    )
    add("--even", action="store_true", help="a day without outage and rollout")
    add("--find-limit", action="store_true", help="only search for the most installations that hold an even day")
    add("--shards", type=int, default=large.shards, help=f"ranges of the index of silent rows; default: {large.shards}")
    add("--ranges", type=int, default=large.ranges, help=f"slices of drift in one sweep; default: {large.ranges}")
    add("--queues", type=int, default=1, help="Cloud Tasks queues for each purpose; default: 1")
    add("--cells", type=int, default=large.cells, help=f"clusters; default: {large.cells}")
    add(
        "--instances",
        nargs="*",
        metavar="FUNCTION=N",
        help="at most; default: those of the large example",
    )
    add("--runs", type=int, default=200, help="of each operation, to measure it; default: 200")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # What the functions log of every failure that is measured.
    logging.getLogger("provider_hub").setLevel(logging.CRITICAL)
    sys.exit(main())
