"""Logs as Cloud Logging reads them: one JSON object a line, with severity and the request's trace."""

import json
import logging
import sys
from contextvars import ContextVar

trace: ContextVar[str] = ContextVar("trace", default="")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line; whatever was given as `extra` becomes a field of its own, for metrics to count."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        entry |= {"severity": record.levelname, "message": message, "logger": record.name}
        if current := trace.get():
            entry["logging.googleapis.com/trace"] = current
        return json.dumps(entry, default=str, ensure_ascii=False)


def configure() -> None:
    """Send this system's logs to standard error as JSON; what libraries log below warnings is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("provider_hub")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def remember_trace(project: str, header: str | None) -> None:
    """Take the trace id of an incoming `X-Cloud-Trace-Context` (`TRACE_ID/SPAN_ID;…`) for the lines to come."""
    trace_id = (header or "").partition("/")[0]
    trace.set(f"projects/{project}/traces/{trace_id}" if trace_id.isalnum() else "")
