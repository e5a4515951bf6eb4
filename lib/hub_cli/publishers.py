"""`hub publishers`: which workflows may publish a provider without a stored token."""

import argparse

from hub_cli.api import Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, moment, printable, table, terminal_width
from hub_cli.errors import UsageError
from hub_cli.trusted import print_token


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry out one verb. Raises ClientError."""
    match parsed.command:
        case "list":
            _list(session, parsed.provider)
        case "add":
            _add(session, parsed)
        case "remove":
            session.api.publishers.remove(parsed.provider, parsed.id)
            _say(session, {"removed": parsed.id}, f"{parsed.id} publishes {parsed.provider} no more.")
        case "token":
            return print_token(session, parsed.provider)
        case "secretless-only":
            _secretless_only(session, parsed)
        case "attested-only":
            _attested_only(session, parsed.provider, wanted=parsed.setting == "on")
    return 0


def _list(session: Session, provider: str) -> None:
    found = session.api.publishers.list(provider)
    if session.as_json:
        print(as_json(found))
        return
    if found["items"]:
        heads = ("ID", "REPOSITORY", "WORKFLOW", "ENVIRONMENT", "REF", "LAST USED")
        print(table(heads, [_row(one) for one in found["items"]], terminal_width()))
    else:
        print(f"No workflow publishes {provider}; `hub publishers add` lets one.")
    if found["secretless_only"] or found["organization_secretless_only"]:
        print("Machines' tokens may not publish it.")
    if found.get("attested_only"):
        print("A version without attestations is refused.")


def _row(one: Json) -> tuple[str, ...]:
    limits = (one["environment"] or "any", one["ref"] or "any")
    return (one["id"], one["repository"], one["workflow"], *limits, moment(one["last_used_at"]) or "never")


def _add(session: Session, parsed: argparse.Namespace) -> None:
    short = parsed.repository.rpartition("/")[2].lower()
    provider = parsed.provider or f"{session.api.organization_slug()}/{short}"
    body = {
        "platform": parsed.platform,
        "repository": parsed.repository,
        "workflow": parsed.workflow,
        "called_workflow": parsed.called_workflow,
        "environment": parsed.environment,
        "ref": parsed.ref,
        "issuer": parsed.issuer,
        "repository_id": parsed.repository_id,
        "owner_id": parsed.owner_id,
        "replaces_repository": parsed.replaces_repository,
    }
    added = session.api.publishers.add(provider, body)
    _say(session, added, f"{added['repository']} publishes {provider} by {added['workflow']} ({added['id']}).")


def _secretless_only(session: Session, parsed: argparse.Namespace) -> None:
    wanted = parsed.setting == "on"
    if (parsed.provider is None) == (not parsed.organization):
        raise UsageError("name a provider, or --organization for all of them.")
    if parsed.organization:
        answer = session.api.publishers.change_organization(secretless_only=wanted)
        whose = "every provider of the organization"
    else:
        answer = session.api.publishers.change(parsed.provider, {"secretless_only": wanted})
        whose = parsed.provider
    who = "trusted publishers and people alone" if wanted else "machines' tokens too"
    _say(session, answer, f"{whose} may be published by {who}.")


def _attested_only(session: Session, provider: str, *, wanted: bool) -> None:
    answer = session.api.publishers.change(provider, {"attested_only": wanted})
    which = "with attestations alone" if wanted else "without attestations too"
    _say(session, answer, f"versions of {provider} are taken {which}.")


def _say(session: Session, answer: Json, sentence: str) -> None:
    print(as_json(answer) if session.as_json else printable(sentence))
