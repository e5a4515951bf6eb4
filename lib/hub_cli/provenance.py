"""`hub provenance`: what a version's CI run attested, and what an organization requires of versions."""

import argparse

from hub_cli.api import Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, facts, origin_of, printable, table, terminal_width
from hub_cli.errors import Refused

_ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}
_ALL = "every other provider"


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry out one verb. Raises ClientError."""
    match parsed.command:
        case "show":
            _show(session, parsed.provider, parsed.version)
        case "list":
            _list(session, session.api.provenance.required())
        case "require":
            issuer = parsed.issuer or _ISSUERS[parsed.platform]
            rule = {"issuer": issuer, "repository": parsed.repository, "ref": parsed.ref}
            _list(session, session.api.provenance.require(parsed.provider, rule))
        case "exempt":
            _list(session, session.api.provenance.require(parsed.provider, None))
        case "drop":
            _list(session, session.api.provenance.drop(parsed.provider))
    return 0


def _show(session: Session, name: str, version: str) -> None:
    anonymous = session.target.token is None
    row = session.api.version(name, version, anonymous=anonymous)
    if not row["provenance_path"]:
        raise Refused(
            f"{name} {version} was published without attestations, from {origin_of(row) or 'an unknown place'}."
        )
    if session.as_json:
        print(as_json(session.api.provenance.of_version(row["provenance_path"], anonymous=anonymous)))
        return
    by = row["published_by"]
    pairs = [("wheel", row["wheel_filename"]), ("sha256", row["wheel_sha256"])]
    pairs += [(word, by[word]) for word in ("repository", "ref", "commit", "workflow")]
    # A hub of an earlier release does not say it.
    pairs += [("called workflow", by.get("called_workflow")), ("environment", by["environment"])]
    pairs += [("issuer", by["issuer"]), ("run", by["run_url"]), ("attested", ", ".join(row["attestations"]))]
    print(facts(pairs))


def _list(session: Session, required: Json) -> None:
    if session.as_json:
        print(as_json(required))
        return
    rows = [(one["provider"], *_columns_of(one["require_provenance"])) for one in required["providers"]]
    rows.append((_ALL, *_columns_of(required["require_provenance"])))
    print(table(("PROVIDER", "REPOSITORY", "REF", "ISSUER"), rows, terminal_width()))


def _columns_of(rule: Json | None) -> tuple[str, ...]:
    return (
        ("nothing", "", "") if rule is None else (printable(rule["repository"]), rule["ref"] or "any", rule["issuer"])
    )
