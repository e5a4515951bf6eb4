"""What a pod's start pays for: authorities are read as they are needed, and little is loaded."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler

import pytest
from tests.runtime_harness import TOKEN, Answer, Authority, make_authority, serving

from pragma_runtime import authorities, download, pubsub

_LIBRARY = Path(authorities.__file__).parents[1]
_URL = "https://pubsub.googleapis.com/v1/projects/p/topics/t:publish"
# Slow to import, each of them, and needed by none of what most starts do.
_SLOW = {
    "asyncio", "concurrent", "configparser", "dataclasses", "inspect", "logging", "multiprocessing", "subprocess",
    "traceback", "venv", "pragma_runtime.installers", "pragma_runtime.served", "pragma_runtime.override",
}  # fmt: skip


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An entry for each time that all authorities of the system are read."""
    found: list[str] = []
    load = ssl.SSLContext.load_default_certs

    def loaded(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        found.append(str(purpose))
        load(context, purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", loaded)
    authorities.system_authorities.cache_clear()
    yield found
    authorities.system_authorities.cache_clear()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


def test_what_is_asked_without_https_reads_none(reads: list[str]) -> None:
    opener: Any = pubsub._opener("http://metadata.google.internal/token", through_proxy=False)
    assert reads == []
    assert not [handler for handler in opener.handlers if isinstance(handler, HTTPSHandler)]


def test_downloads_and_check_ins_share_what_was_read() -> None:
    contexts = {_context(download._opener(None)), *(_context(pubsub._opener(_URL, through_proxy=True)) for _ in "12")}
    assert len(contexts) == 1


def test_a_server_that_the_given_file_vouches_for_needs_no_others(reads: list[str], authority: Authority) -> None:
    with serving(lambda *_: Answer(body=b"it"), authority.context) as url:
        assert download._opener(authority.ca_file).open(url).read() == b"it"
    assert reads == []


def test_a_server_of_the_systems_file_is_found_on_the_second_look(
    reads: list[str], authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The system's directory lacks the authority, and its file has it."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    opener = download._opener(None)
    with serving(lambda *_: Answer(body=b"it"), authority.context) as url:
        assert [opener.open(url).read() for _ in range(2)] == [b"it", b"it"]
    assert len(reads) == 1


def test_servers_are_verified_by_the_systems_authorities() -> None:
    context = authorities.Authorities().context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.verify_flags == ssl.create_default_context().verify_flags


def _context(opener: Any) -> ssl.SSLContext:
    (handler,) = (handler for handler in opener.handlers if isinstance(handler, HTTPSHandler))
    context: ssl.SSLContext = handler._context  # type: ignore[attr-defined]
    return context


def _run(program: str, **environment: str) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(_LIBRARY)!r}); {program}"]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout


def test_what_is_loaded_before_the_process_may_start_anew_is_little() -> None:
    loaded = _run_bare("import pragma_runtime.handover, pragma_runtime.log")
    assert "pragma_runtime.handover" in loaded
    assert {"pragma_runtime.settings", "dataclasses", "urllib.parse", "pathlib"}.isdisjoint(loaded)


def test_a_start_loads_nothing_slow_that_it_may_not_need() -> None:
    loaded = _run_bare("import pragma_runtime.lifecycle, pragma_runtime.hooked")
    assert "pragma_runtime.hooked" in loaded
    assert _SLOW & set(loaded) == set()


def test_the_import_of_a_provider_loads_nothing_slow_beside_it(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "moon.py").write_text("")
    use = f"isolate(Path({str(packages)!r}), Path({str(tmp_path)!r})); import_provider('moon', Path({str(packages)!r}))"

    loaded = set(_run_bare(f"from pathlib import Path; from pragma_runtime.provider import *; {use}"))

    assert "moon" in loaded
    assert loaded.isdisjoint({"importlib.metadata", "sysconfig", "textwrap"} | _SLOW)


def _run_bare(load: str) -> list[str]:
    """The modules that are loaded afterwards, without those that this machine's site brings."""
    program = f"import sys; sys.path[:0] = sys.argv[1:]; {load}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", program, str(_LIBRARY)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()


@pytest.mark.parametrize(
    "hindrance", ["pass", "handover._MEMORY = '/nowhere/mem'", "handover._SHOWN = '/nowhere/environ'"]
)
def test_the_token_is_taken_out_of_what_the_kernel_shows_where_memory_cannot_be_written_too(hindrance: str) -> None:
    """The other variables are shown as before, on both ways."""
    shown = "open('/proc/self/environ').read()"
    program = f"from pragma_runtime import handover; {hindrance}; token = handover.take_token(); print(token, {shown})"

    printed = _run(program, PRAGMA_CHECK_IN_TOKEN=TOKEN, PRAGMA_CHECK_IN_TOPIC="a topic")

    token, _, environment = printed.partition(" ")
    assert token == TOKEN
    assert "PRAGMA_CHECK_IN_TOPIC=a topic" in environment
    assert "PRAGMA_CHECK_IN_TOKEN=" not in environment
    assert TOKEN not in environment
