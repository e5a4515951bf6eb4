"""Logs: one JSON object a line, with what metrics count and the request's trace."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from provider_hub import logs


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The system's own logger, as it was before once the test is over."""
    hub = logging.getLogger("provider_hub")
    before = hub.handlers, hub.propagate, hub.level
    yield hub
    hub.handlers, hub.propagate = before[0], before[1]
    hub.setLevel(before[2])
    logs.remember_trace(None)


def test_a_record_is_one_line_with_its_severity_and_extras(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("my-project")
    logger.getChild("part").warning("two\nlines of %s", "text", extra={"event": "dead_letter"})
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["severity"], told["message"]) == ("WARNING", "two\nlines of text")
    assert (told["event"], told["logger"]) == ("dead_letter", "provider_hub.part")


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("abc123/456;o=1", "projects/my-project/traces/abc123"),
        ("abc123", "projects/my-project/traces/abc123"),
        ("", None),
        (None, None),
        ("../x/1", None),
    ],
)
def test_a_line_carries_the_trace_of_its_request(header: str | None, trace: str | None) -> None:
    logs.remember_trace(header)
    record = logging.LogRecord("provider_hub", logging.INFO, __file__, 1, "hello", None, None)
    told = json.loads(logs.JsonFormatter("my-project").format(record))
    assert told.get("logging.googleapis.com/trace") == trace
    logs.remember_trace(None)


def test_an_error_is_told_with_its_trace(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("my-project")
    try:
        raise KeyError("x")
    except KeyError:
        logger.exception("it failed")
    told = json.loads(capsys.readouterr().err)
    assert told["message"].startswith("it failed\nTraceback")
    assert sys.exc_info() == (None, None, None)
