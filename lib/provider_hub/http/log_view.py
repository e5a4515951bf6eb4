"""What an installation's pods print, as `GET …/logs` answers it (contract, section 3)."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from provider_hub.actions.read_logs import MOST_LINES, LogPage, LogWish
from provider_hub.actions.wishes import Wish
from provider_hub.domain.pod_output import CURSOR_LENGTH, LogCursor, LogLine
from provider_hub.http.models import Response

_CURSOR = "WzEsbnVsbCxmYWxzZSx7fV0"


def _is_cursor(text: str) -> str:
    try:
        LogCursor.parse(text)
    except ValueError as error:
        raise PydanticCustomError("value_error", "{reason}", {"reason": str(error)}) from None
    return text


class LogsQuery(Wish):
    """Which lines."""

    since: Annotated[str, Field(max_length=CURSOR_LENGTH), AfterValidator(_is_cursor)] | None = Field(
        None,
        description="The `cursor` of the answer before, or the time to begin at; without it, the last `limit` lines.",
        examples=["2026-03-02T10:15:00Z"],
    )
    previous: bool = Field(
        False, description="The runs before the present ones, of pods whose container was restarted."
    )
    limit: int = Field(1000, ge=1, le=MOST_LINES, description="How many lines an answer has; it ends at 1 MiB too.")

    @property
    def wish(self) -> LogWish:
        """The same as the action takes it."""
        return LogWish(LogCursor.parse(self.since) if self.since else None, self.previous, self.limit)


class LogLineBody(Response):
    """One line that a pod printed."""

    at: datetime = Field(description="When it was printed, by the node's clock.", examples=["2026-03-02T10:15:42.12Z"])
    pod: str = Field(description="The pod that printed it.", examples=["p-acme-weather-q3zk5d2x-6d9f7-x2x4k"])
    line: str = Field(
        description="The line, at most 2,000 characters. Config values and what looks like a credential are `***`.",
        examples=["pragma_runtime: The provider serves."],
    )

    @classmethod
    def of(cls, line: LogLine) -> Self:
        """The view of a line."""
        return cls(at=line.at, pod=line.pod, line=line.text)


class Logs(Response):
    """Lines of all pods of an installation, merged by time."""

    items: list[LogLineBody] = Field(description="Oldest first.")
    cursor: str = Field(description="The `since` that goes on behind these lines.", examples=[_CURSOR])
    more: bool = Field(description="Whether further lines are there already.", examples=[False])
    notice: str | None = Field(description="What may be missing, and why; null where nothing is.")

    @classmethod
    def of(cls, page: LogPage) -> Self:
        """The view of a page."""
        items = [LogLineBody.of(line) for line in page.lines]
        return cls(items=items, cursor=page.cursor.encode(), more=page.more, notice=page.notice)
