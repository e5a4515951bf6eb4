"""How a module of commands adds its own."""

import argparse
from typing import Protocol

from hub_cli import arguments

_EXIT_STATUSES = """\
exit status: 0 done, 1 refused or failed, 2 usage, 3 not authenticated, 4 timed out, 5 the API is unavailable"""


class Subparsers(Protocol):
    """What `ArgumentParser.add_subparsers` returns, as far as a module of commands needs it."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's own name
        """A new subcommand."""


def command(commands: Subparsers, name: str, help_text: str, run: object) -> argparse.ArgumentParser:
    """A new subcommand that speaks to the API, with the options that all of them share; `run` carries it out."""
    parser = commands.add_parser(name, help=help_text)
    parser.description = f"{help_text[0].upper()}{help_text[1:]}."
    parser.epilog = _EXIT_STATUSES
    arguments.add_shared(parser)
    parser.set_defaults(run=run, command=name)
    return parser
