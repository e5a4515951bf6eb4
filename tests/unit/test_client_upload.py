"""An upload that does not get on ends, however politely its host answers."""

import io
from collections.abc import Iterator
from itertools import chain, cycle, repeat
from typing import Any

import pytest
from urllib3 import HTTPResponse

from hub_cli import upload
from hub_cli.errors import Unavailable

SIZE = 3 * upload.PART_BYTES
TO = upload.Destination("https://storage.example/upload?upload_id=secret", {}, None)


class Host:
    """Answers each request with the next of `ends`, how many bytes it says it has; all of them is the end."""

    def __init__(self, ends: Iterator[int]) -> None:
        self._ends = ends
        self.requests = 0

    def request(self, *_: Any, **__: Any) -> HTTPResponse:
        self.requests += 1
        if self.requests > 100:
            raise AssertionError("it sends the same again and again")
        end = next(self._ends)
        if end == SIZE:
            return HTTPResponse(status=200)
        return HTTPResponse(status=308, headers={"Range": f"bytes=0-{end - 1}"} if end else {})


def sent(monkeypatch: pytest.MonkeyPatch, ends: Iterator[int]) -> tuple[list[int], list[float]]:
    host, moved, slept = Host(ends), list[int](), list[float]()
    monkeypatch.setattr(upload, "pool", lambda *_, **__: host)
    upload.upload(io.BytesIO(bytes(SIZE)), SIZE, TO, moved.append, slept.append)
    return moved, slept


@pytest.mark.parametrize("ends", [repeat(0), cycle([0, upload.PART_BYTES])], ids=["nothing", "to and fro"])
def test_a_host_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, ends: Iterator[int]) -> None:
    with pytest.raises(Unavailable, match="does not get on, 6 times in a row: it takes nothing") as refusal:
        sent(monkeypatch, ends)
    assert "secret" not in str(refusal.value)


def test_a_host_that_takes_nothing_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    moved, slept = sent(monkeypatch, chain([0, 0, upload.PART_BYTES, upload.PART_BYTES], [SIZE]))
    assert slept == [0.5, 1.0, 0.5]
    assert moved == [0, 0, upload.PART_BYTES, upload.PART_BYTES, SIZE]
