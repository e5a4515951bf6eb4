"""What a child process takes of hostile input, it takes within limits, and this process keeps its memory."""

import importlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import pytest

from provider_hub.adapters.limited_child import MIB, Limits, OverLimit, run_limited
from provider_hub.domain.errors import TemporaryError

SMALL = Limits(cpu_seconds=0.5, wall_seconds=10, memory_bytes=128 * MIB, output_bytes=MIB)


def doubled(argument: Any, file: IO[bytes] | None) -> Any:
    return {"argument": argument * 2, "file": file.read().decode() if file else None}


def surroundings(_argument: Any, _file: IO[bytes] | None) -> Any:
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "files": len([*Path("/dev/fd").iterdir()])}


def limits(_argument: Any, _file: IO[bytes] | None) -> Any:
    return [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]


def hungry(argument: Any, _file: IO[bytes] | None) -> Any:
    return len(bytearray(argument))


def endless(_argument: Any, _file: IO[bytes] | None) -> Any:
    while True:
        pass


def asleep(argument: Any, _file: IO[bytes] | None) -> Any:
    time.sleep(argument)


def talkative(argument: Any, _file: IO[bytes] | None) -> Any:
    return "x" * argument


def bottomless(argument: Any, _file: IO[bytes] | None) -> Any:
    return bottomless(argument, None)


def faulty(argument: Any, _file: IO[bytes] | None) -> Any:
    raise ValueError(argument)


def deadly(_argument: Any, _file: IO[bytes] | None) -> Any:
    os.abort()


def greedy_of_files(argument: Any, _file: IO[bytes] | None) -> Any:
    return len([os.dup(0) for _ in range(argument)])


def loaded_by(argument: Any, _file: IO[bytes] | None) -> Any:
    importlib.import_module(argument)
    return [*sys.modules]


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_child_answers_what_the_function_returns() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"contents")
        file.flush()
        file.seek(0)
        assert run_limited(doubled, "é", SMALL, file) == {"argument": "éé", "file": "contents"}


def test_a_child_gets_nothing_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_CHECK_IN_KEYS", "secret")
    found = run_limited(surroundings, None, SMALL)
    assert not [name for name in found["environment"] if name.startswith(("HUB_", "PYTHON"))]
    # Standard input, output and error, and the listing's own.
    assert (found["folder"], found["files"]) == ("/", 4)


def test_a_child_has_its_limits_before_it_reads_its_input() -> None:
    assert run_limited(limits, None, SMALL) == [SMALL.memory_bytes, SMALL.output_bytes, 0]


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (hungry, 300 * MIB),
        (talkative, 2 * MIB),
        (bottomless, None),
        (greedy_of_files, 100),
        (faulty, "a value of the input"),
        (deadly, None),
    ],
)
def test_what_is_over_a_limit_or_breaks_the_child_is_refused_and_leaves_no_memory_here(
    function: Any, argument: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = resident()
    with pytest.raises(OverLimit, match="more time or memory"):
        run_limited(function, argument, SMALL)
    assert resident() - before < 4 * MIB
    assert "a value of the input" not in caplog.text


def test_processor_time_has_an_end() -> None:
    before = children_seconds()
    with pytest.raises(OverLimit):
        run_limited(endless, None, SMALL)
    assert children_seconds() - before < SMALL.cpu_seconds + 0.5


def test_waiting_has_an_end_and_is_no_fault_of_the_input() -> None:
    began = time.monotonic()
    with pytest.raises(TemporaryError, match="try again"):
        run_limited(asleep, 60, Limits(wall_seconds=0.5))
    assert time.monotonic() - began < 30


def test_a_fault_of_ours_is_logged_by_the_functions_name(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OverLimit):
        run_limited(faulty, "x", SMALL)
    assert "ran faulty ended with 1" in caplog.text


@pytest.mark.parametrize("module", ["limited_child", "wheel_inspection", "published_schemas", "config_schema"])
def test_a_child_loads_no_cloud_library(module: str) -> None:
    loaded = run_limited(loaded_by, f"provider_hub.adapters.{module}", Limits())
    assert not {"google", "grpc", "pydantic", "flask", "jsonschema", "asyncio"} & {
        name.partition(".")[0] for name in loaded
    }
