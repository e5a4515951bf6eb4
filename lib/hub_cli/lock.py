"""`hub lock` and `hub relock`: what is installed beside a version's wheel, and what differs between two versions."""

import argparse
from collections.abc import Mapping

from hub_cli.arguments import Session
from hub_cli.display import as_json, table, terminal_width
from hub_cli.errors import Refused
from provider_hub.domain.dependencies import DependencyLock, LockedWheel, LockMalformed

_SHOWN_DIGITS = 12


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry one of the commands out, by its name. Raises ClientError."""
    match parsed.command:
        case "show":
            return _show(session, parsed.provider, parsed.version, raw=parsed.toml)
        case "diff":
            return _diff(session, parsed.provider, parsed.before, parsed.after)
    raise AssertionError(f"{parsed.command} is no command of locks")


def relock(session: Session, name: str, version: str) -> int:
    """Have the dependencies resolved again. Raises ClientError."""
    answer = session.api.relock(name, version)
    if session.as_json:
        print(as_json(answer))
    else:
        print(
            f"{name} {version} is locked again within minutes; `hub lock show` shows the lock, `hub upgrade` takes it."
        )
    return 0


def _show(session: Session, name: str, version: str, *, raw: bool) -> int:
    text = session.api.lock(name, version, anonymous=session.target.token is None)
    if raw:
        print(text, end="")
        return 0
    wheels = _parsed(text).wheels
    if session.as_json:
        print(as_json([_as_json(wheel) for wheel in wheels]))
    elif not wheels:
        print(f"{name} {version} needs nothing beside its own wheel.")
    else:
        rows = [(one.name, one.version, one.sha256[:_SHOWN_DIGITS], one.file_name) for one in wheels]
        print(table(("DISTRIBUTION", "VERSION", "SHA-256", "WHEEL"), rows, terminal_width()))
    return 0


def _diff(session: Session, name: str, before: str, after: str) -> int:
    anonymous = session.target.token is None
    old, new = (_by_name(session.api.lock(name, text, anonymous=anonymous)) for text in (before, after))
    changes = [(one, old.get(one), new.get(one)) for one in sorted({*old, *new}) if old.get(one) != new.get(one)]
    if session.as_json:
        told = [{"name": one, "before": _or_none(was), "after": _or_none(now)} for one, was, now in changes]
        print(as_json(told))
    elif not changes:
        print(f"{before} and {after} of {name} install the same beside their own wheels.")
    else:
        rows = [(one, _shown(was, now), _shown(now, was)) for one, was, now in changes]
        print(table(("DISTRIBUTION", before, after), rows, terminal_width()))
    return 0


def _by_name(text: str) -> Mapping[str, LockedWheel]:
    return {wheel.name: wheel for wheel in _parsed(text).wheels}


def _parsed(text: str) -> DependencyLock:
    try:
        return DependencyLock.parse(text)
    except LockMalformed as error:
        raise Refused(f"the lock cannot be read ({error}): check the API's URL, or use a newer hub command.") from error


def _shown(wheel: LockedWheel | None, other: LockedWheel | None) -> str:
    """The version; where both have the same, the digest too, for then another file was locked."""
    if wheel is None:
        return "-"
    same = other is not None and other.version == wheel.version
    return f"{wheel.version} ({wheel.sha256[:_SHOWN_DIGITS]})" if same else wheel.version


def _or_none(wheel: LockedWheel | None) -> dict[str, object] | None:
    return None if wheel is None else _as_json(wheel)


def _as_json(wheel: LockedWheel) -> dict[str, object]:
    return {
        "name": wheel.name,
        "version": wheel.version,
        "file_name": wheel.file_name,
        "url": wheel.url,
        "sha256": wheel.sha256,
        "size": wheel.size,
    }
