"""`hub rollouts`: how far each version has come to the installations that take upgrades by themselves."""

import argparse

from hub_cli.api import Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, moment, printable, table, terminal_width


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry out one verb. Raises ClientError."""
    if parsed.command == "list":
        _list(session, parsed.provider)
        return 0
    changed = session.api.change_rollout(parsed.provider, parsed.version, parsed.command)
    sentence = f"The rollout of {parsed.provider} {parsed.version} is {changed['state']}."
    print(as_json(changed) if session.as_json else printable(sentence))
    return 0


def _list(session: Session, provider: str) -> None:
    found = session.api.rollouts(provider)
    if session.as_json:
        print(as_json(found))
    elif found:
        heads = ("VERSION", "STATE", "WAVE", "READY", "FAILED", "OF", "GOES ON", "WHY")
        print(table(heads, [_row(one) for one in found], terminal_width()))
    else:
        print(f"No version of {provider} was rolled out by itself yet.")


def _row(one: Json) -> tuple[object, ...]:
    counts = (one["wave"], one["succeeded"], one["failed"], one["candidates"])
    name = one.get("rollout_id", one["version"])
    return (name, one["state"], *counts, moment(one["due_at"]), one["halted_reason"] or "")
