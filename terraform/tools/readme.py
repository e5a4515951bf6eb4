"""Writes the generated sections of the READMEs; with `--check` only says whether they are up to date.

A section lies between `<!-- NAME: made by … -->` and `<!-- end of NAME -->`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from terraform.tools.access import access_tables
from terraform.tools.configuration import HUB, TERRAFORM
from terraform.tools.costs import cost_table
from terraform.tools.interface import interface_tables

README = TERRAFORM / "README.md"
COMMAND = "python -m terraform.tools.readme"
SECTIONS: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    README: {"access": access_tables, "costs": cost_table},
    HUB / "README.md": {"interface": interface_tables},
}


def rendered(text: str, page: Path = README) -> str:
    """`text` of a page with every section as it should be. Raises ValueError where one has no place."""
    for name, make in SECTIONS[page].items():
        begin, end = f"<!-- {name}: made by `{COMMAND}` -->", f"<!-- end of {name} -->"
        section = f"{begin}\n\n{make()}\n\n{end}"
        text, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: section, text, flags=re.DOTALL)  # noqa: B023
        if not found:
            raise ValueError(f"{page.name} has no section between {begin} and {end}")
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a section is not up to date")
    check = parser.parse_args(arguments).check
    wanted = {page: rendered(page.read_text(), page) for page in SECTIONS}
    stale = {page: text for page, text in wanted.items() if page.read_text() != text}
    for page, text in stale.items():
        if check:
            place = page.relative_to(TERRAFORM.parent)
            print(f"{place} has a section that is out of date: run `{COMMAND}`", file=sys.stderr)
        else:
            page.write_text(text)
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
