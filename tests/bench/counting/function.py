"""A function with its calls counted: what the counted stack's `main.py` files make of the real ones.

Each unit is one line in a file of the function's own, written at once: workers end by signals.
"""

import importlib.util
import json
import os
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import flask
import grpc

from local_stack.function_list import FUNCTIONS_DIR
from tests.bench.counting.wire import counting

COUNTS_DIR = "BENCH_COUNTS_DIR"
_UNCOUNTED = grpc.insecure_channel


def counted(name: str) -> Callable[[flask.Request], Any]:
    """The entry point of the function `name`; whatever it does is told in the folder named by BENCH_COUNTS_DIR."""
    target = _entry_point(name)
    file = Path(os.environ[COUNTS_DIR], f"{name}.jsonl")

    def tell(unit: str, amount: float) -> None:
        with file.open("a") as lines:
            lines.write(json.dumps({"function": name, "unit": unit, "amount": amount}) + "\n")

    # Channels are made at the first request, by whichever client the function uses. The fork server has made every
    # function's entry point before, and counts nothing: the last one in a process is the one that serves.
    grpc.insecure_channel = counting(_UNCOUNTED, tell)

    def respond(request: flask.Request) -> Any:
        began = time.perf_counter()
        answer = target(request)
        tell("calls", 1)
        tell("deliveries", request.path.startswith("/projects/"))
        tell("billed_seconds", ceil((time.perf_counter() - began) * 10) / 10)
        return answer

    return respond


def _entry_point(name: str) -> Callable[[flask.Request], Any]:
    spec = importlib.util.spec_from_file_location(f"counted_{name}", FUNCTIONS_DIR / name / "main.py")
    if spec is None or spec.loader is None:
        raise AssertionError(f"{FUNCTIONS_DIR / name} has no main.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target: Callable[[flask.Request], Any] = getattr(module, name)
    return target
