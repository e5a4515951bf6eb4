"""`hub advisories`: the known vulnerabilities of what is installed, or of what a provider's versions lock."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub_cli.arguments import Session
from hub_cli.display import as_json, table, terminal_width

_MOST_VERSIONS = 100
_FACTS = ("advisories", "advisories_as_of")
_SUMMARY = ("advisory_count", "advisory_severity", "advisories_as_of")


def run(session: Session, provider: str | None, version: str | None) -> int:
    """Print those of all installations or of one version, or how many each version has. Raises ClientError."""
    if provider is None:
        return _of_installations(session)
    return _of_versions(session, provider) if version is None else _of_version(session, provider, version)


def summary_of(raw: Mapping[str, Any]) -> str | None:
    """In a few words what is known of an installation, None where nothing is, or where an older hub does not say."""
    found = raw.get("advisories")
    if not found:
        return None
    mended_by = raw.get("mended_by")
    return (
        f"{len(found)} known, the worst {_severity(found[0])}; {_way_out(raw) if mended_by else 'no version mends all'}"
    )


def _of_installations(session: Session) -> int:
    rows = [row.raw for row in session.api.installations()]
    if session.as_json:
        names = ("canonical", "installed_version", "mended_by", *_FACTS)
        print(as_json([{name: raw.get(name) for name in names} for raw in rows]))
        return 0
    heads = ("PROVIDER", "INSTALLED", "ADVISORY", "SEVERITY", "IN", "FIXED IN", "MENDED BY")
    lines = [
        (raw["canonical"], raw["installed_version"], *line, _way_out(raw)) for raw in rows for line in _lines_of(raw)
    ]
    unknown = sum(raw.get("advisories") is None for raw in rows)
    _print(heads, lines, "Nothing that is installed has a known vulnerability.", unknown, len(rows))
    return 0


def _of_versions(session: Session, provider: str) -> int:
    versions = session.api.versions(provider, _MOST_VERSIONS, anonymous=session.target.token is None)
    if session.as_json:
        print(as_json([{name: one.get(name) for name in ("version", "status", *_SUMMARY)} for one in versions]))
        return 0
    counts = [(one["version"], one.get("advisory_count"), one.get("advisory_severity")) for one in versions]
    lines = [(version, str(count), severity or "unknown") for version, count, severity in counts if count]
    unknown = sum(count is None for _, count, _ in counts)
    otherwise = f"Nothing that {provider} locks has a known vulnerability."
    _print(("VERSION", "ADVISORIES", "THE WORST"), lines, otherwise, unknown, len(counts))
    return 0


def _of_version(session: Session, provider: str, version: str) -> int:
    shown = session.api.version(provider, version, anonymous=session.target.token is None)
    if session.as_json:
        print(as_json({name: shown.get(name) for name in ("version", "status", *_FACTS)}))
        return 0
    otherwise = f"Nothing that {provider} {version} locks has a known vulnerability."
    unknown = int(shown.get("advisories") is None)
    _print(("ADVISORY", "SEVERITY", "IN", "FIXED IN"), list(_lines_of(shown)), otherwise, unknown, 1)
    return 0


def _print(heads: Sequence[str], lines: Sequence[Sequence[str]], otherwise: str, unknown: int, looked_at: int) -> None:
    if lines:
        print(table(heads, lines, terminal_width()))
    elif unknown < looked_at or not looked_at:
        print(otherwise)
    if unknown:
        print(f"Nothing is known of {unknown} of {looked_at}: no lock, or not held against a database yet.")


def _lines_of(shown: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for one in shown.get("advisories") or ():
        yield one["id"], _severity(one), f"{one['package']} {one['version']}", one["fixed_in"] or "-"


def _severity(advisory: Mapping[str, Any]) -> str:
    return str(advisory["severity"] or "unknown")


def _way_out(raw: Mapping[str, Any]) -> str:
    mended_by = raw.get("mended_by")
    if mended_by is None:
        return "-"
    return f"{mended_by}, locked again" if mended_by == raw["installed_version"] else str(mended_by)
