"""A start reads the system's authorities once, and not at all where nothing is asked over https."""

import ssl
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
