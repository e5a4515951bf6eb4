"""The subcommands of `hub` that speak to the API: those for people and CI here, the others in modules of their own.

Each module is imported when one of its commands runs (hence each `noqa`): `hub --help` stays quick.
"""

import argparse
from typing import TYPE_CHECKING

from hub_cli import arguments, console_commands, publisher_commands
from hub_cli.subparsers import command

if TYPE_CHECKING:
    from hub_cli.subparsers import Subparsers

# Of the domain's installations, whose module takes long to load.
TIERS = ("free", "standard", "performance")
POLICIES = ("auto", "manual")
_SWITCH = ("on", "off")


def register(commands: "Subparsers") -> None:
    """Add the subcommands of this package."""
    _register_publish(commands)
    _register_yank(commands)
    _register_edit(commands)
    _register_changes(commands)
    _register_looking(commands)
    _register_lock(commands)
    _register_relock(commands)
    _register_advisories(commands)
    _register_dead_letters(commands)
    publisher_commands.register(commands)
    _register_rollouts(commands)
    _register_audit(commands)
    console_commands.register(commands)


def _register_publish(commands: "Subparsers") -> None:
    publish = command(commands, "publish", "register a version of a provider from its wheel", _publish)
    publish.add_argument(
        "wheels",
        nargs="+",
        metavar="FILE|URL",
        help="one wheel or several; files are uploaded, unless you give --wheel-url",
    )
    publish.add_argument(
        "--wheel-url",
        metavar="URL",
        help="the URL from which the hub fetches the file instead; if it ends in /, the file's name is added",
    )
    publish.add_argument("--name", metavar="[ORG/]NAME", help="default: your organization and the wheel's name")
    publish.add_argument(
        "--platform", action="store_true", help="publish as platform/NAME; needs a console machine's token"
    )
    publish.add_argument(
        "--version", type=arguments.version, help="default: the wheel's version, as a semantic version"
    )
    publish.add_argument(
        "--display-name", metavar="TEXT", help="default: as it is; for a new provider, made from the wheel's name"
    )
    publish.add_argument(
        "--description", metavar="TEXT", help="default: as it is; for a new provider, the wheel's summary"
    )
    publish.add_argument("--icon-url", metavar="URL")
    publish.add_argument("--tag", action="append", default=[], dest="tags", metavar="TAG", help="may be repeated")
    publish.add_argument("--changelog", metavar="TEXT|@FILE", help="what changed; @- reads standard input")
    publish.add_argument("--package", metavar="NAME", help="the package to import, if the wheel has several")
    publish.add_argument(
        "--runtime-version", metavar="VERSION", help="the runtime version to pin (default: the newest that fits)"
    )
    publish.add_argument(
        "--attestation",
        action="append",
        default=[],
        dest="attestations",
        metavar="FILE",
        help="an attestation of the wheel by this CI run (PEP 740); one of each type",
    )
    publish.add_argument(
        "--scope", choices=arguments.SCOPES, help="who sees the provider: everyone, or your organization"
    )
    # The API answers once the version can be installed: there is nothing to wait for. Scripts that ask for it go on.
    publish.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    publish.add_argument("--timeout", type=arguments.positive, help=argparse.SUPPRESS)


def _register_yank(commands: "Subparsers") -> None:
    yank = command(commands, "yank", "withdraw a version: no new installs, and what runs stays", _yank)
    yank.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    yank.add_argument("version", type=arguments.version)
    yank.add_argument("--reason", metavar="TEXT", help="shown to whoever asks for the version")
    unyank = command(commands, "unyank", "offer a yanked version again", _unyank)
    unyank.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    unyank.add_argument("version", type=arguments.version)


def _register_edit(commands: "Subparsers") -> None:
    what = "change how a provider is shown, and to whom; options that you leave out change nothing"
    arguments.add_edit(command(commands, "edit", what, _edit))


