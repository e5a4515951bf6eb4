"""What is counted is what the code logs, and what goes wrong wakes somebody."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from terraform.tools.configuration import read
from terraform.tools.readme import README

from local_stack.function_list import FUNCTIONS_DIR

HUB = read()
METRICS: dict[str, dict[str, Any]] = {**HUB.local("counters"), **HUB.local("distributions")}
CODE = FUNCTIONS_DIR.parent / "lib" / "provider_hub"


@cache
def logged_fields() -> dict[str, set[str]]:
    """Every `event` that the code may log, with the fields beside it; under "" those that come without one."""
    found: dict[str, set[str]] = {}
    for path in CODE.rglob("*.py"):
        for fields in _literals(ast.parse(path.read_text())):
            event = fields.get("event")
            found.setdefault(str(event.value) if isinstance(event, ast.Constant) else "", set()).update(fields)
    return found


def _literals(tree: ast.AST) -> Iterator[dict[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}


def counted_events(metric: dict[str, Any]) -> set[str]:
    conditions = re.findall(r"jsonPayload\.event=(\(.*?\)|\S+)", metric["filter"])
    return {event for condition in conditions for event in re.findall(r"\w+_\w+", condition)}


@pytest.mark.parametrize("name", METRICS)
def test_every_event_that_is_counted_is_logged(name: str) -> None:
    events = counted_events(METRICS[name])
    assert events or f"jsonPayload.{name}>=0" in METRICS[name]["filter"], "a metric counts an event or a field"
    assert events <= set(logged_fields()), f"nothing logs {events - set(logged_fields())}"


@pytest.mark.parametrize("name", HUB.local("distributions"))
def test_every_number_that_is_measured_is_logged_with_its_event(name: str) -> None:
    events = counted_events(METRICS[name]) or {""}
    for event in events:
        assert name in logged_fields().get(event, set()), f"{event or 'nothing'} is logged with {name}"


def test_installs_are_told_apart_by_their_outcome() -> None:
    for event in counted_events(METRICS["installs"]):
        assert "outcome" in logged_fields().get(event, set()), f"{event} is logged without its outcome"


def test_the_readme_explains_every_event_that_is_counted() -> None:
    text = README.read_text()
    for metric in METRICS.values():
        assert all(f"| `{event}` |" in text for event in counted_events(metric))


def test_only_this_environments_functions_are_counted() -> None:
    assert "${var.name}-(" in HUB.local("logs")
    for kind in ("counter", "distribution"):
        assert HUB.resource(f"google_logging_metric.{kind}").body["filter"].startswith("${local.logs} AND ")


def test_what_must_wake_somebody_has_an_alert() -> None:
    alerts = HUB.local("alerts")
    assert alerts["dead_letter"]["above"] == 0
    assert alerts["outbox"]["above"] == 5 * 60
    assert "99" in alerts["latency"]["reducer"]
    errors = HUB.resource("google_monitoring_alert_policy.errors").body
    assert "denominator_filter" in errors["conditions"][0]["condition_threshold"][0]


def test_an_alert_on_the_check_from_outside_looks_further_back_than_the_time_between_two_checks() -> None:
    """Within a shorter period there is most often no point, and the alert would be about what is absent."""
    (check,) = HUB.of("resource", "google_monitoring_uptime_check_config")
    between = int(check.body["period"].removesuffix("s"))
    periods = {
        name: alert.get("period", "60s")
        for name, alert in HUB.local("alerts").items()
        if "uptime_check" in alert["filter"]
    }
    assert len(periods) == 2
    assert [name for name, period in periods.items() if int(period.removesuffix("s")) < 2 * between] == []


@pytest.mark.parametrize(
    "policy", HUB.of("resource", "google_monitoring_alert_policy"), ids=lambda block: block.address
)
def test_an_alert_says_what_to_do_and_reaches_the_channels(policy: Any) -> None:
    assert policy.body["notification_channels"] == "${local.channels}"
    assert policy.body["documentation"][0]["content"]


def test_the_budget_is_left_out_where_none_is_given() -> None:
    assert HUB.resource("google_billing_budget.this").body["count"] == "${var.budget == null ? 0 : 1}"


def test_the_dashboard_shows_every_metric() -> None:
    shown = str(HUB.local("charts"))
    assert [name for name in METRICS if f"local.metrics.{name}" not in shown] == []
