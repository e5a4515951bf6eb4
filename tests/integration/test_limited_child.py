"""What a child process takes of hostile input, it takes within limits, and this process keeps its memory."""

import importlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pytest

from provider_hub.adapters.limited_child import MIB, LimitedChildren, Limits, OverLimit, run_limited
from provider_hub.domain.errors import TemporaryError

SMALL = Limits(cpu_seconds=0.5, wall_seconds=10, memory_bytes=128 * MIB, output_bytes=MIB)


def doubled(argument: Any, file: IO[bytes] | None) -> Any:
    return {"argument": argument * 2, "file": file.read().decode() if file else None}


def surroundings(_argument: Any, _file: IO[bytes] | None) -> Any:
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "files": len([*Path("/dev/fd").iterdir()])}


def limits(_argument: Any, _file: IO[bytes] | None) -> Any:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    timers = (signal.ITIMER_PROF, signal.ITIMER_REAL)
    return [*(resource.getrlimit(kind)[1] for kind in kinds), *(signal.getitimer(timer)[0] for timer in timers)]


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


kept: list[Any] = []


def remembering(argument: Any, _file: IO[bytes] | None) -> Any:
    kept.append(argument)
    return [os.getpid(), len(kept)]


def template(_argument: Any, _file: IO[bytes] | None) -> int:
    """The process id of the template: it started the keeper, which started this child."""
    status = Path(f"/proc/{os.getppid()}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def loaded_by(argument: Any, _file: IO[bytes] | None) -> Any:
    importlib.import_module(argument)
    return [*sys.modules]


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def is_running(process: int) -> bool:
    """Whether it runs: one that nobody has waited for yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(process: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(process):
        assert time.monotonic() < deadline, f"process {process} still runs"
        time.sleep(0.01)


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
    *sizes, processor, wall = run_limited(limits, None, SMALL)
    assert sizes == [SMALL.memory_bytes, SMALL.output_bytes, 0]
    # The kernel counts in ticks of up to 10 ms.
    assert 0 < processor < SMALL.cpu_seconds + 0.02
    assert 0 < wall < SMALL.wall_seconds + 0.02


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
    with pytest.raises(OverLimit):
        run_limited(endless, None, SMALL)


def test_waiting_has_an_end_and_is_no_fault_of_the_input() -> None:
    began = time.monotonic()
    with pytest.raises(TemporaryError, match="try again"):
        run_limited(asleep, 60, Limits(wall_seconds=0.5))
    assert time.monotonic() - began < 30


def test_a_fault_of_ours_is_logged_by_the_functions_name(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OverLimit):
        run_limited(faulty, "x", SMALL)
    assert "ran faulty ended with 1" in caplog.text


@pytest.mark.parametrize("module", ["child_template", "wheel_inspection", "published_schemas", "config_schema"])
def test_a_child_loads_no_cloud_library(module: str) -> None:
    with closing(LimitedChildren()) as children:
        loaded = children.run(loaded_by, f"provider_hub.adapters.{module}", Limits())
    assert not {"google", "grpc", "pydantic", "flask", "jsonschema", "asyncio"} & {
        name.partition(".")[0] for name in loaded
    }


def test_a_child_knows_nothing_of_the_children_before_it() -> None:
    found = [run_limited(remembering, "a tenant's secret", SMALL) for _ in range(3)]
    assert [count for _, count in found] == [1, 1, 1]
    assert len({pid for pid, _ in found}) == 3


def test_what_a_child_imports_the_template_has_imported_once() -> None:
    with closing(LimitedChildren()) as children:
        assert "wave" not in children.run(loaded_by, "sys", SMALL)
        assert "wave" in children.run(loaded_by, "sys", SMALL, imports=["wave"])
        assert "wave" in children.run(loaded_by, "sys", SMALL)


def test_children_work_side_by_side() -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda number: run_limited(doubled, number, Limits()), range(20))
        assert [answer["argument"] for answer in answers] == [2 * number for number in range(20)]


def test_after_a_template_was_killed_another_serves() -> None:
    with closing(LimitedChildren()) as children:
        first = children.run(template, None, SMALL)
        os.kill(first, signal.SIGKILL)
        wait_until_gone(first)
        second = children.run(template, None, SMALL)
    assert first != second
    assert not is_running(first)
    assert not is_running(second)


def test_after_a_template_that_hangs_another_serves_and_the_caller_tries_again() -> None:
    with closing(LimitedChildren(start_seconds=0.1)) as children:
        first = children.run(template, None, SMALL)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(TemporaryError, match="try again"):
            children.run(template, None, Limits(wall_seconds=0.1))
        assert not is_running(first)
        assert children.run(template, None, SMALL) != first


def test_a_template_ends_with_the_process_that_it_serves() -> None:
    code = f"""
import os, signal
from provider_hub.adapters.limited_child import Limits, run_limited
from {__name__} import template
print(run_limited(template, None, Limits()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    wait_until_gone(int(killed.stdout))


def test_an_import_that_fails_is_told_in_the_log_of_this_process(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(LimitedChildren()) as children, pytest.raises(TemporaryError):
        children.run(doubled, 1, SMALL, imports=["a_module_that_is_not_there"])
    assert "No module named 'a_module_that_is_not_there'" in capfd.readouterr().err
