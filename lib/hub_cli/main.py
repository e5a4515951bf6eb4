"""The `hub` command. Each installed package adds its subcommands through the entry points of one group."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import entry_points

from hub_cli.errors import ClientError
from hub_cli.subparsers import Subparsers

# The group of entry points that name functions of type Register.
COMMANDS = "hub.commands"

# Adds subcommands; each sets `run`, a Callable[[argparse.Namespace], int] that returns the exit status.
Register = Callable[[Subparsers], None]

# What a shell makes of a process that SIGINT ended.
_INTERRUPTED = 130


@cache
def build_parser() -> argparse.ArgumentParser:
    """The parser with every subcommand; one for all commands that a process runs."""
    parser = argparse.ArgumentParser(prog="hub", description="Provider Hub from the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for entry_point in sorted(entry_points(group=COMMANDS), key=lambda found: found.name):
        register: Register = entry_point.load()
        register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error meant for people goes to stderr, and its kind is the exit status."""
    parsed = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        status = run(parsed)
        # Here, and not at the interpreter's end, where a reader that is gone could only be complained about.
        sys.stdout.flush()
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
