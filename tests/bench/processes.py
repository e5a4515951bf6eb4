"""What a function weighs: the time to import it and its resident memory, beside the clients that it needs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from tests.bench.figures import Bar, Figure, Spread

ROUNDS = 6
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
    """Import time and resident memory of each function, all of it compiled before, as a deployed function is."""
    with TemporaryDirectory(prefix="provider-hub-bench-") as bytecode:
        for name in FUNCTIONS:
            yield from _compared(name, Path(bytecode))


def clients_of(function: str, bytecode: Path) -> tuple[str, ...]:
    """The modules of functions-framework and of the Google clients that a function needs."""
    imported = _weight(bytecode, _source_of(function)).modules
    return (*_ALL, *(client for adapter, client in _SOME.items() if adapter in imported))


def _source_of(function: str) -> str:
    return str(FUNCTIONS_DIR / function / "main.py")


def _compared(name: str, bytecode: Path) -> Iterator[Figure]:
    source, clients = _source_of(name), clients_of(name, bytecode)
    _weight(bytecode, *clients)
    rounds = [(_weight(bytecode, source), _weight(bytecode, *clients)) for _ in range(ROUNDS)]
    ours, floor = ([pair[side] for pair in rounds] for side in (0, 1))
    yield Figure(f"import of {name}", "ms", _over(ours, "milliseconds"), _over(floor, "milliseconds"), Bar(1.25))
    yield Figure(f"memory of {name}", "MiB", _over(ours, "mebibytes"), _over(floor, "mebibytes"))


def _over(weights: Sequence[Weight], unit: str) -> Spread:
    return Spread.of([getattr(weight, unit) for weight in weights])


def _weight(bytecode: Path, *targets: str) -> Weight:
    """What `targets`, which are modules or a source file, weigh in a process of their own."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", _MEASURE, *targets]
    completed = subprocess.run(command, capture_output=True, check=True, cwd=FUNCTIONS_DIR, env=environment)
    return Weight(*json.loads(completed.stdout))
