"""What a container wrote: bounded files, the present run's and the previous one's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

FALLBACK_LINES = 80
FALLBACK_BYTES = 2048


class ContainerLog:
    """The output of one run of a container, in a file and one rotated file of at most `limit` bytes each.

    A file has the form of the container runtimes: a record a line, with its time, `F` or `P`, and the bytes. `P` says
    that the bytes were written without the line's end.
    """

    def __init__(self, path: Path, limit: int = 1 << 20) -> None:
        self._path = path
        self._rotated = path.with_suffix(".rotated")
        self._limit = limit
        self._file: BinaryIO | None = path.open("ab")
        self._size = path.stat().st_size
        self._total = self._size
        self._wakers: set[asyncio.Event] = set()

    def write(self, data: bytes) -> None:
        """Append. After `close` this does nothing."""
        if self._file is None or not data:
            return
        records = _records_of(data, datetime.now(UTC))
        if self._size + len(records) > self._limit and self._size:
            self._file.close()
            self._path.replace(self._rotated)
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(records)
        self._file.flush()
        self._size += len(records)
        self._total += len(records)
        self._wake()

    def close(self) -> None:
        """Stop writing. A client that follows the log reaches its end."""
        if self._file:
            self._file.close()
            self._file = None
        self._wake()

    def remove(self) -> None:
        """Close the log and delete its files."""
        self.close()
        for path in (self._path, self._rotated):
            path.unlink(missing_ok=True)

    def tail(self, lines: int | None = None, *, since: datetime | None = None, timestamps: bool = False) -> bytes:
        """The last `lines` lines, or everything kept; with `since`, of the lines that were written from then on.

        With `timestamps` each line begins with its time and a blank.
        """
        if lines == 0:
            return b""
        written = written_lines(self._kept())
        chosen = [line for line in written if since is None or line.at >= since]
        return b"".join(line.shown(timestamps=timestamps) for line in chosen[-lines if lines else 0 :])

    def last_words(self) -> str:
        """What Kubernetes' `FallbackToLogsOnError` gives: the last 80 lines, of them the last 2048 bytes."""
        return self.tail(FALLBACK_LINES)[-FALLBACK_BYTES:].decode("utf-8", "replace")

    async def follow(self, *, timestamps: bool = False) -> AsyncIterator[bytes]:
        """What is written from now on, until the run is closed."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        seen = self._total
        try:
            while self._file is not None or seen < self._total:
                if seen == self._total:
                    await waker.wait()
                    waker.clear()
                    continue
                # A slow follower loses what is rotated away before it reads.
                missed, seen = self._total - seen, self._total
                newest = written_lines(self._kept()[-missed:])
                yield b"".join(line.shown(timestamps=timestamps) for line in newest)
        finally:
            self._wakers.discard(waker)

    def _kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in (self._rotated, self._path) if path.exists())

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()


@dataclass(frozen=True)
class WrittenLine:
    """A line of a log: when its first piece was written, and its bytes. One that `is_whole` has its line end."""

    at: datetime
    content: bytes
    is_whole: bool

    def shown(self, *, timestamps: bool) -> bytes:
        """The line as a client sees it."""
        stamp = f"{_stamp(self.at)} ".encode() if timestamps else b""
        return stamp + self.content + (b"\n" if self.is_whole else b"")


def written_lines(records: bytes) -> list[WrittenLine]:
    """The lines that a file's records make up. What is left of a record that was cut away is skipped."""
    lines: list[WrittenLine] = []
    for record in records.split(b"\n"):
        stamp, _, rest = record.partition(b" ")
        tag, _, content = rest.partition(b" ")
        if tag not in (b"F", b"P"):
            continue
        if lines and not lines[-1].is_whole:
            before = lines.pop()
            lines.append(WrittenLine(before.at, before.content + content, tag == b"F"))
        else:
            lines.append(WrittenLine(datetime.fromisoformat(stamp.decode()), content, tag == b"F"))
    return lines


def _records_of(data: bytes, at: datetime) -> bytes:
    *whole, rest = data.split(b"\n")
    head = f"{_stamp(at)} ".encode()
    records = [head + b"F " + line + b"\n" for line in whole]
    if rest:
        records.append(head + b"P " + rest + b"\n")
    return b"".join(records)


def _stamp(at: datetime) -> str:
    """RFC 3339 with nanoseconds, as container runtimes write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z"


class LogHistory:
    """The logs of a container's runs: the present and the previous one, older ones are removed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.current: ContainerLog | None = None
        self.previous: ContainerLog | None = None

    def start(self, run: int) -> ContainerLog:
        """The log of a new run, by its number; the one before it becomes `previous`."""
        if self.previous:
            self.previous.remove()
        if self.current:
            self.current.close()
        self.previous = self.current
        self._directory.mkdir(parents=True, exist_ok=True)
        self.current = ContainerLog(self._directory / f"{run}.log")
        return self.current

    def close(self) -> None:
        """Close the logs and keep their files."""
        for log in (self.previous, self.current):
            if log:
                log.close()
