"""Writes the generated sections of terraform/README.md; with `--check` only says whether they are up to date.

A section lies between `<!-- NAME: made by … -->` and `<!-- end of NAME -->`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping

from terraform.tools.access import access_tables
from terraform.tools.configuration import TERRAFORM
from terraform.tools.costs import cost_table

README = TERRAFORM / "README.md"
COMMAND = "python -m terraform.tools.readme"
SECTIONS: Mapping[str, Callable[[], str]] = {"access": access_tables, "costs": cost_table}


def rendered(text: str) -> str:
    """`text` with every section as it should be. Raises ValueError where one has no place."""
    for name, make in SECTIONS.items():
        begin, end = f"<!-- {name}: made by `{COMMAND}` -->", f"<!-- end of {name} -->"
        section = f"{begin}\n\n{make()}\n\n{end}"
        text, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: section, text, flags=re.DOTALL)  # noqa: B023
        if not found:
            raise ValueError(f"{README.name} has no section between {begin} and {end}")
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a section is not up to date")
    check = parser.parse_args(arguments).check
    text = README.read_text()
    wanted = rendered(text)
    if wanted == text:
        return 0
    if check:
        print(f"{README.name} has a section that is out of date: run `{COMMAND}`", file=sys.stderr)
        return 1
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
