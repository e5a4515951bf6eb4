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
        "publishers", help="workflows that publish a provider without a stored token"
    ).add_subparsers(required=True, metavar="COMMAND", dest="verb")
    listing = command(group, "list", "a provider's publishers", _publishers)
    listing.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    add = command(group, "add", "let a workflow publish; the provider need not exist yet", _publishers)
    add.add_argument("platform", choices=("github", "gitlab"))
    add.add_argument("repository", metavar="OWNER/REPOSITORY", help="on GitLab the path of the project")
    add.add_argument("--workflow", required=True, metavar="FILE", help="release.yml; on GitLab .gitlab-ci.yml")
    add.add_argument(
        "--provider", type=arguments.provider, metavar="ORG/NAME", help="default: your organization and the repository"
    )
    add.add_argument("--environment", metavar="NAME", help="only jobs of this environment")
    add.add_argument("--ref", metavar="PATTERN", help="only these refs, such as 'refs/tags/*'")
    add.add_argument("--called-workflow", metavar="OWNER/REPOSITORY/PATH", help="the reusable workflow that publishes")
    add.add_argument("--issuer", metavar="URL", help="a GitLab or GitHub of your own that the hub trusts")
    add.add_argument("--repository-id", metavar="NUMBER", help="default: that of the first run is pinned")
    add.add_argument("--owner-id", metavar="NUMBER", help="default: pinned likewise")
    add.add_argument(
        "--replaces-repository", action="store_true", help="although another repository published the latest version"
    )
    remove = command(group, "remove", "let a workflow publish no more", _publishers)
    remove.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    remove.add_argument("id")
    token = command(group, "token", "print a token of this CI run, for tools that ask for none", _publishers)
    token.add_argument(
        "provider", nargs="?", type=arguments.provider, metavar="ORG/NAME", help="if it publishes several"
    )
    only = command(group, "secretless-only", "whether machines' tokens may publish as well", _publishers)
    only.add_argument("provider", nargs="?", type=arguments.provider, metavar="ORG/NAME")
    only.add_argument("setting", choices=("on", "off"))
    only.add_argument("--organization", action="store_true", help="of every provider of the organization")
    attested = command(group, "attested-only", "whether a version without attestations is refused", _publishers)
    attested.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    attested.add_argument("setting", choices=("on", "off"))


def _register_provenance(commands: "Subparsers") -> None:
    group = commands.add_parser(
        "provenance", help="what a version's CI run attested, and what your organization requires of versions"
    ).add_subparsers(required=True, metavar="COMMAND", dest="verb")
    show = command(group, "show", "the attestations of a version (PEP 740)", _provenance)
    show.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")
    show.add_argument("version", type=arguments.version)
    command(group, "list", "what is required", _provenance)
    require = command(group, "require", "an attestation of every version that is installed", _provenance)
    require.add_argument("platform", choices=("github", "gitlab"))
    require.add_argument("repository", metavar="OWNER/REPOSITORY", help="a pattern, such as 'acme/*'")
    require.add_argument("--ref", metavar="PATTERN", help="only of these refs, such as 'refs/tags/*'")
    require.add_argument("--issuer", metavar="URL", help="a GitLab or GitHub of your own that the hub trusts")
    exempt = command(group, "exempt", "require nothing", _provenance)
    drop = command(group, "drop", "require of a provider what is required of all", _provenance)
    for parser in (require, exempt):
        parser.add_argument(
            "--provider",
            type=arguments.provider,
            metavar="ORG/NAME",
            help="default: every one without a rule of its own",
        )
    drop.add_argument("provider", type=arguments.provider, metavar="ORG/NAME")


def _publishers(parsed: argparse.Namespace) -> int:
    from hub_cli import publishers  # noqa: PLC0415

    return publishers.run(arguments.session(parsed), parsed)


def _provenance(parsed: argparse.Namespace) -> int:
    from hub_cli import provenance  # noqa: PLC0415

    return provenance.run(arguments.session(parsed), parsed)
