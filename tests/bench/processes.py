"""What a function weighs: the time to import it and its resident memory, beside the clients that it needs."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from provider_hub.local.functions import FUNCTIONS_DIR, TRIGGERS
from tests.bench.figures import Bar, Figure, Spread

ROUNDS = 5
# Every function serves HTTP and keeps documents and topics; the others only where the function calls them.
_ALL = ("functions_framework", "google.cloud.firestore", "google.cloud.pubsub_v1")
_SOME = {
    "provider_hub.adapters.tasks": "google.cloud.tasks_v2",
    "provider_hub.adapters.kubernetes": "kubernetes.client",
}

# Run in a process of its own: what is imported counts once and nothing else was.
_MEASURE = """
import importlib.util, json, os, sys, time
began = time.perf_counter()
for target in sys.argv[1:]:
    if target.endswith(".py"):
        spec = importlib.util.spec_from_file_location("main", target)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    else:
        importlib.import_module(target)
took = time.perf_counter() - began
pages = int(open("/proc/self/statm").read().split()[1])
print(json.dumps([took * 1000, pages * os.sysconf("SC_PAGESIZE") / 2**20, sorted(sys.modules)]))
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a process had imported when it was done."""

    milliseconds: float
    mebibytes: float
    modules: Sequence[str]


def imports() -> Iterator[Figure]:
    """Import time and resident memory of each function."""
    for name in TRIGGERS:
        source = str(FUNCTIONS_DIR / name / "main.py")
        imported = _weight(source).modules
        clients = (*_ALL, *(client for adapter, client in _SOME.items() if adapter in imported))
        rounds = [(_weight(source), _weight(*clients)) for _ in range(ROUNDS)]
        times, memories = (
            [Spread.of([read(pair[side]) for pair in rounds]) for side in (0, 1)]
            for read in (attrgetter("milliseconds"), attrgetter("mebibytes"))
        )
        yield Figure(f"import of {name}", "ms", *times, Bar(1.25))
        yield Figure(f"memory of {name}", "MiB", *memories)


def _weight(*targets: str) -> Weight:
    command = [sys.executable, "-c", _MEASURE, *targets]
    completed = subprocess.run(command, capture_output=True, check=True, cwd=FUNCTIONS_DIR)
    return Weight(*json.loads(completed.stdout))
