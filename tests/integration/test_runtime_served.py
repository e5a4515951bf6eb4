"""A provider that is written for the Pragmatiks SDK is served by the SDK's worker, and the runtime is its host."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.runtime_harness import TOKEN, RuntimeProcess, Runtimes, eventually, make_authority, make_wheel, runtimes
from tests.stand_in_worker import RESOURCE_TYPES, wheel


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Runtimes]:
    with runtimes(tmp_path, make_authority(tmp_path)) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def dying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Runtimes]]:
    """Runtimes by what their worker does after a while; they restart it while the other tests of this file run."""
    with ExitStack() as exits:
        started = {}
        for does in ("dies later", "breaks the protocol later"):
            directory = tmp_path_factory.mktemp("dying")
            started[does] = exits.enter_context(runtimes(directory, make_authority(directory)))
            started[does].start(wheel(directory), WORKER_DOES=does)
        yield started


def _workers(start: Runtimes) -> list[int]:
    """The process ids of the workers that were started, the first one first."""
    files = sorted(start.work_dir.glob("environment.*"), key=lambda path: path.stat().st_mtime_ns)
    return [int(path.suffix[1:]) for path in files]


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _fails(start: Runtimes, runtime: RuntimeProcess) -> str:
    """The reason of a start that failed for good; its worker is gone."""
    assert runtime.wait() == 1, runtime.log
    [sent] = start.pubsub.check_ins
    assert sent["failed"] is True
    # The worker's own last words may have no end of line before it.
    assert runtime.last_line.endswith(f"pragma_runtime: {sent['message']}")
    assert not any(map(_is_alive, _workers(start)))
    return str(sent["message"])


def test_it_is_ready_with_the_handshake_and_names_its_resource_types(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path))
    runtime.wait_ready()

    sent = start.pubsub.wait_for(health="healthy")
    assert sent["resource_types"] == sorted(RESOURCE_TYPES)
    assert '"result": {"protocol_version": 1}' in runtime.log


def test_sigterm_is_a_shutdown(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path))
    runtime.wait_ready()

    runtime.terminate()

    assert runtime.wait() == 0
    assert 'the last message: {"jsonrpc": "2.0", "method": "shutdown"}' in runtime.log
    assert start.pubsub.check_ins[-1]["stopping"] is True
    assert not any(map(_is_alive, _workers(start)))


def test_a_worker_that_does_not_shut_down_is_killed_within_the_grace_period(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path), WORKER_DOES="ignores the end", PRAGMA_GRACE_SECONDS="2")
    runtime.wait_ready()

    runtime.terminate()

    assert runtime.wait(5) == 0
    assert "SIGKILL" in runtime.log
    assert start.pubsub.check_ins[-1]["stopping"] is True
    assert not any(map(_is_alive, _workers(start)))


def test_sigterm_before_the_handshake_ends_the_worker_too(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path), WORKER_DOES="is silent", PRAGMA_GRACE_SECONDS="2")
    eventually(lambda: _workers(start), "a worker")

    runtime.terminate()

    assert runtime.wait(5) == 0
    assert start.pubsub.check_ins == []
    assert not any(map(_is_alive, _workers(start)))


def test_the_config_reaches_the_worker_and_what_is_the_platforms_does_not(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path), GITHUB_TOKEN="ghp_1", LINES="one\ntwo", PIP_INDEX_URL="https://u:p@index/")
    runtime.wait_ready()

    [pid] = _workers(start)
    seen = json.loads((start.work_dir / f"environment.{pid}").read_text())
    assert (seen["GITHUB_TOKEN"], seen["LINES"]) == ("ghp_1", "one\ntwo")
    assert seen["PRAGMA_PROVIDER_DISTRIBUTION"] == "acme-served"
    assert seen["PRAGMA_RUNTIME_ORGANIZATION_ID"] == "org_acme"
    assert not {"PRAGMA_CHECK_IN_TOKEN", "PRAGMA_WHEEL_URL", "PRAGMA_CHECK_IN_TOPIC", "PIP_INDEX_URL"} & set(seen)
    assert TOKEN not in json.dumps(seen)
    packages = [path for path in seen["path"] if "site-packages" in path]
    assert packages == [str(start.work_dir / "site" / "lib" / Path(packages[0]).parent.name / "site-packages")]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("cannot load", "ended with exit code 1; its last line: worker_startup_failed: MissingObserve: no on_observe."),
        ("kills itself", "the worker was killed (SIGKILL), most likely for want of memory."),
        ("stops halfway", "the worker closed the connection in the middle of a frame"),
        ("sends too much", "the worker sent a frame of 67108865 bytes; at most 67108864 are allowed"),
        ("sends no JSON", "the worker sent a frame that is not JSON"),
        ("asks first", "the worker sent something else before its handshake"),
        ("speaks another protocol", "the worker speaks the protocol versions [2], this runtime speaks 1"),
        ("serves another", "it serves 'other', expected 'acme-served'"),
    ],
)
def test_a_worker_that_goes_wrong_before_its_handshake_fails_the_start(
    start: Runtimes, tmp_path: Path, does: str, reason: str
) -> None:
    assert reason in _fails(start, start.start(wheel(tmp_path), WORKER_DOES=does))


@pytest.mark.parametrize(
    ("does", "reason"),
    [("never connects", "the worker has not connected within"), ("is silent", "the worker has not sent its handshake")],
)
def test_a_worker_that_is_silent_blames_no_version_and_the_next_start_goes_on(
    start: Runtimes, tmp_path: Path, does: str, reason: str
) -> None:
    made = wheel(tmp_path)
    runtime = start.start(made, WORKER_DOES=does, PRAGMA_HANDSHAKE_SECONDS="1")

    assert runtime.wait() == 75, runtime.log
    assert reason in runtime.last_line
    assert start.pubsub.check_ins == []
    assert not any(map(_is_alive, _workers(start)))
    start.start(made).wait_ready()


def test_a_request_that_the_host_does_not_know_is_answered_so(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(wheel(tmp_path), WORKER_DOES="asks")
    runtime.wait_ready()

    answer = json.loads(
        eventually(lambda: (path := start.work_dir / "answer").exists() and path.read_text(), "an answer")
    )
    assert (answer["id"], answer["error"]["code"]) == (8, -32601)
    assert "wait_for_state" in answer["error"]["message"]


def test_a_worker_that_a_signal_ends_is_started_again(start: Runtimes, tmp_path: Path) -> None:
    start.start(wheel(tmp_path)).wait_ready()

    os.kill(_workers(start)[0], signal.SIGSEGV)

    assert "the worker was ended by SIGSEGV" in start.pubsub.wait_for(health="degraded")["message"]
    eventually(lambda: start.pubsub.check_ins[-1]["health"] == "healthy", "healthy again")


def test_a_provider_for_the_sdk_without_the_sdks_worker_is_imported(start: Runtimes, tmp_path: Path) -> None:
    files = {
        "sample/__init__.py": "def health():\n    return 'imported'",
        "sample-1.0.0.dist-info/entry_points.txt": "[pragma.provider]\nsample = sample\n",
    }

    start.start(make_wheel(tmp_path, files))

    assert start.pubsub.wait_for(health="degraded")["message"] == "imported"


def test_a_work_directory_with_a_long_path_is_no_hindrance(start: Runtimes, tmp_path: Path) -> None:
    deep = start.work_dir / ("a" * 100)
    deep.mkdir()

    start.start(wheel(tmp_path), PRAGMA_WORK_DIR=str(deep)).wait_ready()


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("dies later", "the worker ended with exit code 1; its last line: the storm took it; restart 1 of 5"),
        ("breaks the protocol later", "the worker sent a frame that is not JSON-RPC 2.0"),
    ],
)
def test_a_worker_that_dies_is_started_again(dying: Mapping[str, Runtimes], does: str, reason: str) -> None:
    start = dying[does]

    assert reason in start.pubsub.wait_for(health="degraded")["message"]
    eventually(lambda: start.pubsub.check_ins[-1]["health"] == "healthy", "healthy again")
    assert start.pubsub.check_ins[-1]["resource_types"] == sorted(RESOURCE_TYPES)
    assert len(_workers(start)) == 2
    assert not _is_alive(_workers(start)[0])
