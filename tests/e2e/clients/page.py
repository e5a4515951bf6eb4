"""What docs/clients.md says that each client can do."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
MARKS = {"ok": "yes", "failed": "no", "absent": "-"}


def documented(client: str) -> dict[str, str]:
    """The mark of each method or command in the column of `client`, such as `SDK 4.2.0`."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE.read_text(), re.MULTILINE)
    for table in tables:
        header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        if client in header:
            return {row[0].strip("`"): row[header.index(client)] for row in rows}
    raise AssertionError(f"{PAGE.name} has no column {client}")


def check_documented(client: str, outcomes: dict[str, str]) -> None:
    """Hold the page against what each method or command came to: `ok`, `failed` or `absent`."""
    page = documented(client)
    assert {name: MARKS[outcome] for name, outcome in outcomes.items()} == {name: page.get(name) for name in outcomes}
