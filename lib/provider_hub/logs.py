"""Logs as Cloud Logging reads them: one JSON object a line, with severity and the request's trace."""

import json
import logging
import sys
import textwrap
import traceback
from contextvars import ContextVar

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# Cloud Logging takes these out of a line for the entry itself, so that `jsonPayload`, which metrics read, has none of
# them: https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields.
_LIFTED = frozenset({"severity", "time", "timestamp", "timestampSeconds", "timestampNanos", "httpRequest"})
_LIFTED_PREFIX = "logging.googleapis.com/"
_OWN = frozenset({"message", "logger"})
_MOST_SAID = 2048
_MOST_ERRORS = 10
_MOST_DEPTH = 2


class JsonFormatter(logging.Formatter):
    """A record as one line; whatever was given as `extra` becomes a field of its own, for metrics to count.

    A reserved name gets an underscore behind it: such a line is wrong, but it is worth more than none.
    """

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object. A traceback follows the message; what its errors say is masked."""
        extras = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        entry = {f"{key}_" if is_reserved(key) else key: value for key, value in extras.items()}
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message = f"{message}\n{_traceback_of(record.exc_info[1])}"
        entry |= {"severity": record.levelname, "message": message, "logger": record.name}
        if trace_id := _trace_id.get():
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace_id}"
        return json.dumps(entry, default=str, ensure_ascii=False)


def is_reserved(field: str) -> bool:
    """Whether no `extra` may have this name: the value would never arrive where metrics and alerts look for it."""
    return field in _LIFTED or field in _OWN or field.startswith(_LIFTED_PREFIX)


def _traceback_of(error: BaseException, depth: int = 0) -> str:
    """As Python prints it, but what an error says is masked and shortened: nobody foresaw it."""
    parts = []
    for one, became in _chained(error):
        frames = "".join(traceback.format_tb(one.__traceback__))
        began = f"Traceback (most recent call last):\n{frames}" if frames else ""
        parts.append(f"{began}{type(one).__qualname__}: {_said(one)}\n{became}")
        if isinstance(one, BaseExceptionGroup) and depth < _MOST_DEPTH:
            within = "\n".join(_traceback_of(each, depth + 1) for each in one.exceptions[:_MOST_ERRORS])
            parts.append(textwrap.indent(within, "  | "))
    return "".join(parts).rstrip("\n")


def _said(error: BaseException) -> str:
    from provider_hub.domain.masking import masked  # noqa: PLC0415 - most processes never need it

    try:
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
    except Exception:  # the line is worth more than what this error cannot say
        return "(it cannot say what went wrong)"
    if len(text) <= _MOST_SAID:
        return masked(text)
    # Its beginning: a credential that is cut behind its label is still known. What has no label is one word.
    beginning, *_ = text[:_MOST_SAID].rsplit(maxsplit=1)
    return f"{masked(beginning)} …" if beginning != text[:_MOST_SAID] else "…"


def _chained(error: BaseException) -> list[tuple[BaseException, str]]:
    """The first error, those that came of it, and at last the one that was logged; each with what links it."""
    chain = [(error, "")]
    while len(chain) < _MOST_ERRORS:
        last, _ = chain[-1]
        if last.__cause__ is not None:
            chain.append((last.__cause__, "\nIt was the cause of the following error:\n\n"))
        elif last.__context__ is not None and not last.__suppress_context__:
            chain.append((last.__context__, "\nWhile it was handled, the following error occurred:\n\n"))
        else:
            break
    return chain[::-1]


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
