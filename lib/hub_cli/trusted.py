"""Publishing from CI without a stored token: the job's own identity is exchanged for a token of a quarter of an hour.

On GitHub a job with `id-token: write` is given two variables by which it asks for a token of its run; on GitLab the
job's `id_tokens` are variables themselves.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote

import urllib3

from hub_cli.api import HubApi
from hub_cli.arguments import Session
from hub_cli.connections import cause, pool
from hub_cli.display import as_json
from hub_cli.errors import ClientError, NotAuthenticated, Unavailable
from hub_cli.transport import PATIENCE_SECONDS, NotThere, Transport

_REQUEST_URL, _REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_SECONDS = 30.0
_LONGEST = 64 * 1024


def may_vouch(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a job of a CI platform that vouches for its jobs.

    It is also true for a job that lacks the permission, so that its author is told about the permission.
    """
    return _on_github(environment) or environment.get("GITLAB_CI") == "true"


def may_vouch_again(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the job may have a token for each of several wheels.

    The hub takes a platform's token once. GitHub makes a job as many as it asks for, and GitLab gives it one.
    """
    return _on_github(environment)


def _on_github(environment: Mapping[str, str]) -> bool:
    return bool(environment.get(_REQUEST_URL)) or environment.get("GITHUB_ACTIONS") == "true"


@contextlib.contextmanager
def trusted_session(
    session: Session, asked: str, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[Session, str]]:
    """A session with a token of this very run, and the provider that it publishes; the token is burnt at the end.

    `asked` as `ORG/NAME` is that provider. As `NAME` alone it only chooses among several that the workflow publishes:
    the token may be of another provider, and of a stranger's, if no other organization names the repository. Raises
    ClientError.
    """
    api = session.api
    identity = _identity(_audience(api), session.target.ca_file, environment)
    minted = api.mint_token(identity, asked)
    target = replace(session.target, token=minted["token"])
    try:
        yield (
            replace(session, target=target, api=HubApi(Transport(target, patience=PATIENCE_SECONDS))),
            minted["provider"],
        )
    finally:
        # It is good for minutes only, so that what was published is no failure where this one call fails.
        with contextlib.suppress(ClientError):
            api.burn_token(minted["token"])


def print_token(session: Session, provider: str | None, environment: Mapping[str, str] = os.environ) -> int:
    """Print a token of this very run, for a tool that asks for none itself. Raises ClientError.

    It ends by itself. On GitHub, the runner is told to hide it in the job's log.
    """
    identity = _identity(_audience(session.api), session.target.ca_file, environment)
    minted = session.api.mint_token(identity, provider)
    if environment.get("GITHUB_ACTIONS") == "true":
        print(f"::add-mask::{minted['token']}", file=sys.stderr, flush=True)
    print(as_json(minted) if session.as_json else minted["token"])
    return 0


def _audience(api: HubApi) -> str:
    """Raises NotAuthenticated for a hub that takes no tokens of CI platforms."""
    try:
        return api.oidc_audience()
    except NotThere as error:
        raise NotAuthenticated(f"no token: set HUB_TOKEN, since this run cannot vouch for itself ({error}).") from error


def _identity(audience: str, ca_file: str | None, environment: Mapping[str, str]) -> str:
    """The platform's token of this run. Raises NotAuthenticated or Unavailable."""
    url, token = environment.get(_REQUEST_URL), environment.get(_REQUEST_TOKEN)
    if url and token:
        return _asked(f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}", token, ca_file)
    # `HUB_ID_TOKEN` is ours; the other is the name that Python's publishing tools look for.
    name = f"{re.sub('[^A-Z0-9_]', '_', audience.upper())}_ID_TOKEN"
    for variable in ("HUB_ID_TOKEN", name):
        if environment.get(variable):
            return environment[variable]
    raise NotAuthenticated(
        "the CI platform gives this job no token of its run: on GitHub, let the job have `permissions: id-token: "
        f"write`; on GitLab, give it `id_tokens` with HUB_ID_TOKEN of `aud: {audience}`. Else set HUB_TOKEN."
    )


def _asked(url: str, token: str, ca_file: str | None) -> str:
    try:
        response = pool(url, ca_file, read_seconds=_SECONDS).request(
            "GET", url, headers={"Authorization": f"Bearer {token}"}, redirect=False, preload_content=False
        )
        with response:
            content = response.read(_LONGEST)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"the runner does not answer: {cause(error)}.") from error
    try:
        return str(json.loads(content)["value"])
    except (ValueError, KeyError, TypeError):
        raise NotAuthenticated(
            f"the runner gives this job no token of its run (it answered {response.status})."
        ) from None
