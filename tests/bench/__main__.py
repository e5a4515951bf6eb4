"""`python -m tests.bench`: every figure beside its floor, as one table; exit 0 whatever the ratios."""

import argparse
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from provider_hub.adapters.firestore import store as firestore
from provider_hub.adapters.firestore.store import FirestoreStore
from tests.bench import (
    applying,
    cold_starts,
    counts,
    growth,
    legs,
    plot,
    processes,
    publishing,
    requesting,
    starts,
    threads,
    walking,
)
from tests.bench.figures import Bar, Figure, Spread, table
from tests.bench.ground import PROJECT, Ground, ground
from tests.bench.growth import Point

_REPOSITORY = Path(__file__).parents[2]
_REPORT = _REPOSITORY / ".hub" / "bench.json"
_PLOT = Path(__file__).parent / "growth.svg"
# A hundred times the rows may cost this much more: a query that finds the same bills the same.
_GROWTH_BAR = Bar(1.1)


def main() -> int:
    options = _options()
    sections: dict[str, Callable[[], list[Figure]]] = {
        "requests": _requests,
        "applying": _applying,
        "legs": lambda: list(legs.legs()),
        "starts": lambda: list(starts.starts()),
        "processes": lambda: list(processes.imports()),
        "cold_starts": _cold_starts,
        "threads": _threads,
        "counts": lambda: list(counts.counts()),
        "growth": lambda: _growth(options.rows),
        "publishing": lambda: list(publishing.publishing(options.providers, options.versions)),
        "drift": _drift,
    }
    figures: list[Figure] = []
    for name in options.only or sections:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += sections[name]()
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    _report(figures)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(
            "requests",
            "applying",
            "legs",
            "starts",
            "processes",
            "cold_starts",
            "threads",
            "counts",
            "growth",
            "publishing",
            "drift",
        ),
        metavar="SECTION",
    )
    parser.add_argument(
        "--rows", nargs="+", type=int, default=growth.SIZES, help="sizes for growth (default: 1000 10000 100000)"
    )
    parser.add_argument("--providers", type=int, default=publishing.PROVIDERS, help="for publishing (default: 100)")
    parser.add_argument("--versions", type=int, default=publishing.VERSIONS, help="for publishing (default: 1000)")
    return parser.parse_args()


def _requests() -> list[Figure]:
    with ground() as around:
        store = _store(around)
        served = around.function("installations")
        return [
            *requesting.installs(around, store, served),
            *requesting.check_ins(around, store),
            *requesting.lists(around, store, served),
        ]


def _store(around: Ground) -> FirestoreStore:
    """The emulator's database, for what is there before."""
    with patch.dict(os.environ, around.environment):
        return firestore.connect(PROJECT, "(default)")


def _applying() -> list[Figure]:
    with ground() as around:
        return list(applying.applies(around))


def _drift() -> list[Figure]:
    with ground() as around:
        return list(walking.walk(around))


def _threads() -> list[Figure]:
    with ground() as around:
        return list(threads.threads(around, _store(around)))


def _cold_starts() -> list[Figure]:
    with ground() as around:
        return list(cold_starts.cold_starts(around))


def _growth(sizes: Sequence[int]) -> list[Figure]:
    logging.getLogger("provider_hub").setLevel(logging.ERROR)  # a cluster without objects is one of much drift
    with ground() as around:
        points = growth.growth(around.environment, sizes)
    _PLOT.write_text(plot.growth_svg(points))
    return [*_compared(points, sizes)]


def _compared(points: Sequence[Point], sizes: Sequence[int]) -> Iterator[Figure]:
    """The largest size beside the smallest, in the place of a floor."""
    least, most = min(sizes), max(sizes)
    by_place = {(point.work, point.rows): point for point in points}
    for work in dict.fromkeys(point.work for point in points):
        few, many = by_place[work, least], by_place[work, most]
        title = f"{work}, {most:,} rows beside {least:,}"
        yield Figure(f"{title}: reads", "", Spread.of([many.reads]), Spread.of([few.reads]), _GROWTH_BAR)
        yield Figure(f"{title}: emulator", "ms", Spread.of([many.milliseconds]), Spread.of([few.milliseconds]))


def _report(figures: Sequence[Figure]) -> None:
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    _REPORT.parent.mkdir(exist_ok=True)
    plain = [figure.plain() for figure in figures]
    _REPORT.write_text(json.dumps({"machine": machine, "figures": plain}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
