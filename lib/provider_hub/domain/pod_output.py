"""What a tenant's pods print: lines with their times, and the place in them where a reader goes on.

A cursor holds a place for each pod. One time for all pods would lose lines: a pod's line may reach the reader after a
later line of another pod.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from provider_hub.domain.dataclass import dataclass

CURSOR_LENGTH = 8192
MOST_PODS = 24
_POD = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_FORM = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END = datetime(9999, 1, 1, tzinfo=UTC)
_LATEST = (_END - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one pod, without its line end; `at` is when it was printed, by the clock of the pod's node."""

    at: datetime
    pod: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far a pod's output was read: to the `count`th line of those that were printed at `at`.

    `restarts` is how often its container had been restarted then. `gone_at` is when the pod was first missed.
    """

    at: datetime
    count: int
    restarts: int = 0
    gone_at: datetime | None = None

    def after(self, lines: Iterable[LogLine]) -> Iterator[LogLine]:
        """Those of a pod's lines, oldest first, that were not read yet."""
        same = 0
        for line in lines:
            if line.at == self.at:
                same += 1
            if line.at > self.at or (line.at == self.at and same > self.count):
                yield line

    def moved(self, lines: Iterable[LogLine]) -> Self:
        """The place behind these lines, which follow it."""
        at, count = self.at, self.count
        for line in lines:
            count = count + 1 if line.at == at else 1
            at = line.at
        return replace(self, at=at, count=count)


NOTHING_READ = Place(_EPOCH, 0)


@dataclass(frozen=True, slots=True)
class LogCursor:
    """Where a reader goes on: behind a place for each pod, and from `start` in the pods that it has not met yet.

    `start` None is the beginning of what a pod printed. `has_kept` says that the kept output of pods that were gone at
    the beginning has been looked up.
    """

    start: datetime | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    has_kept: bool = False

    def place_of(self, pod: str) -> Place:
        """The pod's place; one before all lines for a pod that is new."""
        return self.places.get(pod, NOTHING_READ)

    def encode(self) -> str:
        """As text of URL-safe characters."""
        newest = sorted(self.places.items(), key=lambda item: item[1].at)[-MOST_PODS:]
        places = {pod: [_micros(one.at), one.count, one.restarts, _maybe(one.gone_at)] for pod, one in newest}
        raw = json.dumps([_FORM, _maybe(self.start), self.has_kept, places], separators=(",", ":")).encode()
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """A cursor's text, or a time of ISO 8601 to begin at, 1970 for an earlier one.

        Raises ValueError with a sentence.

        A caller may have invented its cursor. It opens nothing, so only its form is checked.
        """
        start = _time(text)
        if start is not None:
            # What a cursor can hold: a time outside of it would give a cursor that the next call refuses.
            return cls(min(max(start, _EPOCH), _END))
        try:
            form, begun, has_kept, places = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if form != _FORM or len(places) > MOST_PODS:
                raise ValueError("another form")
            read = {_pod(name): _place(*values) for name, values in places.items()}
            return cls(_moment_or_none(begun), read, has_kept is True)
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise ValueError("is neither a time, such as 2026-03-02T10:15:30Z, nor a cursor of this route") from None


def parse_output(content: bytes, pod: str, *, has_ended: bool) -> Iterator[LogLine]:
    """The lines of a log that the cluster gives with timestamps, each read when it is asked for.

    A last line without its end is left out unless the process `has_ended`: the rest of it may be on its way.
    """
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        yield from _line(content[start:end], pod)
        start = end + 1
    if has_ended:
        yield from _line(content[start:], pod)


def _line(piece: bytes, pod: str) -> Iterator[LogLine]:
    stamp, _, text = piece.decode("utf-8", "replace").partition(" ")
    at = _time(stamp)
    if at is not None:
        yield LogLine(at, pod, text.rstrip("\r"))


def _time(text: str) -> datetime | None:
    """A time with its zone; the nanoseconds of Kubernetes are cut to microseconds."""
    if len(text) < 10 or text[4] != "-":
        return None
    try:
        read = datetime.fromisoformat(text)
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        # OverflowError: in UTC it is before the year 1, or after 9999.
        return None


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _maybe(at: datetime | None) -> int | None:
    return None if at is None else _micros(at)


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LATEST:
        raise ValueError("no time")
    return _EPOCH + value * _MICROSECOND


def _moment_or_none(value: object) -> datetime | None:
    return None if value is None else _moment(value)


def _place(at: object, count: object, restarts: object, gone_at: object) -> Place:
    numbers = [_number(value) for value in (count, restarts)]
    return Place(_moment(at), numbers[0], numbers[1], _moment_or_none(gone_at))


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError("no count")
    return value


def _pod(name: object) -> str:
    if not isinstance(name, str) or not _POD.fullmatch(name):
        raise ValueError("no pod")
    return name
