"""The switches of a hub: what the settings, the functions' sizes and Terraform's queues come to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from terraform.tools.configuration import HUB

from local_stack.function_list import FUNCTIONS, queue_servers
from provider_hub.actions.drift import ROWS_A_SLICE
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE
from provider_hub.actions.waves import SLOTS_A_STEP
from provider_hub.settings.core import Deadlines
from provider_hub.settings.rollouts import Rollouts

SWEEP_SECONDS = 60.0
_TABLE = Path(__file__).parents[2] / "docs" / "performance.md"
_LARGE = HUB.parents[1] / "terraform.tfvars.large.example"
# The largest clusters there are would do with five, and no room to grow.
_LARGE_CELLS = 8
# The round trip of a call of Google's or of a cluster's API within a region, about.
_ROUND_TRIP_SECONDS = 0.01


@dataclass(frozen=True)
class Design:
    """How a hub is laid out.

    `shards`: ranges of the index of silent rows (HUB_SILENCE_SHARDS). `ranges`: how many slices of drift
    one sweep walks (HUB_DRIFT_SLICES). `queues`: Cloud Tasks queues for each purpose. `cells`: clusters. `instances`:
    at most so many of each function, `max_instances` of functions.json where none is named. `poll_seconds`: between two
    steps of a rollout.
    """

    shards: int = 1
    ranges: int = 1
    queues: int = 1
    cells: int = 1
    instances: Mapping[str, int] = field(default_factory=dict)
    poll_seconds: float = float(Rollouts.model_fields["wave_poll_seconds"].default)

    @classmethod
    def large(cls) -> "Design":
        """As the large example of Terraform has it, in as many cells as a million installations take."""
        text = _LARGE.read_text()
        functions = re.findall(r"^  (\w+) += \{.*\bmax_instances = (\d+)", text, re.MULTILINE)
        slices = re.search(r"^  drift_slices += (\d+)", text, re.MULTILINE)
        if not functions or slices is None:
            raise AssertionError(f"{_LARGE} names no max_instances or no drift_slices")
        return cls(
            shards=int(Deadlines.model_fields["silence_shards"].default),
            ranges=int(slices[1]),
            cells=_LARGE_CELLS,
            instances={function: int(most) for function, most in functions},
        )

    def instances_of(self, function: str) -> int:
        """How many instances of a function there may be."""
        return self.instances.get(function, int(FUNCTIONS[function].size["max_instances"]))

    @property
    def side_by_side(self) -> int:
        """How many rows a sweep compares with the cluster at once."""
        return min(self.ranges, MOST_SIDE_BY_SIDE)

    @property
    def drift_rows_a_second(self) -> float:
        """How many rows the sweeper compares with the cluster."""
        return ROWS_A_SLICE * self.ranges / SWEEP_SECONDS

    @property
    def rollout_a_second(self) -> float:
        """How many installations one rollout upgrades."""
        return SLOTS_A_STEP / self.poll_seconds

    def dispatches_a_second(self, function: str) -> float | None:
        """How many tasks its queues dispatch to a function; None for one that has none."""
        queue = {server: name for name, server in queue_servers().items()}.get(function)
        return None if queue is None else _queue_rate(queue) * self.queues


def seconds_of(cpu_seconds: float, rpcs: float, threads: int) -> float:
    """How much of an instance's second a call takes: its CPU, or its part of the instance's threads if that is more."""
    return max(cpu_seconds, (cpu_seconds + rpcs * _ROUND_TRIP_SECONDS) / threads)


def written_check_ins_a_second() -> float:
    """What one instance of the registration does, by the table of docs/performance.md."""
    found = re.search(r"^\| check-ins that are written \| (\d+) ", _TABLE.read_text(), re.MULTILINE)
    if found is None:
        raise AssertionError(f"{_TABLE} has no row of check-ins that are written")
    return float(found[1])


def _queue_rate(queue: str) -> float:
    """What Terraform gives a queue: the pace of rollouts is a variable of its own, all others are as fast as usual."""
    file, pattern = ("tasks.tf", r"usual_queue\s+= \{ per_second = (\d+)")
    if queue == "upgrades":
        file, pattern = "variables.tf", r'variable "upgrades_per_second" \{[^}]*?default\s+= (\d+)'
    found = re.search(pattern, (HUB / file).read_text())
    if found is None:
        raise AssertionError(f"{file} does not say how many tasks a second the queue {queue} dispatches")
    return float(found[1])
