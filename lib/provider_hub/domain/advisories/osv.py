"""Records of the Open Source Vulnerabilities format (ossf.github.io/osv-schema), and which versions they affect.

A record is read with tolerance: what it says of other ecosystems, of Git, or in a form that nobody can read counts for
nothing, and the rest counts. Versions are compared as PEP 440 orders them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from provider_hub.domain.advisories.cvss import severity_of
from provider_hub.domain.advisories.records import Advisory, Severity
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError
from provider_hub.domain.names import normalised

ECOSYSTEM = "PyPI"
# What one record may list of one package: real ones have a few hundred versions.
MOST_LISTED = 20_000
MOST_ALIASES = 20
ID_LENGTH = 100
SUMMARY_LENGTH = 200
_WORDS = {"MODERATE": Severity.MEDIUM, **{severity.upper(): severity for severity in Severity}}
# The order of events at one version: what is fixed there may be introduced again, and is affected there at least.
_KINDS = ("fixed", "introduced", "last_affected")
_BEGINNING = "0"


class OsvMalformed(HubError):
    """No record that can be read."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change at one version: `kind` is `fixed`, `introduced` or `last_affected`; None is before all versions."""

    kind: str
    version: Version | None

    @property
    def place(self) -> tuple[bool, Any, int]:
        """Where it stands among the events of its range."""
        return (self.version is not None, self.version, _KINDS.index(self.kind))


@dataclass(frozen=True, slots=True)
class Affected:
    """What a record says of one package: ranges of versions, each as its events in order, and single `versions`."""

    package: str
    ranges: tuple[tuple[Event, ...], ...]
    versions: tuple[str, ...]

    def has(self, version: Version) -> bool:
        """Whether the version is affected."""
        return any(_in_range(version, events) for events in self.ranges) or any(
            _parsed(text) == version for text in self.versions
        )


@dataclass(frozen=True, slots=True)
class OsvRecord:
    """One vulnerability. `modified` is as the record writes it, in RFC 3339."""

    osv_id: str
    aliases: tuple[str, ...]
    modified: str
    is_withdrawn: bool
    summary: str | None
    severity: Severity | None
    affected: tuple[Affected, ...]


def parse_record(document: Any, packages: Collection[str] | None = None) -> OsvRecord:
    """The record of parsed JSON, with what it says of `packages` alone (None: of all). Raises OsvMalformed."""
    if not isinstance(document, dict) or not _is_id(document.get("id")):
        raise OsvMalformed("a record is an object with an id")
    entries = [entry for entry in _list(document.get("affected")) if _package(entry) is not None]
    read = (_affected(entry) for entry in entries if packages is None or _package(entry) in packages)
    return OsvRecord(
        osv_id=document["id"][:ID_LENGTH],
        aliases=tuple(text[:ID_LENGTH] for text in _list(document.get("aliases")) if _is_id(text))[:MOST_ALIASES],
        modified=_text(document.get("modified")) or "",
        is_withdrawn=bool(document.get("withdrawn")),
        summary=_summary(document),
        severity=_severity(document, entries),
        affected=tuple(read),
    )


def matching(record: OsvRecord, locked: Mapping[str, Collection[str]]) -> Iterator[Advisory]:
    """An advisory for each locked version, by its distribution's normalised name, that the record says is affected."""
    if record.is_withdrawn:
        return
    for package in sorted({one.package for one in record.affected} & locked.keys()):
        about = [one for one in record.affected if one.package == package]
        for text in sorted(locked[package]):
            version = _parsed(text)
            if version is None or not _is_affected(version, about):
                continue
            yield Advisory(
                advisory_id=record.osv_id,
                aliases=record.aliases,
                package=package,
                version=text,
                summary=record.summary,
                severity=record.severity,
                fixed_in=_fixed_in(version, about),
            )


def _is_affected(version: Version, about: Sequence[Affected]) -> bool:
    return any(one.has(version) for one in about)


def _fixed_in(version: Version, about: Sequence[Affected]) -> str | None:
    """The lowest later version of a `fixed` event that is not affected: the next one may be another line's."""
    fixes = {
        event.version
        for one in about
        for events in one.ranges
        for event in events
        if event.kind == "fixed" and event.version is not None and event.version > version
    }
    return next((str(fix) for fix in sorted(fixes) if not _is_affected(fix, about)), None)


def _in_range(version: Version, events: Sequence[Event]) -> bool:
    is_affected = False
    for event in events:
        if event.version is not None and version < event.version:
            break
        # Where the version is the last affected one, it is affected; from there on it is not.
        is_affected = event.kind == "introduced" or (
            is_affected and event.kind == "last_affected" and version == event.version
        )
    return is_affected


def _affected(entry: Mapping[str, Any]) -> Affected:
    versions = tuple(text for text in _list(entry.get("versions")) if _text(text))
    ranges = [one for one in _list(entry.get("ranges")) if isinstance(one, dict) and one.get("type") == "ECOSYSTEM"]
    if len(versions) > MOST_LISTED or sum(len(_list(one.get("events"))) for one in ranges) > MOST_LISTED:
        raise OsvMalformed(f"a record lists at most {MOST_LISTED} versions of a package")
    read = (_events(_list(one.get("events"))) for one in ranges)
    return Affected(_package(entry) or "", tuple(events for events in read if events), versions)


def _events(listed: Sequence[Any]) -> tuple[Event, ...]:
    """The events in order; none where one of them cannot be read, since what it bounds is not known then.

    `limit` bounds how far a tool looks through a history of commits, and says nothing of versions.
    """
    found = [(kind, one[kind]) for one in listed if isinstance(one, dict) for kind in _KINDS if kind in one]
    events: list[Event] = []
    for kind, text in found:
        is_beginning = (kind, text) == ("introduced", _BEGINNING)
        version = None if is_beginning else _parsed(_text(text))
        if version is None and not is_beginning:
            return ()
        events.append(Event(kind, version))
    return tuple(sorted(events, key=lambda event: event.place))


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Version | None:
    """The version without its local label, by which a build differs from the release that it is one of."""
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return Version(version.public) if version.local else version


def _package(entry: Any) -> str | None:
    """The normalised name of a distribution on the index; None for any other package."""
    package = entry.get("package") if isinstance(entry, dict) else None
    if not isinstance(package, dict) or package.get("ecosystem") != ECOSYSTEM:
        return None
    return normalised(_text(package.get("name"))) or None


def _severity(document: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Severity | None:
    """The database's own word, else the worst of the record's CVSS vectors."""
    specific = document.get("database_specific")
    word = specific.get("severity") if isinstance(specific, dict) else None
    if isinstance(word, str) and word.upper() in _WORDS:
        return _WORDS[word.upper()]
    scores = [one for place in (document, *entries) for one in _list(place.get("severity")) if isinstance(one, dict)]
    known = [severity for one in scores if (severity := severity_of(_text(one.get("score"))))]
    return max(known, key=list(Severity).index, default=None)


def _summary(document: Mapping[str, Any]) -> str | None:
    """One line: the summary, else how the details begin."""
    text = _text(document.get("summary")) or _text(document.get("details"))
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    shown = "".join(letter if letter.isprintable() else " " for letter in line[: SUMMARY_LENGTH + 1])
    return (shown if len(shown) <= SUMMARY_LENGTH else f"{shown[: SUMMARY_LENGTH - 1]}…") or None


def _is_id(value: Any) -> bool:
    """Whether it names a record. The database holds no half of a surrogate pair: the round would end at the write."""
    return _text(value) != "" and value.isprintable()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