def _register_changes(commands: "Subparsers") -> None:
    install = _change(commands, "install", "install a provider", "it is ready")
    install.add_argument("--version", type=arguments.version, help="default: the latest")
    install.add_argument("--tier", choices=TIERS, default="standard")
    install.add_argument(
        "--policy", choices=POLICIES, default="manual", help="who upgrades: the hub, or you (default: manual)"
    )
    install.add_argument(
        "--allow-major-upgrades", action="store_true", help="with policy auto, also upgrade to a new major version"
    )
    _add_config(install)
    configure = _change(commands, "configure", "change the settings of an installation", "it is ready")
    configure.add_argument("--tier", choices=TIERS)
    configure.add_argument("--policy", choices=POLICIES, help="who upgrades: the hub, or you")
    configure.add_argument(
        "--allow-major-upgrades", choices=_SWITCH, help="whether policy auto also upgrades to a new major version"
    )
    configure.add_argument("--rollback-on-failure", choices=_SWITCH, help="whether the hub undoes a change that fails")
    _add_config(configure)
    configure.add_argument(
        "--unset", action="append", default=[], metavar="KEY", help="remove this key of the config; may be repeated"
    )
    upgrade = _change(
        commands, "upgrade", "upgrade to a newer version, or to the same one if it was locked again", "it is ready"
    )
    upgrade.add_argument("--version", type=arguments.version, help="default: the latest")
    downgrade = _change(commands, "downgrade", "go back to an older version", "it is ready")
    downgrade.add_argument("--version", type=arguments.version, required=True)
    deploy = _change(commands, "deploy", "deploy the installed version once more", "it is ready")
    deploy.add_argument("--version", type=arguments.version, help="default: the installed one")
    _change(commands, "rollback", "go back to what was ready last: version, tier and config", "it is ready")
    uninstall = _change(commands, "uninstall", "remove a provider", "it is gone")
    uninstall.add_argument("--cascade", action="store_true", help="uninstall even if it still manages resources")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    parser.add_argument(
        "--config-file", metavar="FILE", help="lines of KEY=VALUE or a JSON object, - for standard input"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="KEY|KEY=@FILE",
        help="a value that is never shown again, from the environment or a file; may be repeated",
    )


def _register_looking(commands: "Subparsers") -> None:
    command(commands, "list", "list what is installed", _look)
    status = command(commands, "status", "show one installation, and what the cluster says of it", _look)
    status.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    status.add_argument(
        "--watch", action="store_true", help="follow it until Ctrl-C, or until the installation is gone"
    )
    events = command(commands, "events", "list what happened to an installation, newest first", _look)
    events.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    events.add_argument("--limit", type=arguments.count, default=20, help="at most this many (default: 20)")
    logs = command(commands, "logs", "show what an installation's pods print", _logs)
    logs.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    logs.add_argument(
        "-f", "--follow", action="store_true", help="follow them until Ctrl-C, or until the installation is gone"
    )
    logs.add_argument("--previous", action="store_true", help="after a restart, show what the run before it printed")
    logs.add_argument(
        "--since", type=arguments.moment, metavar="10m|TIME", help="all lines since then (default: the last ones)"
    )
    logs.add_argument(
        "--limit", type=arguments.lines, default=200, metavar="N", help="without --since, the last N (default: 200)"
    )
    versions = command(
        commands, "versions", "list a provider's versions, newest first, and where each came from", _look
    )
    versions.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    versions.add_argument("--limit", type=arguments.count, default=20, help="at most this many (default: 20)")
    command(commands, "organization", "show your organization, and how much the hub keeps for it", _look)
    search = command(commands, "search", "find providers", _look)
    search.add_argument("text", nargs="?", default="", metavar="TEXT")
    search.add_argument(
        "--tag", action="append", default=[], dest="tags", metavar="TAG", help="may be repeated: all must match"
    )
    search.add_argument(
        "--scope", choices=arguments.SCOPES, help="only what everyone sees, or only what your organization alone sees"
    )
    search.add_argument("--limit", type=arguments.count, default=20, help="at most this many (default: 20)")


def _register_lock(commands: "Subparsers") -> None:
    group = commands.add_parser("lock", help="show what is installed beside a version's wheel").add_subparsers(
        required=True, metavar="COMMAND"
    )
    show = command(group, "show", "show each distribution with its version and digest", _lock)
    show.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    show.add_argument("version", type=arguments.version)
    show.add_argument("--toml", action="store_true", help="print the lock as it is, a pylock.toml")
    diff = command(group, "diff", "show what differs between two versions", _lock)
    diff.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    diff.add_argument("before", type=arguments.version, metavar="VERSION")
    diff.add_argument("after", type=arguments.version, metavar="VERSION")


def _register_relock(commands: "Subparsers") -> None:
    relock = command(commands, "relock", "resolve a version's dependencies again", _relock)
    relock.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    relock.add_argument("version", type=arguments.version)


def _register_advisories(commands: "Subparsers") -> None:
    what = "list known vulnerabilities of what is installed, or of what a provider's versions lock"
    advisories = command(commands, "advisories", what, _advisories)
    advisories.add_argument("provider", nargs="?", type=arguments.provider, metavar="ORG/NAME")
    advisories.add_argument(
        "version", nargs="?", type=arguments.version, help="show each vulnerability of this version"
    )


