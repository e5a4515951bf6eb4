"""The subcommands of `hub console`; imported as those of `commands`."""

import argparse
from typing import TYPE_CHECKING

from hub_cli import arguments
from hub_cli.subparsers import command

if TYPE_CHECKING:
    from hub_cli.subparsers import Subparsers


def register(commands: "Subparsers") -> None:
    """Add `console`."""
    group = commands.add_parser(
        "console", help="change any provider or organization; needs a console machine's token"
    ).add_subparsers(required=True, metavar="COMMAND")
    arguments.add_edit(command(group, "edit", "change how any provider is shown, and to whom", _edit))
    yank = command(group, "yank", "withdraw a version of any provider: no new installs, and what runs stays", _console)
    unyank = command(group, "unyank", "offer a yanked version again", _console)
    pause = command(
        group, "pause-rollout", "upgrade no further installation to a version until it is resumed", _console
    )
    resume = command(group, "resume-rollout", "let a halted, paused or superseded rollout go on", _console)
    delete = command(group, "delete", "delete a provider that nobody has installed, with its versions", _console)
    for parser in (yank, unyank, pause, resume, delete):
        parser.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    for parser in (yank, unyank):
        parser.add_argument("version", type=arguments.version)
    for parser in (pause, resume):
        parser.add_argument("version", type=arguments.rollout, help=arguments.ROLLOUT_HELP)
    yank.add_argument("--reason", metavar="TEXT", help="shown to whoever asks for the version")
    suspend = command(group, "suspend", "refuse an organization's tokens; what it runs goes on", _console)
    let_in = command(group, "resume", "let a suspended organization in again", _console)
    release = command(group, "release-slug", "free the slug of a suspended organization", _console)
    storage = command(group, "storage", "show or set how much may be stored for an organization", _console)
    for parser in (suspend, let_in, release, storage):
        parser.add_argument("organization", metavar="ORGANIZATION_ID")
    suspend.add_argument("--reason", required=True, metavar="TEXT", help="shown to the organization's callers")
    allowed = storage.add_mutually_exclusive_group()
    allowed.add_argument(
        "--allow", type=arguments.gibibytes, metavar="GIB", help="allow the organization this many GiB"
    )
    allowed.add_argument("--default", action="store_true", help="allow it as many as every other organization")
    command(group, "dead-letters", "list events that could not be handled and belong to no organization", _console)
    for verb, what in (("retry", "put one of them back on its topic"), ("delete", "delete one of them")):
        command(group, f"{verb}-dead-letter", what, _console).add_argument("letter", metavar="ID")
    audit = command(group, "audit", "list who did what, and who was refused, newest first", _console)
    audit.add_argument("--organization", metavar="ORGANIZATION_ID", help="only what concerns this organization")
    arguments.add_audit(audit)


def _edit(parsed: argparse.Namespace) -> int:
    from hub_cli.editing import edit  # noqa: PLC0415

    session = arguments.session(parsed)
    return edit(session, session.api.console, parsed)


def _console(parsed: argparse.Namespace) -> int:
    from hub_cli import console  # noqa: PLC0415

    return console.run(arguments.session(parsed), parsed)
