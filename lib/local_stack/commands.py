"""The subcommands of `hub` for one machine: `up`, `token`, `job`, `wheels add`.

What they need is imported when they run (hence each `noqa`): `hub --help` and `hub token` stay quick.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hub_cli.stack_file import STATE_DIR_DEFAULT, StackInfo, default_state_dir
from local_stack.errors import LocalError
from local_stack.stack_file import keys_dir, wheels_dir

if TYPE_CHECKING:
    from hub_cli.subparsers import Subparsers
    from local_stack.gateway import Router
    from local_stack.issuer import TokenIssuer

_MAX_PORT = 65535
_MOST_CELLS = 5
_DEFAULT_LIFETIME = 3600.0


def register(commands: "Subparsers") -> None:
    """Add the subcommands of this module."""
    _register_up(commands)
    _register_token(commands)
    _register_job(commands)
    _register_wheels(commands)


def _register_up(commands: "Subparsers") -> None:
    up = commands.add_parser("up", help="run the whole system on this machine, in the foreground")
    up.add_argument("--port", type=_port, default=8080, help="port of the API; 0 = any free one (default: 8080)")
    _add_state_dir(up)
    up.add_argument("--project", default="local-hub", help="Google Cloud project id to use (default: local-hub)")
    up.add_argument("--kubeconfig", type=Path, metavar="FILE", help="a real cluster instead of the embedded one")
    up.add_argument(
        "--cells",
        type=_cells,
        default=1,
        metavar="N",
        help="number of embedded clusters; organizations are spread over them",
    )
    up.add_argument("--process-node", action="store_true", help="run pods as processes for --kubeconfig's cluster too")
    up.add_argument(
        "--retry-min",
        type=_positive,
        default=10.0,
        metavar="SECONDS",
        help="first backoff of a failed Pub/Sub delivery (default: 10)",
    )
    up.add_argument(
        "--sweep-seconds",
        type=_positive,
        default=60.0,
        metavar="SECONDS",
        help="time between two runs of the sweeper (default: 60)",
    )
    up.set_defaults(run=_up)


def _register_token(commands: "Subparsers") -> None:
    token = commands.add_parser("token", help="print a token of the running stack")
    token.add_argument("principal", choices=("user", "machine", "console-user", "console-machine"))
    token.add_argument("--org", metavar="SLUG", help="slug of the organization of a user or machine")
    token.add_argument("--no-org", action="store_true", help="make a token without an organization")
    token.add_argument(
        "--scope",
        action="append",
        dest="scopes",
        metavar="SCOPE",
        help="a scope of a console machine's token; may be repeated (default: all)",
    )
    token.add_argument(
        "--opaque", action="store_true", help="make an opaque machine token, which the functions look up at the issuer"
    )
    token.add_argument(
        "--lifetime",
        type=float,
        default=_DEFAULT_LIFETIME,
        metavar="SECONDS",
        help="seconds until it expires; if negative, it has already expired (default: 3600)",
    )
    _add_state_dir(token)
    token.set_defaults(run=_token)


def _register_job(commands: "Subparsers") -> None:
    job = commands.add_parser(
        "job", help="run a command as a job of a GitHub workflow, on a CI platform that this machine imitates"
    )
    job.add_argument("repository", metavar="OWNER/REPOSITORY")
    job.add_argument("words", nargs="+", metavar="COMMAND", help="the command that the job runs, after --")
    job.add_argument("--workflow", default="release.yml", metavar="FILE", help="default: release.yml")
    job.add_argument("--ref", default="refs/tags/v1.0.0", help="default: refs/tags/v1.0.0")
    job.add_argument("--event", default="push", help="what caused the run (default: push)")
    job.add_argument("--environment", metavar="NAME", help="the environment of the job")
    job.add_argument(
        "--attest",
        action="append",
        default=[],
        type=Path,
        metavar="WHEEL",
        help="first attest this wheel as the run, into WHEEL.publish.attestation; may be repeated",
    )
    _add_state_dir(job)
    job.set_defaults(run=_job)


def _register_wheels(commands: "Subparsers") -> None:
    wheels = commands.add_parser("wheels", help="the local wheel host").add_subparsers(required=True, metavar="COMMAND")
    add = wheels.add_parser("add", help="put a wheel on the local host; prints its SHA-256, then its URL")
    add.add_argument("file", type=Path)
    _add_state_dir(add)
    add.set_defaults(run=_add_wheel)


def _up(arguments: argparse.Namespace) -> int:
    with _installed_with_local():
        from local_stack.options import StackOptions  # noqa: PLC0415
        from local_stack.up import run_up  # noqa: PLC0415
    options = StackOptions(
        port=arguments.port,
        state_dir=arguments.state_dir,
        project=arguments.project,
        kubeconfig=arguments.kubeconfig,
        cells=arguments.cells,
        process_node=arguments.process_node,
        retry_min=arguments.retry_min,
        sweep_seconds=arguments.sweep_seconds,
    )
    run_up(options, routes_of_the_hub)
    return 0


def routes_of_the_hub() -> "Router":
    """What finds the function of a path: imported when it is asked for."""
    from provider_hub.http.table import function_for  # noqa: PLC0415

    return function_for


def _token(arguments: argparse.Namespace) -> int:
    with _installed_with_local():
        from local_stack.issuer import TokenIssuer  # noqa: PLC0415

    info = StackInfo.read(arguments.state_dir)
    issuer = TokenIssuer(info.issuer_url, keys_dir(Path(info.state_dir)))
    print(_mint(issuer, arguments))
    return 0


def _job(arguments: argparse.Namespace) -> int:
    """The command's own status. It gets no token of the hub's: it has to ask for one, as in CI."""
    with _installed_with_local():
        from local_stack.ci_runner import CiRun, attest, run_job  # noqa: PLC0415
        from local_stack.issuer import TokenIssuer  # noqa: PLC0415

    info = StackInfo.read(arguments.state_dir)
    issuer = TokenIssuer(info.issuer_url, keys_dir(Path(info.state_dir)))
    run = CiRun(arguments.repository, arguments.workflow, arguments.ref, arguments.event, arguments.environment)
    for wheel in arguments.attest:
        attest(issuer, run, wheel)
    return run_job(issuer, run, info, arguments.words)


def _add_wheel(arguments: argparse.Namespace) -> int:
    with _installed_with_local():
        from local_stack.wheelhost import add_wheel  # noqa: PLC0415

    info = StackInfo.read(arguments.state_dir)
    added = add_wheel(arguments.file, wheels_dir(Path(info.state_dir)), info.wheels_url)
    print(f"sha256 {added.sha256}")
    print(added.url)
    return 0


@contextmanager
def _installed_with_local() -> Iterator[None]:
    """Around the imports of what the plain command does not bring. Raises LocalError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise LocalError(
            f"{error.name} is not installed: this command needs the extra `local` (pip install "
            "'provider-hub[local]'; in a clone, `make setup`)."
        ) from error


