"""`hub list`, `status`, `events`, `versions`, `organization` and `search`."""

import argparse
import textwrap
import time
from collections.abc import Mapping
from typing import Any

from hub_cli.advisories import summary_of
from hub_cli.api import Installation, Json, find_installation
from hub_cli.arguments import Session
from hub_cli.display import (
    as_json,
    facts,
    lines_below,
    moment,
    origin_of,
    printable,
    sentence_of,
    stored_of,
    table,
    terminal_width,
)
from hub_cli.errors import Unavailable
from hub_cli.progress import progress
from hub_cli.waiting import POLL_SECONDS, state_of

# Where an event's state begins, after its time.
_INDENT = 21


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Look at something. Raises ClientError."""
    match parsed.command:
        case "list":
            return _list(session)
        case "status":
            return _watch(session, parsed.provider) if parsed.watch else _status(session, parsed.provider)
        case "events":
            return _events(session, parsed.provider, parsed.limit)
        case "versions":
            return _versions(session, parsed.provider, parsed.limit)
        case "organization":
            return _organization(session)
        case "search":
            return _search(session, parsed)
    raise AssertionError(f"{parsed.command} shows nothing")


def _list(session: Session) -> int:
    rows = session.api.installations()
    if session.as_json:
        print(as_json([row.raw for row in rows]))
        return 0
    if not rows:
        print("Nothing is installed; `hub search` shows what there is.")
        return 0
    heads = ("PROVIDER", "VERSION", "STATE", "HEALTH", "TIER", "UPGRADE")
    print(table(heads, [_line(row) for row in rows], terminal_width()))
    return 0


def _line(row: Installation) -> tuple[str, ...]:
    return (row.canonical, row.installed_version, row.state, row.health, row.tier, _offered(row) or "")


def _offered(row: Installation) -> str | None:
    """What an upgrade would take: a newer version, or the installed one as it was locked again."""
    if row.upgrade_available and row.latest_version != row.installed_version:
        return row.latest_version
    return f"{row.installed_version}, locked again" if row.raw.get("relock_available") else None


def _status(session: Session, name: str) -> int:
    row = session.api.installation(name)
    deployment = session.api.deployment(name)
    if session.as_json:
        print(as_json({**row.raw, "deployment": deployment}))
        return 0
    print(row.canonical)
    print(facts([*_row_facts(row), *_deployment_facts(deployment)]))
    for line in lines_below(row.failure_message):
        print(f"    {line}")
    return 0


def _row_facts(row: Installation) -> list[tuple[str, object]]:
    running = f"{row.current_version} runs" if row.current_version else "none runs yet"
    offered = _offered(row)
    newer = f"; upgrade to {offered}" if offered else ""
    return [
        ("state", row.state),
        ("version", f"{row.installed_version} ({running}{newer})"),
        ("health", row.health),
        ("health message", row.health_message),
        ("failure", sentence_of(row.failure_message)),
        ("tier", row.tier),
        ("upgrades", row.policy),
        ("vulnerabilities", summary_of(row.raw)),
        # The names alone: a value may be a secret, and a terminal is often looked at by others.
        ("config", ", ".join(sorted(row.raw.get("config", {})))),
        ("secret config", ", ".join(row.raw.get("secret_config", []))),
        ("updated", f"{moment(row.updated_at)} UTC"),
    ]


def _deployment_facts(deployment: Mapping[str, Any]) -> list[tuple[str, object]]:
    replicas = f"{deployment.get('ready_replicas')} ready, {deployment.get('available_replicas')} available"
    return [
        ("deployment", deployment.get("status")),
        ("replicas", replicas),
        ("image", deployment.get("image")),
        ("message", deployment.get("message")),
    ]


def _organization(session: Session) -> int:
    found = session.api.organization()
    if session.as_json:
        print(as_json(found))
        return 0
    print(printable(str(found["slug"])))
    print(
        facts([(key, found.get(key)) for key in ("name", "organization_id", "status")] + [("stored", _stored(found))])
    )
    return 0


def _stored(organization: Json) -> str | None:
    """None where the hub is older than the figure."""
    if organization.get("stored_bytes") is None or organization.get("stored_bytes_limit") is None:
        return None
    return f"{stored_of(organization)}: wheels, their dependencies and open uploads"


def _watch(session: Session, name: str) -> int:
    """Each change as a line (as a JSON object a line for programs), until the row is gone."""
    last: Json | None = None
    row = session.api.installation(name)
    with progress() as shown:
        while True:
            if session.as_json and row.raw != last:
                print(as_json(row.raw, one_line=True), flush=True)
            elif not session.as_json:
                shown.changed(_described(row))
            last = row.raw
            shown.moving(f"{row.state}, since {moment(row.updated_at)} UTC; Ctrl-C ends this")
            time.sleep(POLL_SECONDS)
            try:
                newer = find_installation(session.api, name)
            except Unavailable as error:
                shown.changed(f"waiting for the API: {error}", about="API")
                continue
            if newer is None:
                shown.changed("gone")
                return 0
            row = newer


def _described(row: Installation) -> str:
    """A row in a line: its state and version, and the failure that led there."""
    line = f"{state_of(row)} at {row.installed_version}"
    return f"{line}: {sentence_of(row.failure_message)}" if row.failure_message and row.state != "ready" else line


def _events(session: Session, name: str, limit: int) -> int:
    events = session.api.events(name, limit)
    if session.as_json:
        print(as_json(events))
        return 0
    for event in events:
        print(_event_line(event))
        if event["reason"]:
            sentence = textwrap.fill(sentence_of(event["reason"]) or "", terminal_width() - _INDENT)
            print(textwrap.indent("\n".join([sentence, *lines_below(event["reason"])]), " " * _INDENT))
    return 0


def _event_line(event: Mapping[str, Any]) -> str:
    state = event["to_state"] or "gone"
    what = printable(f"{event['event']}, by {event['cause']}")
    return f"{moment(event['at'])}  {state:<10}  {printable(event['version'])} (gen {event['generation']}): {what}"


def _versions(session: Session, name: str, limit: int) -> int:
    found = session.api.versions(name, limit, anonymous=session.target.token is None)
    if session.as_json:
        print(as_json(found))
        return 0
    heads = ("VERSION", "STATUS", "PUBLISHED", "FROM")
    rows = [(one["version"], one["status"], moment(one["published_at"]), origin_of(one)) for one in found]
    print(table(heads, rows, terminal_width()))
    return 0


def _search(session: Session, parsed: argparse.Namespace) -> int:
    anonymous = session.target.token is None
    page = session.api.search(parsed.text, parsed.tags, parsed.scope, parsed.limit, anonymous=anonymous)
    if session.as_json:
        print(as_json(page))
        return 0
    items = page["items"]
    if not items:
        print("No provider matches.")
        return 0
    heads = ("PROVIDER", "LATEST", "INSTALLS", "ABOUT")
    rows = [(item["canonical"], item["latest_version"] or "-", item["install_count"], _about(item)) for item in items]
    print(table(heads, rows, terminal_width()))
    if page["total"] > len(items):
        print(f"{len(items)} of {page['total']}; --limit shows more.")
    return 0


def _about(item: Mapping[str, Any]) -> str:
    return f"{item['display_name']}: {item['description']}" if item["description"] else str(item["display_name"])
