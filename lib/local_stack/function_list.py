"""The functions of the system, as `functions/functions.json` declares them; Terraform reads the same file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FUNCTIONS_DIR = Path(__file__).resolve().parents[2] / "functions"
LIST = FUNCTIONS_DIR / "functions.json"
_TRIGGERS = frozenset({"http", "topic", "dead_letters", "queue", "schedule"})


@dataclass(frozen=True)
class Declaration:
    """One function's entry in the list."""

    name: str
    description: str
    triggers: Mapping[str, Any]
    """What calls it, by kind.

    `http`: callers of the API, `paths` being the gateway's rules; `topic`: the topic whose messages are pushed to it;
    `dead_letters`: every topic's dead letters are pushed to it; `queue`: the Cloud Tasks queue whose tasks go to it;
    `schedule`: when Cloud Scheduler calls it, in cron's notation.
    """
    size: Mapping[str, Any]
    """`memory` and `cpu` as Cloud Run writes them, `concurrency` in requests at a time, `timeout` in seconds,
    `min_instances` and `max_instances`; `why` gives the reason for an unusual one."""
    access: Mapping[str, Any]
    """The grants of its service account, each with its reason; `access.tf` of Terraform's hub has the role of each."""
    combines: tuple[str, ...] = ()
    """The functions that it stands for where there is no load balancer; it is deployed instead of them."""

    @property
    def is_public(self) -> bool:
        """Whether anyone may call it, through the gateway."""
        return "http" in self.triggers


def read_functions(path: Path = LIST) -> Mapping[str, Declaration]:
    """Every function by its name. Raises ValueError for an entry that nothing calls, or with an unknown trigger."""
    entries = json.loads(path.read_text())
    return {name: _declaration(name, entry) for name, entry in entries.items()}


def _declaration(name: str, entry: Mapping[str, Any]) -> Declaration:
    unknown = entry["triggers"].keys() - _TRIGGERS
    if unknown or not entry["triggers"]:
        found = ", ".join(sorted(unknown)) or "none"
        raise ValueError(f"{LIST.name}: {name} needs triggers among {', '.join(sorted(_TRIGGERS))}, and has {found}")
    combines = tuple(entry.get("combines", ()))
    return Declaration(name, entry["description"], entry["triggers"], entry["size"], entry["access"], combines)


ALL = read_functions()
FUNCTIONS: Mapping[str, Declaration] = {name: entry for name, entry in ALL.items() if not entry.combines}
COMBINED: Mapping[str, Declaration] = {name: entry for name, entry in ALL.items() if entry.combines}


def consumer_of(topic: str) -> str:
    """The function that consumes a topic. Raises KeyError for a topic that no function consumes."""
    return {entry.triggers["topic"]: name for name, entry in FUNCTIONS.items() if "topic" in entry.triggers}[topic]


def queue_servers() -> Mapping[str, str]:
    """The function that each queue's tasks go to."""
    return {entry.triggers["queue"]: name for name, entry in FUNCTIONS.items() if "queue" in entry.triggers}


def dead_letter_keeper() -> str:
    """The function that every topic's dead letters are pushed to. Raises ValueError unless there is exactly one."""
    (name,) = (name for name, entry in FUNCTIONS.items() if "dead_letters" in entry.triggers)
    return name


def scheduled() -> tuple[str, ...]:
    """The functions that Cloud Scheduler calls."""
    return tuple(name for name, entry in FUNCTIONS.items() if "schedule" in entry.triggers)
