"""Which API a command speaks to, and with which token: options, then the environment, then the stack of this folder."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hub_cli.errors import NoStack, NotAuthenticated, UsageError
from hub_cli.hosts import is_this_machine
from hub_cli.stack_file import StackInfo, stack_file

_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Target:
    """The API's base URL without a trailing slash; `ca_file` is trusted beside the system's certificates."""

    api_url: str
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    def require_token(self) -> str:
        """Raises NotAuthenticated where none was given."""
        if self.token is None:
            raise NotAuthenticated(
                "no token: set HUB_TOKEN; for a stack on this machine, `hub token machine --org SLUG` prints one."
            )
        return self.token


def resolve(
    api_url: str | None,
    token: str | None,
    ca_file: str | None,
    state_dir: Path,
    environment: Mapping[str, str] = os.environ,
) -> Target:
    """The target of a command. Raises UsageError for none, or one that a token must not be sent to."""
    url = api_url or environment.get("HUB_API_URL") or None
    ca_file = ca_file or environment.get("HUB_CA_FILE") or None
    if url is None:
        stack = _stack(state_dir)
        url, ca_file = stack.api_url, ca_file or stack.ca_file
    return Target(_checked_url(url), _checked_token(token or environment.get("HUB_TOKEN")), ca_file)


def _stack(state_dir: Path) -> StackInfo:
    try:
        info = StackInfo.read(state_dir)
    except NoStack as error:
        raise UsageError(
            f"no API to speak to: give --api-url or HUB_API_URL. Without them, a local stack's is taken, and {error}"
        ) from error
    _check_is_ours(state_dir, info.api_url)
    return info


def _check_is_ours(state_dir: Path, url: str) -> None:
    """The folder may have come with somebody else's files, and the token must not go where they say."""
    file = stack_file(state_dir)
    if any(path.stat().st_uid != os.geteuid() for path in (state_dir, file)):
        raise UsageError(f"{file} belongs to another user, so its API gets no token: give --api-url or HUB_API_URL.")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not is_this_machine(host):
        raise UsageError(
            f"{file} names an API that is not on this machine ({host or 'no host'}), so that API gets no token: "
            "if you trust it, give its URL with --api-url or HUB_API_URL."
        )


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        parts, host, port_is_sound = urlsplit(""), "", False
    if parts.scheme not in ("https", "http") or not host or not port_is_sound or parts.username or parts.query:
        raise UsageError("the API's URL is not usable: write it as https://host, without user, password or query.")
    if parts.scheme == "http" and not is_this_machine(host):
        raise UsageError(f"http://{host} would carry the token in the clear: use https://{host}.")
    return url.rstrip("/")


def _checked_token(token: str | None) -> str | None:
    """A token from a file often ends in a newline or begins with a byte-order mark, and no header may."""
    text = (token or "").strip().strip("\ufeff").strip()
    if not text:
        return None
    if not _TOKEN.fullmatch(text):
        raise UsageError("the token has spaces or control characters: give the bare token, one word.")
    return text
