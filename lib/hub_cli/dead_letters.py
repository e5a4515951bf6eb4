"""`hub dead-letters`: look at what could not be handled, put it back, or throw it away."""

import argparse

from hub_cli.api import HubApi, Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, facts, moment, table, terminal_width


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry out one verb. Raises ClientError."""
    match parsed.command:
        case "list":
            show_list(session, session.api.dead_letters(parsed.provider))
        case "show":
            letter = session.api.dead_letter(parsed.id)
            print(as_json(letter) if session.as_json else _whole(letter))
        case "retry":
            _done(session, "retried", _retry(session.api, parsed))
        case "delete":
            _done(session, "deleted", _delete(session.api, parsed))
    return 0


def show_list(session: Session, letters: list[Json]) -> None:
    """Print dead letters, one a line."""
    if session.as_json:
        print(as_json(letters))
        return
    if not letters:
        print("No dead letters.")
        return
    heads = ("ID", "PROVIDER", "FAILED", "WHY")
    rows = [
        (letter["id"], letter["provider"] or "-", moment(letter["failed_at"]), letter["error_message"])
        for letter in letters
    ]
    print(table(heads, rows, terminal_width()))


def _whole(letter: Json) -> str:
    pairs = [
        ("event", f"{letter['event_type']} {letter['event_id']}"),
        ("provider", letter["provider"]),
        ("failed", f"{moment(letter['failed_at'])} UTC, after {letter['attempt_count']} tries"),
        ("why", letter["error_message"]),
    ]
    return f"{letter['id']}\n{facts(pairs)}\n{as_json(letter['payload'])}"


def _retry(api: HubApi, parsed: argparse.Namespace) -> int:
    if parsed.all:
        return api.retry_dead_letters()
    api.retry_dead_letter(parsed.id)
    return 1


def _delete(api: HubApi, parsed: argparse.Namespace) -> int:
    if parsed.id is None:
        return api.delete_dead_letters(parsed.provider)
    api.delete_dead_letter(parsed.id)
    return 1


def _done(session: Session, verb: str, count: int) -> None:
    if session.as_json:
        print(as_json({f"{verb}_count": count}))
    else:
        print(f"{verb.capitalize()} {count} dead letter{'' if count == 1 else 's'}.")
