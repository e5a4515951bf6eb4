"""What a container wrote: bounded files, the present run's and the previous one's."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

FALLBACK_LINES = 80
FALLBACK_BYTES = 2048


class ContainerLog:
    """The output of one run of a container, in a file and one rotated file of at most `limit` bytes each."""

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
        if self._file is None:
            return
        if self._size + len(data) > self._limit and self._size:
            self._file.close()
            self._path.replace(self._rotated)
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        self._total += len(data)
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

    def tail(self, lines: int | None = None) -> bytes:
        """The last `lines` lines, or everything kept."""
        if lines == 0:
            return b""
        content = b"".join(path.read_bytes() for path in (self._rotated, self._path) if path.exists())
        if lines is None:
            return content
        return b"".join(content.splitlines(keepends=True)[-lines:])

    def last_words(self) -> str:
        """What Kubernetes' `FallbackToLogsOnError` gives: the last 80 lines, of them the last 2048 bytes."""
        return self.tail(FALLBACK_LINES)[-FALLBACK_BYTES:].decode("utf-8", "replace")

    async def follow(self) -> AsyncIterator[bytes]:
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
                yield self.tail()[-missed:]
        finally:
            self._wakers.discard(waker)

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()


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
