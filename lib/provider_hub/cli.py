"""The `hub` command. Each module of commands registers its own subcommands here."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from provider_hub.client import commands as client_commands
from provider_hub.client.errors import ClientError
from provider_hub.local import commands as local_commands
from provider_hub.local.errors import LocalError
from provider_hub.settings import SettingsError


class Subparsers(Protocol):
    """What `ArgumentParser.add_subparsers` returns, as far as a module of commands needs it."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's own name
        """A new subcommand."""


# Adds subcommands; each sets `run`, a Callable[[argparse.Namespace], int] that returns the exit status.
Register = Callable[[Subparsers], None]

# What a shell makes of a process that SIGINT ended.
_INTERRUPTED = 130

_REGISTER: Sequence[Register] = (client_commands.register, local_commands.register)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every subcommand."""
    parser = argparse.ArgumentParser(prog="hub", description="Provider Hub from the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for register in _REGISTER:
        register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error meant for people is one line on stderr, and its kind the exit status."""
    parsed = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        status = run(parsed)
        # Here, and not at the interpreter's end, where a reader that is gone could only be complained about.
        sys.stdout.flush()
    except (LocalError, SettingsError) as error:
        print(f"hub: {error}", file=sys.stderr)
        return 1
    except ClientError as error:
        print(f"hub: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # Whoever read this has enough (`| head`); what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
