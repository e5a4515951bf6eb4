"""What a function weighs: the time to import it and its resident memory, beside the clients that it needs."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from provider_hub.local.functions import FUNCTIONS_DIR, TRIGGERS
from tests.bench.figures import Bar, Figure, Spread

ROUNDS = 5
# Every function serves HTTP and keeps documents and topics; the others only where the function calls them.
_ALL = ("functions_framework", "google.cloud.firestore", "google.cloud.pubsub_v1")
_SOME = {"provider_hub.adapters.tasks": "google.cloud.tasks_v2", "provider_hub.adapters.kubernetes": "kubernetes.client"}

# Run in a process of its own: what is imported counts once and nothing else was.
_MEASURE = """
import importlib.util, json, sys, time
began = time.perf_counter()
for target in sys.argv[1:]:
    if target.endswith(".py"):
        spec = importlib.util.spec_from_file_location("main", target)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    else:
        importlib.import_module(target)
took = time.perf_counter() - began
pages = int(open("/proc/self/statm").read().split()[1])
print(json.dumps([took * 1000, pages * 4096 / 2**20, sorted(sys.modules)]))
"""


def imports() -> Iterator[Figure]:
    """Import time and resident memory of each function."""
    for name in TRIGGERS:
        source = str(FUNCTIONS_DIR / name / "main.py")
        floor = (*_ALL, *(client for adapter, client in _SOME.items() if adapter in _measured(source)[2]))
        rounds = [(_measured(source), _measured(*floor)) for _ in range(ROUNDS)]
        for column, figure, unit, bar in ((0, "import of", "ms", Bar(1.25)), (1, "memory of", "MiB", None)):
            ours, bare = ([pair[side][column] for pair in rounds] for side in (0, 1))
            yield Figure(f"{figure} {name}", unit, Spread.of(ours), Spread.of(bare), bar)


def _measured(*targets: str) -> tuple[float, float, Sequence[str]]:
    completed = subprocess.run(
        [sys.executable, "-c", _MEASURE, *targets], capture_output=True, check=True, cwd=Path(__file__).parent
    )
    took, memory, modules = json.loads(completed.stdout)
    return took, memory, modules
