"""`hub audit`: who did what to what is the organization's, and who was refused."""

import argparse
import textwrap

from hub_cli.api import Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, moment, printable, terminal_width

# Where an entry's detail begins, after its time.
_INDENT = 21


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Print a page of the organization's own audit. Raises ClientError."""
    return show_page(session, session.api.audit(parsed.action, parsed.since, parsed.limit))


def show_page(session: Session, page: Json) -> int:
    """Print a page of an audit; returns the exit status."""
    if session.as_json:
        print(as_json(page))
        return 0
    if not page["items"]:
        print("The audit has no such entry.")
        return 0
    for entry in page["items"]:
        print(_audited(entry))
    if page["next_page_token"]:
        print("There is more: --limit, --since and --action narrow it.")
    return 0


def _audited(entry: Json) -> str:
    """An entry in a line, and how or why in lines of their own."""
    place = f" from {entry['address']}" if entry["address"] else ""
    line = printable(f"{entry['action']}: {entry['subject']}, by {entry['actor']}{place}")
    detail = textwrap.fill(printable(entry["detail"] or ""), terminal_width() - _INDENT)
    lines = [f"{moment(entry['at'])}  {line}", textwrap.indent(detail, " " * _INDENT)]
    return "\n".join(text for text in lines if text)
