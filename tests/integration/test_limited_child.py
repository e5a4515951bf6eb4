"""What a child process takes of hostile input, it takes within limits, and this process keeps its memory."""

import importlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest
from tests.hostile import meter

from local_stack.sample_wheels import build_wheel
from provider_hub.adapters import child_template, config_schema, osv_scan, published_schemas, wheel_inspection
from provider_hub.adapters.limited_child import MIB, LimitedChildren, Limits, OverLimit, run_limited
from provider_hub.domain.errors import TemporaryError

SMALL = Limits(cpu_seconds=0.5, wall_seconds=10, memory_bytes=128 * MIB, output_bytes=MIB)


def doubled(argument: Any, file: IO[bytes] | None) -> Any:
    return {"argument": argument * 2, "file": file.read().decode() if file else None}


def surroundings(_argument: Any, _file: IO[bytes] | None) -> Any:
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "files": len([*Path("/dev/fd").iterdir()])}


def limits(_argument: Any, _file: IO[bytes] | None) -> Any:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    return [*(resource.getrlimit(kind)[1] for kind in kinds), signal.getitimer(signal.ITIMER_PROF)[0]]


def hungry(argument: Any, _file: IO[bytes] | None) -> Any:
    return len(bytearray(argument))


def forgiving(argument: Any, _file: IO[bytes] | None) -> Any:
    """What a library does that takes every error for an answer, within a limit that may be lower than the plan's."""
    if argument is not None:
        resource.setrlimit(resource.RLIMIT_AS, (argument, argument))
    kept = []
    with suppress(MemoryError):
        while True:
            kept.append(bytearray(MIB))
    kept.clear()
    return "all is well"


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


def deaf(_argument: Any, _file: IO[bytes] | None) -> Any:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(60)


def complaining(argument: Any, _file: IO[bytes] | None) -> Any:
    os.write(2, argument.encode())
    raise ValueError(argument)


def deadly(_argument: Any, _file: IO[bytes] | None) -> Any:
    os.abort()


def killed(_argument: Any, _file: IO[bytes] | None) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def processor_limits(_argument: Any, _file: IO[bytes] | None) -> Any:
    return resource.getrlimit(resource.RLIMIT_CPU)


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


def niceness(_argument: Any, _file: IO[bytes] | None) -> int:
    return os.nice(0)


def new_modules(argument: Any, file: IO[bytes] | None) -> list[str]:
    """What a function of ours imports while it works."""
    module, function, given = argument
    before = {*sys.modules}
    getattr(sys.modules[module], function)(given, file)
    return sorted({*sys.modules} - before)


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


def started_by(process: int) -> list[str]:
    """The ids of its children, of ended ones too that nobody waited for."""
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
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
    *sizes, processor = run_limited(limits, None, SMALL)
    assert sizes == [SMALL.memory_bytes, SMALL.output_bytes, 0]
    # The kernel counts in ticks of up to 10 ms.
    assert 0 < processor < SMALL.cpu_seconds + 0.02
    assert run_limited(niceness, None, SMALL) == min(os.nice(0) + 10, 19)


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (hungry, 300 * MIB),
        (forgiving, None),
        (forgiving, SMALL.memory_bytes - 16 * MIB),
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
    # A fault of ours is logged as one. An input cannot fill the log that way.
    assert [record.levelname for record in caplog.records] == ["ERROR"] * (function is faulty)