def _mint(issuer: "TokenIssuer", arguments: argparse.Namespace) -> str:
    lifetime: float = arguments.lifetime
    if arguments.opaque and not arguments.principal.endswith("machine"):
        raise LocalError(f"a {arguments.principal} has no opaque token: only machines do.")
    if arguments.scopes and arguments.principal != "console-machine":
        raise LocalError(f"a {arguments.principal} token has no scopes: only a console machine's has.")
    given = {"scopes": tuple(arguments.scopes)} if arguments.scopes else {}
    match arguments.principal:
        case "console-machine" if arguments.opaque:
            return issuer.opaque_console_machine(**given, lifetime=lifetime)
        case "console-user":
            return issuer.console_user(lifetime=lifetime)
        case "console-machine":
            return issuer.console_machine(**given, lifetime=lifetime)
    if arguments.org is None:
        raise LocalError(f"a {arguments.principal} token needs --org SLUG, the organization it is for.")
    if arguments.opaque:
        return issuer.opaque_machine(arguments.org, organization=not arguments.no_org, lifetime=lifetime)
    make = issuer.user if arguments.principal == "user" else issuer.machine
    return make(arguments.org, organization=not arguments.no_org, lifetime=lifetime)


def _add_state_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        metavar="DIR",
        help=f"folder of the stack's keys, wheels and logs (default: {STATE_DIR_DEFAULT})",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: use 0 to {_MAX_PORT}")
    return int(text)


def _cells(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_CELLS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cells: use 1 to {_MOST_CELLS}")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above zero")
    return number
