"""A provider's life under the real entrypoint: installed, imported, ready, watched, stopped."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.runtime_harness import (
    TOKEN,
    Answer,
    Runtimes,
    eventually,
    make_authority,
    make_wheel,
    packages_of,
    runtimes,
)

from local_stack.sample_wheels import DEGRADED_MESSAGE, build_wheel, built, digest

_HEALTH_FROM_FILE = """
import os, pathlib
TROUBLE = pathlib.Path(os.environ["PRAGMA_WORK_DIR"], "trouble")
def health():
    return TROUBLE.read_text() if TROUBLE.exists() else None
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Runtimes]:
    with runtimes(tmp_path, make_authority(tmp_path)) as started:
        yield started


def _python(code: str, into: Path) -> Path:
    return make_wheel(into, {"sample/__init__.py": code})


def test_a_real_provider_becomes_ready_and_works(start: Runtimes, tmp_path: Path) -> None:
    wheel = build_wheel("1.0.0", tmp_path / "wheels")

    runtime = start.start(wheel, WEATHER_STATIONS="Bergen=60.39,5.32; Quito=-0.18,-78.47")
    runtime.wait_ready()

    sent = start.pubsub.wait_for(health="healthy")
    assert (sent["active_resources"], sent["generation"], sent["failed"]) == (2, 3, False)
    readings = json.loads((start.work_dir / "readings.json").read_text())["readings"]
    assert [reading["station"] for reading in readings] == ["Bergen", "Quito"]
    assert runtime.get("/healthz") == (200, "ok")
    assert runtime.get("/elsewhere")[0] == 404


def test_the_same_arguments_build_the_same_wheel(tmp_path: Path) -> None:
    one = build_wheel("1.0.0", tmp_path / "a", dependencies=["six"])
    built.cache_clear()
    two = build_wheel("1.0.0", tmp_path / "b", dependencies=["six"])

    assert digest(one) == digest(two)
    assert digest(one) != digest(build_wheel("1.0.1", tmp_path / "a", dependencies=["six"]))


