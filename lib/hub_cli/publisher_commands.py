"""The subcommands of `hub` about who publishes, and about where versions come from; imported as those of `commands`."""

import argparse
from typing import TYPE_CHECKING

from hub_cli import arguments
from hub_cli.subparsers import command

if TYPE_CHECKING:
    from hub_cli.subparsers import Subparsers


def register(commands: "Subparsers") -> None:
    """Add `publishers` and `provenance`."""
    _register_publishers(commands)
    _register_provenance(commands)


def _register_publishers(commands: "Subparsers") -> None:
    group = commands.add_parser(
        "publishers", help="let CI workflows publish a provider without a stored token"
    ).add_subparsers(required=True, metavar="COMMAND")
    listing = command(group, "list", "list a provider's publishers", _publishers)
    listing.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    add = command(group, "add", "let a workflow publish; the provider need not exist yet", _publishers)
    add.add_argument("platform", choices=("github", "gitlab"))
    add.add_argument("repository", metavar="OWNER/REPOSITORY", help="on GitLab, the project's path")
    add.add_argument("--workflow", required=True, metavar="FILE", help="such as release.yml; on GitLab, .gitlab-ci.yml")
    add.add_argument(
        "--provider",
        type=arguments.provider,
        metavar="ORG/NAME",
        help="default: your organization and the repository's name",
    )
    add.add_argument("--environment", metavar="NAME", help="only jobs of this environment")
    add.add_argument("--ref", metavar="PATTERN", help="only these refs, such as 'refs/tags/*'")
    add.add_argument(
        "--called-workflow", metavar="OWNER/REPOSITORY/PATH", help="the reusable workflow that publishes, if one does"
    )
    add.add_argument("--issuer", metavar="URL", help="a GitLab or GitHub of your own that the hub trusts")
    add.add_argument("--repository-id", metavar="NUMBER", help="default: the first run's, from then on")
    add.add_argument("--owner-id", metavar="NUMBER", help="default: the first run's, from then on")
    add.add_argument(
        "--replaces-repository",
        action="store_true",
        help="allow it although another repository published the latest version",
    )
    remove = command(group, "remove", "stop letting a workflow publish", _publishers)
    remove.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    remove.add_argument("id")
    token = command(
        group, "token", "print a token of this CI run, for tools that cannot get one themselves", _publishers
    )
    token.add_argument(
        "provider",
        nargs="?",
        type=arguments.provider,
        metavar="ORG/NAME",
        help="which provider: say it, since a stranger may name your repository too",
    )
    only = command(group, "secretless-only", "on: refuse stored tokens; off: accept them as well", _publishers)
    only.add_argument("provider", nargs="?", type=arguments.provider, metavar="ORG/NAME")
    only.add_argument("setting", choices=("on", "off"))
    only.add_argument("--organization", action="store_true", help="set it for every provider of the organization")
    attested = command(group, "attested-only", "on: refuse a version without attestations; off: accept it", _publishers)
    attested.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    attested.add_argument("setting", choices=("on", "off"))


def _register_provenance(commands: "Subparsers") -> None:
    group = commands.add_parser(
        "provenance", help="show what a version's CI run attested, or require attestations of versions"
    ).add_subparsers(required=True, metavar="COMMAND")
    show = command(group, "show", "show the attestations of a version (PEP 740)", _provenance)
    show.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    show.add_argument("version", type=arguments.version)
    command(group, "list", "list what your organization requires", _provenance)
    require = command(group, "require", "install only versions that a run of this repository attested", _provenance)
    require.add_argument("platform", choices=("github", "gitlab"))
    require.add_argument("repository", metavar="OWNER/REPOSITORY", help="a pattern, such as 'acme/*'")
    require.add_argument("--ref", metavar="PATTERN", help="only runs of these refs, such as 'refs/tags/*'")
    require.add_argument("--issuer", metavar="URL", help="a GitLab or GitHub of your own that the hub trusts")
    exempt = command(group, "exempt", "require no attestations", _provenance)
    drop = command(group, "drop", "remove a provider's own rule: the general one applies again", _provenance)
    for parser in (require, exempt):
        parser.add_argument(
            "--provider",
            type=arguments.provider,
            metavar="ORG/NAME",
            help="default: every provider without a rule of its own",
        )
    drop.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")


def _publishers(parsed: argparse.Namespace) -> int:
    from hub_cli import publishers  # noqa: PLC0415

    return publishers.run(arguments.session(parsed), parsed)


def _provenance(parsed: argparse.Namespace) -> int:
    from hub_cli import provenance  # noqa: PLC0415

    return provenance.run(arguments.session(parsed), parsed)
