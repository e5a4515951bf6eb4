"""A provider that cannot be started says why: to the control plane, and in the last line of its log."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.runtime_harness import TOKEN, Answer, Runtimes, make_authority, make_wheel, runtimes, serving

from local_stack.sample_wheels import EXIT_CODE, LAST_WORDS, MISSING_DISTRIBUTION, MISSING_MODULE, build_wheel


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Runtimes]:
    with runtimes(tmp_path, make_authority(tmp_path)) as started:
        yield started


def _fails(start: Runtimes, wheel: Path, **changes: str | None) -> str:
    """The reason, after checking that it is in the failed check-in and the last line, and nothing else was told."""
    runtime = start.start(wheel, **changes)
    assert runtime.wait() == 1, runtime.log
    [sent] = start.pubsub.check_ins
    assert (sent["failed"], sent["health"], sent["stopping"]) == (True, "degraded", False)
    assert runtime.last_line == f"pragma_runtime: {sent['message']}"
    assert TOKEN not in runtime.log
    assert "S3CRET" not in runtime.log
    return str(sent["message"])


def _python(code: str, into: Path) -> Path:
    return make_wheel(into, {"sample/__init__.py": code})


def test_a_wheel_of_another_digest_is_not_imported(start: Runtimes, tmp_path: Path) -> None:
    trace = tmp_path / "imported"
    wheel = _python(f"open({str(trace)!r}, 'w').close()", tmp_path)

    reason = _fails(start, wheel, PRAGMA_WHEEL_SHA256="0" * 64)

    assert f"{'0' * 64} was published" in reason
    assert not trace.exists()
    assert not (start.work_dir / "site").exists()


def test_an_import_that_fails_is_told_with_its_place(start: Runtimes, tmp_path: Path) -> None:
    reason = _fails(start, build_wheel("1.0.0", tmp_path / "wheels", variant="import-fails"))

    assert reason.startswith(
        f"Importing weather_provider failed: ModuleNotFoundError: No module named '{MISSING_MODULE}'"
    )
    assert "(weather_provider/__init__.py:" in reason


def test_a_dependency_that_does_not_exist_is_named(start: Runtimes, tmp_path: Path) -> None:
    reason = _fails(start, build_wheel("1.0.0", tmp_path / "wheels", variant="missing-dependency"))

    assert f"No matching distribution found for {MISSING_DISTRIBUTION}" in reason


def test_a_provider_that_ends_the_process_leaves_its_own_words_and_code(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(build_wheel("1.0.0", tmp_path / "wheels", variant="exits-at-once"))

    assert runtime.wait() == EXIT_CODE
    assert runtime.last_line == LAST_WORDS
    assert start.pubsub.check_ins == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\nsys.exit('no licence')", "SystemExit: no licence (sample/__init__.py:2)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt (sample/__init__.py:1)"),
        ("def broken(:", "SyntaxError: invalid syntax (sample/__init__.py:1)"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines (sample/__init__.py:1)"),
        (
            "class E(Exception):\n    def __str__(self):\n        raise TypeError\nraise E",
            "its text cannot be had: TypeError",
        ),
        ("def start():\n    raise OSError('no disk')", "start() failed: OSError: no disk (sample/__init__.py:2)"),
        ("async def start():\n    raise OSError('no disk')", "start() failed: OSError: no disk (sample/__init__.py:2)"),
        ("health = 'fine'", "sample.health is str; expected a function"),
        (
            "import atexit, sys\natexit.register(print, 'after', file=sys.stderr)\nraise ValueError('the last word')",
            "ValueError: the last word",
        ),
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nraise ValueError('no')",
            "ValueError: no",
        ),
    ],
)
def test_whatever_a_provider_raises_becomes_one_line(start: Runtimes, tmp_path: Path, code: str, reason: str) -> None:
    assert reason in _fails(start, _python(code, tmp_path))


def test_a_wheel_for_another_python_is_told_in_the_words_of_pip(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""}, metadata=["Requires-Python: >=4"])

    assert "requires a different Python" in _fails(start, wheel)


def test_a_version_without_a_package_name_says_what_to_do(start: Runtimes, tmp_path: Path) -> None:
    assert "Publish the wheel as a new version" in _fails(start, _python("", tmp_path), PRAGMA_PACKAGE_NAME=None)


def test_a_package_name_that_the_wheel_has_not_is_told(start: Runtimes, tmp_path: Path) -> None:
    reason = _fails(start, _python("", tmp_path), PRAGMA_PACKAGE_NAME="other")

    assert "No module named 'other'" in reason


def test_a_package_name_of_the_standard_library_is_refused(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"calendar.py": "raise SystemExit"})

    assert "calendar is a module of Python itself" in _fails(start, wheel)


def test_a_package_index_that_is_away_is_temporary(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""}, metadata=["Requires-Dist: six"])
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_RETRIES": "0"}

    runtime = start.start(wheel, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="", PIP_CONFIG_FILE="/dev/null", **unreachable)

    assert runtime.wait() == 75, runtime.log
    assert "pip could not reach a package index" in runtime.last_line
    assert start.pubsub.check_ins == []


def test_a_package_index_in_trouble_is_temporary(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""}, metadata=["Requires-Dist: six"])
    with serving(lambda *_: Answer(503)) as url:
        index = {"PIP_INDEX_URL": f"{url}/simple", "PIP_RETRIES": "0"}
        runtime = start.start(wheel, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="", PIP_CONFIG_FILE="/dev/null", **index)
        assert runtime.wait() == 75, runtime.log

    assert "pip could not reach a package index" in runtime.last_line


def test_a_wheel_host_in_trouble_is_temporary(start: Runtimes, tmp_path: Path) -> None:
    wheel = _python("", tmp_path)
    environment = start.environment(wheel)
    start.host.answers[f"/{wheel.name}"] = Answer(503)

    runtime = start.start_in(environment)

    assert runtime.wait() == 75, runtime.log
    assert "answered 503" in runtime.last_line
    assert start.pubsub.check_ins == []


def test_a_malformed_setting_is_one_sentence_and_its_own_exit_code(start: Runtimes, tmp_path: Path) -> None:
    runtime = start.start(_python("", tmp_path), PRAGMA_GENERATION="x")

    assert runtime.wait() == 78
    assert runtime.log == "pragma_runtime: PRAGMA_GENERATION is 'x'; expected a number.\n"


@pytest.mark.parametrize("token", [None, "", "t" * 5000])
def test_a_missing_or_overlong_token_is_said_without_showing_it(
    start: Runtimes, tmp_path: Path, token: str | None
) -> None:
    runtime = start.start(_python("", tmp_path), PRAGMA_CHECK_IN_TOKEN=token)

    assert runtime.wait() == 78
    assert runtime.log.startswith("pragma_runtime: PRAGMA_CHECK_IN_TOKEN ")
    assert "ttt" not in runtime.log


def test_a_port_that_is_taken_is_told(start: Runtimes, tmp_path: Path) -> None:
    with serving(lambda *_: Answer()) as url:
        connection = HTTPConnection(url.removeprefix("http://"))
        runtime = start.start(_python("", tmp_path), PRAGMA_PORT=str(connection.port))
        assert runtime.wait() == 78

    assert f"Cannot listen on PRAGMA_LISTEN_ADDRESS 127.0.0.1, PRAGMA_PORT {connection.port}" in runtime.last_line