def test_a_child_may_use_half_of_its_memory_beside_what_it_imports() -> None:
    smallest = config_schema._LIMITS
    assert run_limited(hungry, smallest.memory_bytes // 2, smallest, imports=config_schema._IMPORTS) == 64 * MIB


def test_a_kernel_that_keeps_no_peak_of_memory_is_refused() -> None:
    assert child_template.peak("VmPeak:\t    3892 kB\nVmSize:\t    3000 kB\n") == 3892 * 1024
    with pytest.raises(RuntimeError, match="gVisor"):
        child_template.peak("Name:\tpython3\nVmSize:\t    3000 kB\nVmRSS:\t    2000 kB\n")


def test_processor_time_has_an_end_and_is_counted() -> None:
    with closing(LimitedChildren()) as children:
        process = children.run(template, None, SMALL)
        before = meter.read(process).seconds
        with pytest.raises(OverLimit):
            children.run(endless, None, SMALL)
        wait_until(lambda: meter.read(process).seconds - before > SMALL.cpu_seconds - 0.1)
        assert meter.read(process).seconds - before < SMALL.cpu_seconds + 0.5


def test_a_child_that_the_kernel_killed_for_want_of_memory_says_nothing_of_the_input(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(TemporaryError, match="too little memory at the moment to check this input: try again"):
        run_limited(killed, None, SMALL)
    assert "ran killed was killed" in caplog.text


def test_a_child_that_lifts_its_timer_is_told_by_another_signal_than_that_of_the_kernel_without_memory() -> None:
    soft, hard = run_limited(processor_limits, None, SMALL)
    assert SMALL.cpu_seconds < soft < hard


@pytest.mark.parametrize("function", [asleep, deaf])
def test_waiting_has_an_end_and_is_no_fault_of_the_input(function: Any) -> None:
    began = time.monotonic()
    with closing(LimitedChildren()) as children:
        process = children.run(template, None, SMALL)
        with pytest.raises(TemporaryError, match="too little processor time"):
            children.run(function, 60, Limits(wall_seconds=0.5))
        assert time.monotonic() - began < 30
        # Its keeper waited for it, so it is gone; and the template still serves.
        wait_until(lambda: not started_by(process))
        assert children.run(template, None, SMALL) == process


def test_what_the_thread_that_starts_a_template_blocks_ends_children_nevertheless() -> None:
    signals = {signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with closing(LimitedChildren()) as children, pytest.raises(OverLimit):
            children.run(endless, None, SMALL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


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
        wait_until(lambda: not is_running(first))
        second = children.run(template, None, SMALL)
    assert first != second
    assert not is_running(first)
    assert not is_running(second)


def test_after_a_template_that_hangs_another_serves_and_the_caller_tries_again() -> None:
    with closing(LimitedChildren(start_seconds=0.1)) as children:
        first = children.run(template, None, SMALL)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(TemporaryError, match="has ended: try again"):
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
    wait_until(lambda: not is_running(int(killed.stdout)))


def test_children_go_on_when_their_template_ends() -> None:
    with closing(LimitedChildren()) as children, ThreadPoolExecutor(1) as threads:
        process = children.run(template, None, SMALL)
        wait_until(lambda: not started_by(process))
        answer = threads.submit(children.run, asleep, 0.3, SMALL)
        wait_until(lambda: bool(started_by(process)))
        children.close()
        assert not is_running(process)
        assert answer.result() is None


def test_what_a_child_writes_as_an_error_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(LimitedChildren()) as children, pytest.raises(OverLimit):
        children.run(complaining, "a tenant's secret", SMALL)
    assert "a tenant's secret" not in "".join(capfd.readouterr())


def test_a_process_that_cannot_import_is_told_in_the_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(LimitedChildren()) as children, pytest.raises(TemporaryError):
        children.run(doubled, 1, SMALL, imports=["a_module_that_is_not_there"])
    assert "No module named 'a_module_that_is_not_there'" in capfd.readouterr().err
    assert "nobody says how a child process that ran doubled ended" in caplog.text


@pytest.mark.parametrize(
    ("module", "function", "argument"),
    [
        (wheel_inspection, "_inspected", "weather-1.0.0-py3-none-any.whl"),
        (published_schemas, "_refusals", [['{"properties": {"a": {"pattern": "^x+$", "format": "email"}}}', True]]),
        (config_schema, "_reported", [{"A": "x"}, '{"properties": {"A": {"pattern": "^y+$"}}}', []]),
        (osv_scan, "_scanned", {"locked": {"weather": ["1.0.0"]}, "now": "2026-01-01T00:00:00+00:00"}),
    ],
)
def test_no_child_imports_what_its_template_could_have(
    module: ModuleType, function: str, argument: Any, tmp_path: Path
) -> None:
    given = [module.__name__, function, argument]
    imports = [module.__name__, *module._IMPORTS]
    with closing(LimitedChildren()) as children, zip_of(tmp_path, module).open("rb") as file:
        assert children.run(new_modules, given, Limits(), file, imports) == []


def zip_of(folder: Path, module: ModuleType) -> Path:
    """A wheel, or an export of advisories, whose first entry has a name that is not in ASCII."""
    if module is osv_scan:
        file = folder / "all.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("é.json", "{}")
        return file
    return build_wheel("1.0.0", folder, dependencies=["six>=1; python_version > '3'"])