def _register_dead_letters(commands: "Subparsers") -> None:
    group = commands.add_parser(
        "dead-letters", help="list, retry or delete events that could not be handled"
    ).add_subparsers(required=True, metavar="COMMAND")
    listing = command(group, "list", "list them, newest first", _dead_letters)
    listing.add_argument("--provider", type=arguments.provider, metavar="ORG/NAME")
    show = command(group, "show", "show one, with its payload and the reason", _dead_letters)
    show.add_argument("id")
    retry = command(group, "retry", "put one back on its topic, or all", _dead_letters)
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?")
    which.add_argument("--all", action="store_true")
    delete = command(group, "delete", "delete one, those of one provider, or all", _dead_letters)
    which = delete.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?")
    which.add_argument("--provider", type=arguments.provider, metavar="ORG/NAME")
    which.add_argument("--all", action="store_true")


def _register_rollouts(commands: "Subparsers") -> None:
    group = commands.add_parser("rollouts", help="list, pause or resume the auto-upgrades to a version").add_subparsers(
        required=True, metavar="COMMAND"
    )
    listing = command(group, "list", "show how far each version of a provider has come", _rollouts)
    pause = command(group, "pause", "upgrade no further installation until it is resumed", _rollouts)
    resume = command(group, "resume", "let a halted, paused or superseded rollout go on", _rollouts)
    for parser in (listing, pause, resume):
        parser.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    for parser in (pause, resume):
        parser.add_argument("version", type=arguments.rollout, help=arguments.ROLLOUT_HELP)


def _register_audit(commands: "Subparsers") -> None:
    arguments.add_audit(
        command(commands, "audit", "list who did what in your organization, and who was refused", _audit)
    )


def _change(commands: "Subparsers", name: str, help_text: str, waited: str) -> argparse.ArgumentParser:
    parser = command(commands, name, help_text, _changing)
    parser.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    arguments.add_wait(parser, waited)
    return parser


def _publish(parsed: argparse.Namespace) -> int:
    from hub_cli.publishing import publish  # noqa: PLC0415

    return publish(arguments.session(parsed), parsed)


def _edit(parsed: argparse.Namespace) -> int:
    from hub_cli.editing import edit  # noqa: PLC0415

    session = arguments.session(parsed)
    return edit(session, session.api, parsed)


def _rollouts(parsed: argparse.Namespace) -> int:
    from hub_cli import rollouts  # noqa: PLC0415

    return rollouts.run(arguments.session(parsed), parsed)


def _audit(parsed: argparse.Namespace) -> int:
    from hub_cli import audit  # noqa: PLC0415

    return audit.run(arguments.session(parsed), parsed)


def _yank(parsed: argparse.Namespace) -> int:
    from hub_cli.publishing import yank  # noqa: PLC0415

    return yank(arguments.session(parsed), parsed.provider, parsed.version, parsed.reason)


def _unyank(parsed: argparse.Namespace) -> int:
    from hub_cli.publishing import unyank  # noqa: PLC0415

    return unyank(arguments.session(parsed), parsed.provider, parsed.version)


def _changing(parsed: argparse.Namespace) -> int:
    from hub_cli import change  # noqa: PLC0415

    return change.run(arguments.session(parsed), parsed)


def _look(parsed: argparse.Namespace) -> int:
    from hub_cli import show  # noqa: PLC0415

    return show.run(arguments.session(parsed), parsed)


def _logs(parsed: argparse.Namespace) -> int:
    from hub_cli import logs  # noqa: PLC0415

    return logs.run(arguments.session(parsed), parsed)


def _lock(parsed: argparse.Namespace) -> int:
    from hub_cli import lock  # noqa: PLC0415

    return lock.run(arguments.session(parsed), parsed)


def _relock(parsed: argparse.Namespace) -> int:
    from hub_cli import lock  # noqa: PLC0415

    return lock.relock(arguments.session(parsed), parsed.provider, parsed.version)


def _advisories(parsed: argparse.Namespace) -> int:
    from hub_cli import advisories  # noqa: PLC0415

    return advisories.run(arguments.session(parsed), parsed.provider, parsed.version)


def _dead_letters(parsed: argparse.Namespace) -> int:
    from hub_cli import dead_letters  # noqa: PLC0415

    return dead_letters.run(arguments.session(parsed), parsed)
