"""The options that the client's commands share, and how their values are read."""

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hub_cli.errors import UsageError
from hub_cli.stack_file import STATE_DIR_DEFAULT, default_state_dir
from provider_hub.domain.names import ProviderName
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version, is_rollout_id

if TYPE_CHECKING:
    from hub_cli.api import HubApi
    from hub_cli.target import Target

WAIT_SECONDS = 900.0
SCOPES = tuple(scope.value for scope in Scope)
ROLLOUT_HELP = "or the id of the rollout of a version that was locked again, VERSION@LOCK"
_COMMENT = "#"
_DURATION = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Session:
    """The API that a command speaks to, and how it prints."""

    api: "HubApi"
    target: "Target"
    as_json: bool


def session(arguments: argparse.Namespace) -> Session:
    """From the shared options. Raises UsageError."""
    # What speaks HTTP is half of what the command costs to start, and `hub --help` needs none of it.
    from hub_cli import target, transport  # noqa: PLC0415
    from hub_cli.api import HubApi  # noqa: PLC0415

    chosen = target.resolve(arguments.api_url, arguments.token, arguments.ca_file, arguments.state_dir)
    return Session(
        HubApi(transport.Transport(chosen, patience=transport.PATIENCE_SECONDS)), chosen, arguments.output == "json"
    )


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The options of every command."""
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format of the result (default: text)"
    )
    where = parser.add_argument_group("which API")
    where.add_argument("--api-url", metavar="URL", help="default: HUB_API_URL, or else the local stack's")
    where.add_argument("--token", help="default: HUB_TOKEN, which is safer, since a list of processes does not show it")
    where.add_argument(
        "--ca-file", metavar="FILE", help="certificate authorities to trust in addition, in PEM (default: HUB_CA_FILE)"
    )
    where.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        metavar="DIR",
        help=f"folder of the local stack (default: {STATE_DIR_DEFAULT})",
    )


def add_wait(parser: argparse.ArgumentParser, what: str) -> None:
    """`--wait` and how long."""
    parser.add_argument("--wait", action="store_true", help=f"wait until {what}; exit with 1 if it fails")
    parser.add_argument(
        "--timeout",
        type=positive,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help=f"with --wait, give up after this long (default: {WAIT_SECONDS:g})",
    )


def add_edit(parser: argparse.ArgumentParser) -> None:
    """The provider, and what may be changed of it."""
    parser.add_argument("provider", type=provider, metavar="ORG/NAME")
    parser.add_argument("--scope", choices=SCOPES, help="who sees it: everyone, or your organization")
    parser.add_argument("--display-name", metavar="TEXT")
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--readme", metavar="TEXT|@FILE", help="Markdown; @- reads standard input")
    parser.add_argument("--icon-url", metavar="URL")
    parser.add_argument("--tag", action="append", dest="tags", metavar="TAG", help="may be repeated; replaces all tags")


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Which entries of the audit."""
    parser.add_argument("--action", metavar="ACTION", help="only this action, such as version-yanked or refused")
    parser.add_argument("--since", type=moment, metavar="10d|TIME", help="only since then")
    parser.add_argument("--limit", type=count, default=50, help="at most this many (default: 50)")


def provider(text: str) -> str:
    """`ORG/NAME`."""
    try:
        return ProviderName.parse(text).canonical
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def version(text: str) -> str:
    """A semantic version."""
    try:
        return str(Version.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def rollout(text: str) -> str:
    """A rollout's id: a version, or `VERSION@LOCK`."""
    if not is_rollout_id(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no version, and no VERSION@LOCK with 12 digits of the lock")
    return text


def positive(text: str) -> float:
    """Seconds."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return number


def count(text: str) -> int:
    """1 to 100."""
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 100")
    return int(text)


def lines(text: str) -> int:
    """1 to 5000, as many as one answer has."""
    if not text.isdecimal() or not 1 <= int(text) <= 5000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 5000")
    return int(text)


def gibibytes(text: str) -> int:
    """0 to 1048576, which is a PiB."""
    if not text.isdecimal() or int(text) > 1024**2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {1024**2}, in GiB")
    return int(text)


def moment(text: str) -> str:
    """A time of ISO 8601 as it is, or a duration such as `10m` before now; as ISO 8601 in UTC."""
    duration = _DURATION.fullmatch(text)
    try:
        if duration:
            ago = timedelta(seconds=int(duration["number"]) * _SECONDS[duration["unit"]])
            return (datetime.now(UTC) - ago).isoformat()
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration (30s, 10m, 2h, 1d) and no time") from None
    return read.astimezone(UTC).isoformat()


def text_or_file(given: str | None) -> str | None:
    """The text itself, or with `@FILE` what the file holds. Raises UsageError."""
    if given is None or not given.startswith("@"):
        return given
    return _read(given[1:])


def config(pairs: Iterable[str], file: str | None) -> dict[str, str]:
    """`KEY=VALUE`s, over those of a file: lines of the same, or a JSON object. Raises UsageError, without a value."""
    return {**(_config_file(file) if file else {}), **dict(_pair(pair, "--config") for pair in pairs)}


def secret_config(given: Iterable[str]) -> dict[str, dict[str, str]]:
    """`KEY`s whose values are in the environment, and `KEY=@FILE`s, as the API takes secret values. Raises UsageError.

    A value that stood on the command line would be in lists of processes and in a shell's history.
    """
    return {key: {"secret": _secret(key, place)} for key, _, place in (text.partition("=") for text in given)}


def _secret(key: str, place: str) -> str:
    if place.startswith("@"):
        return _read(place[1:]).removesuffix("\n")
    if place:
        raise UsageError("--secret takes KEY, whose value is in the environment, or KEY=@FILE: never the value itself.")
    if key not in os.environ:
        raise UsageError(f"--secret {key}: the environment has no {key}; set it, or write {key}=@FILE.")
    return os.environ[key]


def _config_file(file: str) -> dict[str, str]:
    text = _read(file)
    if not text.lstrip().startswith("{"):
        # Line ends and no others: a value may hold what Unicode calls a separator.
        lines = (line.strip() for line in text.split("\n"))
        return dict(_pair(line, file) for line in lines if line and not line.startswith(_COMMENT))
    try:
        found = json.loads(text)
    except ValueError:
        raise UsageError(f"{file} begins like JSON, but is not valid: mend it, or write lines of KEY=VALUE.") from None
    if not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"{file}: every value of the config must be a string.")
    return dict(found)


def _pair(text: str, place: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        # What stands there may be a secret without its key: it is not repeated.
        raise UsageError(f"{place}: write each setting as KEY=VALUE.")
    return key, value


def _read(file: str) -> str:
    """A text as people write it on any system: with or without a byte-order mark, lines ended by CR LF, LF or CR."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no UTF-8 text: save it as UTF-8.") from error