def test_a_wrong_configuration_fails_the_start_in_the_providers_words(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(build_wheel("1.0.0", tmp_path / "wheels"), WEATHER_STATIONS="Atlantis")

    assert runtime.wait() == 1
    assert "WEATHER_STATIONS has 'Atlantis'; expected NAME=LATITUDE,LONGITUDE" in runtime.last_line


def test_it_is_alive_but_not_ready_until_pubsub_has_its_check_in(start: Runtimes, tmp_path: Path) -> None:
    start.pubsub.refusals = [Answer(503)] * 3
    runtime = start.start(_python("", tmp_path))

    eventually(lambda: "Check-in not published" in runtime.log, "a refused check-in")
    assert runtime.get("/healthz") == (200, "ok")
    assert runtime.get("/readyz") == (503, "checking in")
    runtime.wait_ready()
    assert len(start.pubsub.check_ins) == 1


def test_dependencies_come_from_the_package_index(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path,
        {"sample.py": "import six\ndef health():\n    return six.__file__"},
        metadata=["Requires-Dist: six"],
    )

    start.start(wheel)

    assert start.pubsub.wait_for(health="degraded")["message"] == str(packages_of(start.work_dir) / "six.py")


def test_a_provider_sees_its_own_dependencies_only(start: Runtimes, tmp_path: Path) -> None:
    code = """
import importlib.util, subprocess, sys
def health():
    seen = [name for name in ("pip", "pytest", "provider_hub") if importlib.util.find_spec(name)]
    command = [sys.executable, "-c", "import helper; print(helper.__name__)"]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return f"{seen} {child.stdout.strip()}"
"""
    start.start(make_wheel(tmp_path, {"sample/__init__.py": code, "helper.py": ""}))

    assert start.pubsub.wait_for(health="degraded")["message"] == "[] helper"


def test_pth_files_of_an_install_work(start: Runtimes, tmp_path: Path) -> None:
    files = {"sample/__init__.py": "import lifted", "deeper/lifted.py": "", "sample.pth": "deeper\n"}

    start.start(make_wheel(tmp_path, files)).wait_ready()


def test_a_provider_may_use_multiprocessing(start: Runtimes, tmp_path: Path) -> None:
    code = """
import multiprocessing, os
def health():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return str(pool.apply(os.path.basename, ("a/spawned",)))
"""
    start.start(_python(code, tmp_path), PRAGMA_HEALTH_SECONDS="10")

    assert start.pubsub.wait_for(health="degraded")["message"] == "spawned"


def test_signals_of_a_forked_child_are_its_own(start: Runtimes, tmp_path: Path) -> None:
    code = """
import multiprocessing, time
fork = multiprocessing.get_context("fork")
def work(running):
    running.set()
    time.sleep(600)
def health():
    running = fork.Event()
    child = fork.Process(target=work, args=(running,))
    child.start()
    running.wait()
    child.terminate()
    child.join()
    return str(child.exitcode)
"""
    runtime = start.start(_python(code, tmp_path), PRAGMA_HEALTH_SECONDS="5")

    assert start.pubsub.wait_for(health="degraded")["message"] == "-15"
    runtime.wait_ready()


def test_the_token_is_out_of_a_providers_reach(start: Runtimes, tmp_path: Path) -> None:
    code = """
import os, pathlib, subprocess
work = pathlib.Path(os.environ["PRAGMA_WORK_DIR"])
(work / "os").write_text(repr(dict(os.environ)))
(work / "proc").write_bytes(pathlib.Path("/proc/self/environ").read_bytes())
subprocess.run("env > child; cat /proc/$PPID/environ > parent; ls -l /proc/$PPID/fd > files", shell=True, cwd=work)
"""
    runtime = start.start(_python(code, tmp_path))
    runtime.wait_ready()

    assert start.pubsub.check_ins[0]["token"] == TOKEN
    for name in ("os", "proc", "child", "parent"):
        content = (start.work_dir / name).read_text()
        assert "PRAGMA_PROVIDER" in content, name
        assert "PRAGMA_CHECK_IN_TOKEN=" not in content, name
        assert TOKEN not in content, name
    assert "pipe:" not in (start.work_dir / "files").read_text()
    assert TOKEN not in runtime.log + runtime.get("/readyz")[1] + runtime.get("/healthz")[1]
    assert TOKEN.encode() not in Path(f"/proc/{runtime.pid}/environ").read_bytes()


def test_configuration_arrives_byte_for_byte(start: Runtimes, tmp_path: Path) -> None:
    config = {
        "QUOTES": """it's "quoted" `whoami` \\ end""",
        "SHELL_LIKE": "$(HOSTNAME) ${HOME} $$ %s {x} ; rm -rf /",
        "LINES": "one\ntwo\r\n\tthree\n",
        "UNICODE": "blåbær 🌦",
        "NOT_UTF8": b"\xff\xfe".decode(errors="surrogateescape"),
        "EMPTY": "",
        "LARGE": "x\n'" * 10_240,
    }

    start.start(build_wheel("1.0.0", tmp_path / "wheels", variant="echo-config"), **config).wait_ready()

    seen = json.loads((start.work_dir / "environment.json").read_text())
    assert {name: bytes.fromhex(seen[name]) for name in config} == {name: os.fsencode(v) for name, v in config.items()}
    assert "PRAGMA_CHECK_IN_TOKEN" not in seen


def test_a_degraded_provider_is_ready_and_says_so(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(build_wheel("1.0.0", tmp_path / "wheels", variant="degraded"))

    runtime.wait_ready()
    assert start.pubsub.check_ins[0]["message"] == DEGRADED_MESSAGE


def test_degraded_and_healthy_again_are_told_as_they_happen(start: Runtimes, tmp_path: Path) -> None:
    start.start(_python(_HEALTH_FROM_FILE, tmp_path)).wait_ready()
    trouble = start.work_dir / "trouble"

    trouble.write_text("the sensor\nis frozen")
    assert start.pubsub.wait_for(health="degraded")["message"] == "the sensor is frozen"
    trouble.unlink()

    eventually(lambda: start.pubsub.check_ins[-1]["health"] == "healthy", "healthy again")
    assert [sent["health"] for sent in start.pubsub.check_ins] == ["healthy", "degraded", "healthy"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def health():\n    raise ValueError('no sun')", "ValueError: no sun (sample/__init__.py:2)"),
        ("async def health():\n    return 'foggy'", "foggy"),
        ("def health():\n    return 7", "health() returned 7, expected None or a text"),
        ("def active_resources():\n    return 'many'", "active_resources() returned 'many', expected a count"),
        ("def health():\n    raise SystemExit('no')", "SystemExit: no (sample/__init__.py:2)"),
        ("import time\ndef health():\n    time.sleep(600)", "health() has not answered for 0.2 s"),
    ],
)
def test_a_hook_that_goes_wrong_is_degraded(start: Runtimes, tmp_path: Path, code: str, message: str) -> None:
    start.start(_python(code, tmp_path)).wait_ready()

    assert start.pubsub.check_ins[0]["message"] == message


def test_tasks_of_an_async_start_live_on(start: Runtimes, tmp_path: Path) -> None:
    code = """
import asyncio
seen = []
async def count():
    while True:
        seen.append(len(seen))
        await asyncio.sleep(0.01)
async def start():
    seen.append(asyncio.create_task(count()))
async def active_resources():
    return min(len(seen), 5)
"""
    start.start(_python(code, tmp_path))

    start.pubsub.wait_for(active_resources=5)


def test_sigterm_takes_it_out_of_traffic_stops_it_and_says_so(start: Runtimes, tmp_path: Path) -> None:
    code = """
import os, pathlib, time
work = pathlib.Path(os.environ["PRAGMA_WORK_DIR"])
def stop():
    while not (work / "go").exists():
        time.sleep(0.01)
    print("stopped in order")
"""
    runtime = start.start(_python(code, tmp_path))
    runtime.wait_ready()

    runtime.terminate()
    eventually(lambda: runtime.get("/readyz") == (503, "stopping"), "not ready while stopping")
    (start.work_dir / "go").touch()

    assert runtime.wait() == 0
    assert start.pubsub.check_ins[-1]["stopping"] is True
    assert "stopped in order" in runtime.log


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef stop():\n    time.sleep(600)",
        "def stop():\n    raise ValueError('stuck')",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
        "import atexit, time\natexit.register(time.sleep, 600)",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_a_provider_cannot_hold_up_the_end(start: Runtimes, tmp_path: Path, code: str) -> None:
    runtime = start.start(_python(code, tmp_path), PRAGMA_GRACE_SECONDS="1")
    runtime.wait_ready()

    runtime.terminate()

    assert runtime.wait(5) == 0
    assert start.pubsub.check_ins[-1]["stopping"] is True


def test_a_signal_that_another_thread_received_counts_too(start: Runtimes, tmp_path: Path) -> None:
    code = """
import os, pathlib, signal, threading
go = pathlib.Path(os.environ["PRAGMA_WORK_DIR"], "go")
def health():
    if go.exists():
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
"""
    runtime = start.start(_python(code, tmp_path))
    runtime.wait_ready()

    (start.work_dir / "go").touch()

    assert runtime.wait(5) == 0
    assert start.pubsub.check_ins[-1]["stopping"] is True


def test_sigterm_ends_an_import_that_never_returns(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(build_wheel("1.0.0", tmp_path / "wheels", variant="never-checks-in"))
    eventually(lambda: "Importing weather_provider" in runtime.log, "the import")
    assert runtime.get("/readyz") == (503, "importing weather_provider")

    runtime.terminate()

    assert runtime.wait(5) == 0
    assert start.pubsub.check_ins == []


def test_a_container_that_restarts_needs_neither_host_nor_pip_again(start: Runtimes, tmp_path: Path) -> None:
    wheel = _python("", tmp_path)
    first = start.start(wheel)
    first.wait_ready()
    first.end()
    environment = start.environment(wheel)
    start.host.answers.clear()

    start.start_in(environment).wait_ready()

    assert start.host.requests == [f"/{wheel.name}"]


def test_an_install_that_was_interrupted_is_done_again(start: Runtimes, tmp_path: Path) -> None:
    sample = packages_of(start.work_dir) / "sample"
    sample.mkdir(parents=True)
    (sample / "__init__.py").write_text("raise RuntimeError('half installed')")

    start.start(_python("", tmp_path)).wait_ready()


def test_a_wheel_without_dependencies_checks_in_in_little_more_than_pip_takes(start: Runtimes, tmp_path: Path) -> None:
    wheel = build_wheel("1.0.0", tmp_path / "wheels")
    began = time.monotonic()
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path / "bare"),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    bare = time.monotonic() - began

    runtime = start.start(wheel)
    start.pubsub.wait_for(failed=False)

    assert time.monotonic() - runtime.started_at < 3 * bare


def test_it_serves_on_ipv6_where_the_pod_has_it(start: Runtimes, tmp_path: Path) -> None:
    if not Path("/proc/net/if_inet6").exists() or not Path("/proc/net/if_inet6").read_text():
        pytest.skip("this machine has no IPv6")
    runtime = start.start(_python("", tmp_path), PRAGMA_LISTEN_ADDRESS="::1")

    eventually(lambda: "ready." in runtime.log, "ready")
    answer = subprocess.run(
        ["curl", "--silent", f"http://[::1]:{runtime.port}/readyz"], capture_output=True, text=True, check=True
    )

    assert answer.stdout == "ready\n"
