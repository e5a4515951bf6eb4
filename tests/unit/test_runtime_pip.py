"""Which of pip's settings the runtime heeds, and what it makes of pip's words."""

import os
from pathlib import Path

import pytest

from pragma_runtime import installers
from pragma_runtime.environment import ProviderEnvironment
from pragma_runtime.errors import SettingsError
from pragma_runtime.pip_output import cause, is_network_trouble
from pragma_runtime.pip_settings import pip_environment

_HARMFUL = """
user = true
target = /opt/wheels
prefix = /opt
root = /mnt
require-hashes = true
require-virtualenv = true
constraint = constraints.txt
requirement = requirements.txt
cache-dir = /var/cache/pip
no-deps = true
"""


def _pip(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The `PIP_*` variables that pip is given; nothing of this machine's own files is read."""
    given = {"XDG_CONFIG_DIRS": str(tmp_path / "none"), "HOME": str(tmp_path), **environment}
    found = pip_environment(given, tmp_path / "prefix")
    return {name: value for name, value in found.items() if name.startswith("PIP_")}


@pytest.fixture(autouse=True)
def _no_machine_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_text

    def read_text(path: Path, *arguments: str) -> str:
        if str(path) == "/etc/pip.conf":
            raise FileNotFoundError(path)
        return real(path, *arguments)

    monkeypatch.setattr(Path, "read_text", read_text)


def test_variables_about_where_and_how_to_install_are_dropped(tmp_path: Path) -> None:
    variables = {
        f"PIP_{name}": "1"
        for name in (
            "USER",
            "PREFIX",
            "TARGET",
            "ROOT",
            "REQUIRE_HASHES",
            "CONSTRAINT",
            "REQUIREMENT",
            "NO_DEPS",
            "ISOLATED",
        )
    }

    assert _pip(variables, tmp_path) == {"PIP_CONFIG_FILE": os.devnull}


def test_the_index_the_proxy_and_the_certificates_are_kept(tmp_path: Path) -> None:
    variables = {"PIP_INDEX_URL": "https://index", "PIP_PROXY": "http://proxy", "PIP_CERT": "/ca.pem"}

    assert _pip(variables, tmp_path) == {**variables, "PIP_CONFIG_FILE": os.devnull}


@pytest.mark.parametrize(
    "place", [".pip/pip.conf", ".config/pip/pip.conf", "prefix/pip.conf", "none/pip/pip.conf", "named"]
)
def test_a_settings_file_is_heeded_for_the_index_alone(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"\ufeff[global]\r\nIndex_URL = https://index\r\n{_HARMFUL}[install]\nuser = yes\n")
    named = {"PIP_CONFIG_FILE": str(path)} if place == "named" else {}

    assert _pip(named, tmp_path) == {"PIP_INDEX_URL": "https://index", "PIP_CONFIG_FILE": os.devnull}


def test_the_nearer_setting_wins(tmp_path: Path) -> None:
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("[install]\nindex-url = https://install\n[global]\nretries = 1\n")
    (tmp_path / "prefix").mkdir()
    (tmp_path / "prefix" / "pip.conf").write_text("[global]\nindex-url = https://global\nretries = 2\n")

    found = _pip({"PIP_RETRIES": "3"}, tmp_path)

    assert (found["PIP_INDEX_URL"], found["PIP_RETRIES"]) == ("https://install", "3")


def test_the_null_file_switches_all_files_off(tmp_path: Path) -> None:
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("[global]\nindex-url = https://index\n")

    assert _pip({"PIP_CONFIG_FILE": os.devnull}, tmp_path) == {"PIP_CONFIG_FILE": os.devnull}


def test_a_settings_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("index-url without a section")

    with pytest.raises(SettingsError, match="broken cannot be read as pip's settings"):
        _pip({"PIP_CONFIG_FILE": str(tmp_path / "broken")}, tmp_path)


_OTHER_PYTHON = """\
ERROR: Ignored the following versions that require a different python version: 17.0.1 Requires-Python >=3.13; \
18.0.0 Requires-Python >=3.13
ERROR: Could not find a version that satisfies the requirement sdk>=16 (from github) (from versions: none)
ERROR: No matching distribution found for sdk>=16
"""
_CONFLICT = """\
ERROR: Cannot install app because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/
"""
_CONFLICT_LOG = """
2026-11-26T10:57:43,364 The conflict is caused by:
2026-11-26T10:57:43,364     lo 1.0.0 depends on base<2
2026-11-26T10:57:43,364     hi 1.0.0 depends on base>=2
2026-11-26T10:57:43,364 \

2026-11-26T10:57:43,364 To fix this you could try to:
"""
_TOO_OLD = """\
ERROR: Could not find a version that satisfies the requirement base>=3 (from app) (from versions: 1.0, 2.0)
ERROR: No matching distribution found for base>=3
"""
_NO_COMPILER = """\
  error: subprocess-exited-with-error

  × Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [2 lines of output]
      Traceback (most recent call last):
      RuntimeError: needs gfortran
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error

× Getting requirements to build wheel did not run successfully.
"""


@pytest.mark.parametrize(
    ("output", "log", "parts"),
    [
        (
            _OTHER_PYTHON,
            "",
            ["sdk>=16 (from github)", "This is Python 3.12.1, but 2 versions require a different Python: >=3.13"],
        ),
        (
            "ERROR: Package 'a' requires a different Python: 3.12.1 not in '>=4'",
            "",
            ["requires a different Python: 3.12.1"],
        ),
        (_CONFLICT, _CONFLICT_LOG, ["contradict each other: lo 1.0.0 depends on base<2; hi 1.0.0 depends on base>=2"]),
        (_CONFLICT, "", ["Cannot install app because"]),
        (_TOO_OLD, "", ["base>=3 (from app) (from versions: 1.0, 2.0)", "No matching distribution found for base>=3"]),
        (
            _NO_COMPILER,
            "",
            ["no wheel for this Python and platform", "cannot be built here: RuntimeError: needs gfortran"],
        ),
        ("ERROR: one\nERROR: the last\n", "", ["the last"]),
        ("Killed\n", "", ["Killed"]),
        ("", "", ["it ended with exit code 2 and said nothing"]),
    ],
)
def test_the_cause_is_what_a_publisher_can_act_on(output: str, log: str, parts: list[str]) -> None:
    found = cause(output, log, 2, "3.12.1")

    assert [part for part in parts if part not in found] == [], found
    assert "for help visit" not in found


def test_a_pip_that_was_killed_is_told_with_the_likely_reason() -> None:
    assert "SIGKILL" in cause("", "", -9, "3.12.1")
    assert "SIGSEGV" in cause("", "", -11, "3.12.1")


@pytest.mark.parametrize(
    "said",
    [
        *("connection broken by", "connection error", "Max retries exceeded", "Read timed out", "timed out."),
        *("HTTP error 503", "502 Server Error", "429 Client Error", "too many 500 error responses", "IncompleteRead"),
        *("Connection reset", "ConnectionResetError", "NewConnectionError", "NameResolutionError"),
    ],
)
def test_each_sentence_of_network_trouble_is_known(said: str) -> None:
    for text in (said, said.upper(), said.lower()):
        assert is_network_trouble("", f"pip: {text}, it said")


def test_network_trouble_is_found_in_what_pip_printed_and_in_its_log() -> None:
    assert is_network_trouble("", "connection broken by 'NewConnectionError'")
    assert not is_network_trouble("ERROR: No matching distribution found for sdk", "")


def test_pip_keeps_no_cache_on_the_volume_whose_limit_evicts_the_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run_to_end(command: list[str], *, output: Path, **_given: object) -> int:
        commands.append(command)
        output.write_text("")
        return 0

    monkeypatch.setattr(installers, "run_to_end", run_to_end)
    installers._run_pip(tmp_path, tmp_path / "w.whl", ProviderEnvironment(tmp_path / "site"), 1, resolve=True)
    assert "--no-cache-dir" in commands[0]
    assert not (tmp_path / "tmp").exists()
