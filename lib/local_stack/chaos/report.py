"""The line that shows how far chaos is, and the table at its end."""

import statistics
from collections.abc import Iterable

from local_stack.chaos.faults import Monkey
from local_stack.chaos.workload import Tally


def live_line(seconds: float, tally: Tally, monkey: Monkey, messages: int) -> str:
    """How far it is, in one line; `seconds` is the time since it began."""
    minutes, rest = divmod(int(seconds), 60)
    histories, faults = sum(tally.histories.values()), sum(monkey.done.values())
    done = f"{minutes:2}:{rest:02}  {histories} histories, {faults} faults, {messages} messages delivered three times"
    return f"{done}, {len(tally.violations)} violations  {monkey.last}"


def table(seconds: float, tally: Tally, monkey: Monkey, messages: int, command: str) -> str:
    """What was done and what came of it, as Markdown."""
    waits = sorted(tally.waits) or [0.0]
    rows = [
        ("histories", _counted(tally.histories.items())),
        ("ends", _counted(tally.ends.items())),
        ("faults", _counted(monkey.done.items())),
        ("messages delivered three times", str(messages)),
        ("convergence", f"p50 {statistics.median(waits):.1f} s, slowest {waits[-1]:.1f} s ({tally.slowest})"),
        ("violations", str(len(tally.violations))),
    ]
    lines = [f"`{command}`, {seconds:.0f} s", "", "| what | how many |", "|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {how_many} |" for what, how_many in rows)])


def _counted(items: Iterable[tuple[str, int]]) -> str:
    known = dict(items)
    parts = ", ".join(f"{count} {name}" for name, count in sorted(known.items()))
    return f"**{sum(known.values())}**: {parts}" if parts else "0"
