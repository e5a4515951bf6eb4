"""What a pod's start pays for: authorities are read once, or not at all, and little is loaded twice."""

import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler

import pytest

from pragma_runtime import authorities, download, pubsub


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An entry for each time that the authorities are read."""
    found: list[str] = []
    load = ssl.SSLContext.load_default_certs

    def loaded(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        found.append(str(purpose))
        load(context, purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", loaded)
    authorities.system_context.cache_clear()
    return found


def test_what_is_asked_without_https_reads_none(reads: list[str]) -> None:
    opener: Any = pubsub._opener("http://metadata.google.internal/token", through_proxy=False)
    assert reads == []
    assert not [handler for handler in opener.handlers if isinstance(handler, HTTPSHandler)]


def test_downloads_and_check_ins_share_what_was_read(reads: list[str]) -> None:
    download._opener(None)
    for _ in range(3):
        pubsub._opener("https://pubsub.googleapis.com/v1/projects/p/topics/t:publish", through_proxy=True)
    assert len(reads) == 1


def test_servers_are_verified_as_before(reads: list[str]) -> None:
    context = authorities.system_context()
    assert (context.verify_mode, context.check_hostname, len(reads)) == (ssl.CERT_REQUIRED, True, 1)


def test_what_is_loaded_before_the_process_starts_anew_is_little() -> None:
    load = "import pragma_runtime.handover, pragma_runtime.log"
    program = f"import sys; sys.path[:0] = sys.argv[1:]; {load}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", program, str(Path(authorities.__file__).parents[1])]
    loaded = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert "pragma_runtime.handover" in loaded
    assert {"pragma_runtime.settings", "dataclasses", "urllib.parse", "inspect"}.isdisjoint(loaded)
