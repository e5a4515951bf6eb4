"""What a day came to, as text: what each operation takes, the limits, the queues, the cost, and the verdict."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil

from tests.bench import prices
from tests.simulate.day import DAY_SECONDS, HOUR, Load
from tests.simulate.design import Design
from tests.simulate.fluid import Fluid, Queue
from tests.simulate.limits import Gauge, Kind
from tests.simulate.operations import Measured
from tests.simulate.verdict import PATIENCE_SECONDS, Fault, Found

_SHOWN = ("calls", "reads", "writes", "deletes", "deliveries", "tasks", "cluster_reads", "cluster_writes")
_BILLED = {
    "reads": "Firestore reads",
    "writes": "Firestore writes",
    "deletes": "Firestore deletes",
    "deliveries": "Pub/Sub messages",
    "tasks": "task operations",
    "calls": "function calls",
    "puts": "bucket writes",
    "gets": "bucket reads",
    "billed_seconds": "instance seconds, shared by calls",
}
_ORDER = (Kind.LIMIT, Kind.BOUND, Kind.ADVICE)
_BARS = " ▁▂▃▄▅▆▇█"
# What is used less than this of its limit is not worth a line.
_LEAST_SHOWN = 0.005


def operations(measured: Measured) -> str:
    """What one run of each operation takes, and which growing ends of indexes it writes to."""
    header = (
        "an operation takes",
        *(unit.replace("_", " ") for unit in _SHOWN),
        "busiest rising range of",
    )
    rows = []
    for name, legs in measured.operations.items():
        sums = [sum(leg.units.get(unit, 0.0) for leg in legs) for unit in _SHOWN]
        rising = sum((Counter(leg.rising) for leg in legs), Counter[str]())
        ends = [f"{what.removeprefix('index ')} {times:.2g}" for what, times in rising.most_common()]
        rows.append((name, *(_few(amount) for amount in sums), ", ".join(ends)))
    return table([header, *rows])


def gauges(fluid: Fluid) -> str:
    """Every limit, the fullest first within its kind."""
    header = ("resource", "", "peak use", "limit", "headroom", "when", "held back", "")
    shown = [gauge for gauge in fluid.gauges.values() if gauge.peak >= gauge.limit * _LEAST_SHOWN]
    shown.sort(key=lambda gauge: (_ORDER.index(gauge.kind), gauge.headroom))
    return table([header, *(_gauge(gauge) for gauge in shown)])


def queues(fluid: Fluid, design: Design, load: Load) -> str:
    """Every queue, with what it can do, how busy it was and what waited; then how long a round of drift takes."""
    header = (
        "queue",
        "servers, or a second",
        "busiest",
        "most waiting",
        "when",
        "longest wait",
        "at the end",
        "by hour",
    )
    rows = [_queue(queue) for queue in fluid.queues.values()]
    whole_round = _duration(load.installations / design.drift_rows_a_second)
    return f"{table([header, *rows])}\n\nA round of drift through all installations takes {whole_round}."


def costs(fluid: Fluid) -> str:
    """The day's bill, line by line."""
    units = {**fluid.units, "billed_seconds": fluid.units["instance_seconds"]}
    rows = [
        (name, f"{units[unit]:,.0f}", f"${prices.of({unit: units[unit]}):,.2f}")
        for unit, name in _BILLED.items()
        if units.get(unit)
    ]
    alone = prices.of({"billed_seconds": 0.1 * units["calls"]})
    total = prices.of(units)
    note = f"If no two calls ever shared an instance, its seconds alone would cost ${alone:,.0f}."
    return (
        table([("the day's bill, at list prices", "units", ""), *rows, ("in all", "", f"${total:,.2f}")])
        + f"\n\n{note}"
    )


def verdict(faults: Sequence[Fault], load: Load) -> str:
    """Whether it held."""
    about = f"{load.installations:,.0f} installations and {load.check_ins_a_second:,.0f} check-ins a second"
    if not faults:
        return f"{about} hold a day: no limit is passed, and no queue grows."
    return "\n".join([f"{about} do not hold a day:", *(f"  {fault.name}: {fault.why}" for fault in faults)])


def first(found: Found, load: Load) -> str:
    """What gives first, in one line."""
    about = f"on an even day with a check-in every {load.check_in_seconds:g} s"
    holds = float(f"{found.installations:.3g}")
    return f"{found.first.name} gives first, at {holds:,.0f} installations {about}: {found.first.why}."


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned, with a line below the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [rows[0], tuple("─" * width for width in widths), *rows[1:]]
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in lines)


def _aligned(row: Iterable[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _gauge(gauge: Gauge) -> tuple[str, ...]:
    held = _duration(gauge.longest_held) if gauge.longest_held else ""
    state = ""
    if gauge.is_passed(PATIENCE_SECONDS):
        state = "PASSED"
    elif gauge.kind is Kind.ADVICE and gauge.headroom < 0:
        state = "over the advice"
    return (
        gauge.name,
        gauge.kind.value,
        _few(gauge.peak),
        _few(gauge.limit),
        f"{round(gauge.headroom, 2) + 0.0:.0%}",  # never "-0%"
        _clock(gauge.peak_at),
        held,
        state,
    )


def _queue(queue: Queue) -> tuple[str, ...]:
    state = "drained" if queue.is_drained else f"{queue.waiting:,.0f} WAIT"
    wait = _duration(queue.longest_wait) if queue.most >= 1 else ""
    most = f"{queue.most:,.0f}"
    figures = (_few(queue.capacity), f"{queue.busiest:.0%}", most, _clock(queue.most_at), wait, state)
    return (queue.name, *figures, _line(queue) if queue.most >= 1 else "")


def _line(queue: Queue) -> str:
    """The most that waited in each hour, as a bar: a blank where less than one did, the highest where most did."""
    lengths = (queue.hourly[hour] for hour in sorted(queue.hourly))
    return "".join(_BARS[ceil(length / queue.most * (len(_BARS) - 1))] if length >= 1 else " " for length in lengths)


def _few(number: float) -> str:
    """Three digits that matter."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _clock(seconds: float) -> str:
    return f"{int(seconds // HOUR):02d}:{int(seconds % HOUR // 60):02d}"


def _duration(seconds: float) -> str:
    if seconds >= DAY_SECONDS * 2:
        return f"{seconds / DAY_SECONDS:.1f} days"
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
