"""Logs: one JSON object a line, with what metrics count and the request's trace."""

import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
from tests.logged import lines

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


@pytest.mark.parametrize("field", ["severity", "logger", "time", "httpRequest", "logging.googleapis.com/labels"])
def test_an_extra_neither_takes_the_place_of_a_lines_own_field_nor_is_lost(field: str) -> None:
    fields = {"name": "provider_hub", "levelname": "ERROR", "msg": "hello", field: "mine"}
    told = json.loads(logs.JsonFormatter("my-project").format(logging.makeLogRecord(fields)))
    assert (told["severity"], told["message"], told["logger"]) == ("ERROR", "hello", "provider_hub")
    assert (told[f"{field}_"], told.get(field) == "mine") == ("mine", False)


def test_no_line_of_the_code_has_an_extra_whose_name_is_taken() -> None:
    assert len(lines()) > 20
    assert [(line.where, field) for line in lines() for field in line.fields if logs.is_reserved(field)] == []


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


# A traceback shows the lines of code that were running: these do not have the credential in them.
CREDENTIAL = "hunter2" * 2


def test_what_an_unforeseen_error_says_is_masked() -> None:
    def connects() -> None:
        raise ConnectionError(f"GET https://me:{CREDENTIAL}@example.org/ with password={CREDENTIAL}")

    def fails() -> None:
        try:
            connects()
        except ConnectionError as error:
            raise ValueError("it is not there") from error

    told = traceback_of(fails)
    assert CREDENTIAL not in told
    assert "ConnectionError: GET https://***@example.org/ with password=***" in told
    assert "ValueError: it is not there" in told
    assert told.count(", in connects") == 1


def test_what_the_errors_of_a_group_say_is_masked() -> None:
    def fails() -> None:
        raise ExceptionGroup("both", [ValueError(f"token={CREDENTIAL}"), KeyError("x")])

    told = traceback_of(fails)
    assert CREDENTIAL not in told
    assert "ValueError: token=***" in told


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ("", ""),
        (f"password: {CREDENTIAL} " * 1000, "p"),
        (f"-----BEGIN PRIVATE KEY-----\n{CREDENTIAL}\n-----END PRIVATE KEY-----\n" * 100, "k"),
        (f"https://me:{CREDENTIAL}@example.org/ " * 200, "u"),
        (f"https://me:{CREDENTIAL * 200}@example.org/", "u"),
    ],
)
def test_an_error_may_say_nothing_or_much(said: str, unit: str) -> None:
    for more in range(0, 60, 7):

        def fails(more: int = more) -> None:
            raise ValueError(more * unit + said)

        told = traceback_of(fails)
        assert CREDENTIAL not in told
        assert len(told) < 5_000
        assert told.count("Traceback") == 1


def test_notes_are_masked() -> None:
    def fails() -> None:
        error = ValueError("refused")
        error.add_note(f"token={CREDENTIAL}")
        raise error

    told = traceback_of(fails)
    assert CREDENTIAL not in told
    assert "ValueError: refused\ntoken=***" in told


def test_an_error_that_cannot_say_anything_leaves_the_line_whole() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError(CREDENTIAL)

    def fails() -> None:
        raise Mute

    told = traceback_of(fails)
    assert told.startswith("failed\nTraceback")
    assert "Mute: (it cannot say what went wrong)" in told
    assert CREDENTIAL not in told


def test_errors_that_came_of_each_other_and_groups_within_groups_have_an_end() -> None:
    def fails() -> None:
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        group = ExceptionGroup("innermost", [first] * 30)
        for _ in range(30):
            group = ExceptionGroup("outer", [group])
        raise group

    assert len(traceback_of(fails)) < 20_000


def traceback_of(fails: Callable[[], None]) -> str:
    try:
        fails()
    except Exception:
        record = logging.LogRecord("provider_hub", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    message: str = json.loads(logs.JsonFormatter("my-project").format(record))["message"]
    return message
