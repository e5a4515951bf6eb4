"""Logs as Cloud Logging reads them: one JSON object a line, with severity and the request's trace."""

import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_MOST_SAID = 4096


class JsonFormatter(logging.Formatter):
    """A record as one line; whatever was given as `extra` becomes a field of its own, for metrics to count."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object. A traceback follows the message; what its errors say is masked."""
        entry = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{_masked(self.formatException(record.exc_info), record.exc_info[1])}"
        entry |= {"severity": record.levelname, "message": message, "logger": record.name}
        if trace_id := _trace_id.get():
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace_id}"
        return json.dumps(entry, default=str, ensure_ascii=False)


def _masked(traceback: str, error: BaseException | None) -> str:
    """The traceback without what looks like a credential in its errors: nobody foresaw what these say."""
    from provider_hub.domain.masking import masked, tail  # noqa: PLC0415 - most processes never need it

    said = {str(one) for one in _chained(error)}
    # A group's errors are indented, so their lines are looked for too. The longest first: one may be a part of another.
    said |= {line for text in said for line in text.splitlines()}
    for text in sorted(said - {""}, key=len, reverse=True):
        traceback = traceback.replace(text, masked(tail(text, _MOST_SAID)))
    return traceback


def _chained(error: BaseException | None) -> Iterator[BaseException]:
    """The error, those that it came from, and those of a group."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def configure(project: str) -> None:
    """Send this system's logs to standard error as JSON; what libraries log below warnings is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(project))
    logger = logging.getLogger("provider_hub")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def remember_trace(header: str | None) -> None:
    """Take the trace id of an incoming `X-Cloud-Trace-Context` (`TRACE_ID/SPAN_ID;…`) for the lines to come."""
    trace_id = (header or "").partition("/")[0]
    _trace_id.set(trace_id if trace_id.isalnum() else "")
