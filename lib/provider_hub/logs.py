"""Logs as Cloud Logging reads them: one JSON object a line, with severity and the request's trace."""

import json
import logging
import sys
from contextvars import ContextVar

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line; whatever was given as `extra` becomes a field of its own, for metrics to count."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object. A traceback follows the message."""
        entry = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        entry |= {"severity": record.levelname, "message": message, "logger": record.name}
        if trace_id := _trace_id.get():
            entry["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace_id}"
        return json.dumps(entry, default=str, ensure_ascii=False)


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
