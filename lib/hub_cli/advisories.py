"""`hub advisories`: the known vulnerabilities of what is installed, or of what a provider's versions lock."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub_cli.arguments import Session
from hub_cli.display import as_json, table, terminal_width

_MOST_VERSIONS = 100
_FACTS = ("advisories", "advisories_as_of")


def run(session: Session, provider: str | None) -> int:
    """Print them. Raises ClientError."""
    if provider is None:
        return _of_installations(session)
    return _of_versions(session, provider)


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
    _print(heads, lines, "Nothing that is installed has a known vulnerability.", rows)
    return 0


def _of_versions(session: Session, provider: str) -> int:
    versions = session.api.versions(provider, _MOST_VERSIONS, anonymous=session.target.token is None)
    if session.as_json:
        print(as_json([{name: one.get(name) for name in ("version", "status", *_FACTS)} for one in versions]))
        return 0
    heads = ("VERSION", "ADVISORY", "SEVERITY", "IN", "FIXED IN")
    lines = [(one["version"], *line) for one in versions for line in _lines_of(one)]
    _print(heads, lines, f"Nothing that {provider} locks has a known vulnerability.", versions)
    return 0


def _print(
    heads: Sequence[str], lines: Sequence[Sequence[str]], otherwise: str, looked_at: Sequence[Mapping[str, Any]]
) -> None:
    unknown = sum(one.get("advisories") is None for one in looked_at)
    if lines:
        print(table(heads, lines, terminal_width()))
    elif unknown < len(looked_at) or not looked_at:
        print(otherwise)
    if unknown:
        print(f"Nothing is known of {unknown} of {len(looked_at)}: no lock, or not held against a database yet.")


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
