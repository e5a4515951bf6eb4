"""`hub logs`: what an installation's pods print, once or for as long as it is there."""

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hub_cli.api import HubApi, Json
from hub_cli.arguments import Session
from hub_cli.display import as_json, moment, printable
from hub_cli.errors import Unavailable
from hub_cli.transport import NotThere

POLL_SECONDS = 1.0
_PAGE = 1000
# Colours and the like: on a terminal they would be obeyed, in a file they are noise.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,32}[@-~]")


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Print the lines, and with `--follow` those to come. Raises ClientError."""
    shown = Lines(session.api, parsed.provider, as_json=session.as_json)
    more = shown.page(parsed.since, previous=parsed.previous, limit=_PAGE if parsed.since else parsed.limit)
    # The runs before the present ones are over: there is nothing to follow.
    if parsed.previous:
        return 0
    while more:
        more = shown.page(shown.cursor, limit=_PAGE)
    if parsed.follow:
        shown.follow()
    return 0


@dataclass
class Lines:
    """Prints an installation's lines page by page; `cursor` is behind the last one."""

    api: HubApi
    provider: str
    as_json: bool
    sleep: Callable[[float], None] = time.sleep
    cursor: str | None = None
    _noticed: str | None = field(default=None, init=False)

    def page(self, since: str | None, *, limit: int, previous: bool = False) -> bool:
        """Print one page; returns whether there are more lines already. Raises ClientError."""
        answer = self.api.logs(self.provider, since, previous=previous, limit=limit)
        for item in answer["items"]:
            print(as_json(item, one_line=True) if self.as_json else _line(item))
        if answer["items"]:
            sys.stdout.flush()
        self._tell(answer["notice"])
        self.cursor = answer["cursor"]
        return bool(answer["more"])

    def follow(self) -> None:
        """Print what comes, through rollouts and restarts of the API; returns once the installation is gone.

        Raises every ClientError but Unavailable: an API that is away comes back, and the cursor is still good.
        """
        more = False
        while True:
            if not more:
                self.sleep(POLL_SECONDS)
            try:
                more = self.page(self.cursor, limit=_PAGE)
            except NotThere:
                self._tell(f"{self.provider} is not installed any more")
                return
            except Unavailable as error:
                more = False
                self._tell(f"waiting for the API: {error}")

    def _tell(self, text: str | None) -> None:
        """To people, and once: standard output has the lines alone."""
        if text and text != self._noticed:
            print(f"hub: {printable(text)}", file=sys.stderr, flush=True)
        self._noticed = text


def _line(item: Json) -> str:
    """The time in UTC, the end of the pod's name, which tells the pods of one installation apart, and the line."""
    return f"{moment(item['at'])}  {item['pod'][-5:]}  {printable(_ESCAPES.sub('', item['line']))}"
