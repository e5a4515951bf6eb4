"""What is counted is what the code logs, and what goes wrong wakes somebody."""

import json
import re
from typing import Any

import pytest
from terraform.tools.configuration import TERRAFORM, read
from terraform.tools.readme import README
from tests.logged import CODE, Line, fields_by_event, lines, payload_of

from local_stack.function_list import FUNCTIONS_DIR
from provider_hub.domain.advisories import Severity

HUB = read()
COUNTERS: dict[str, dict[str, Any]] = HUB.local("counters")
DISTRIBUTIONS: dict[str, dict[str, Any]] = HUB.local("distributions")
METRICS = {**COUNTERS, **DISTRIBUTIONS}
# How Google's own metrics and resources name what they are told apart by; what a metric of ours has is in `COUNTERS`.
LABEL = re.compile(r"metric\.labels?\.(\w+)")
NAMED_METRIC = re.compile(r"\$\{local\.metrics\.(\w+)\}")


def counted_events(metric: dict[str, Any]) -> set[str]:
    conditions = re.findall(r"jsonPayload\.event=(\(.*?\)|\S+)", metric["filter"])
    return {event for condition in conditions for event in re.findall(r"\w+_\w+", condition)}


def read_fields(name: str) -> set[str]:
    """The fields of a line that a metric reads: those of its filter, its label's and its number's."""
    metric = METRICS[name]
    number = f"jsonPayload.{name}" if name in DISTRIBUTIONS else ""
    wanted = re.sub(r"NOT jsonPayload\.\w+:\*", "", metric["filter"])
    return set(re.findall(r"jsonPayload\.(\w+)", f"{wanted} {metric.get('from', '')} {number}"))


def counted_lines(name: str) -> list[Line]:
    """The lines of the code that a metric counts: of its events, or with the field that its filter asks for."""
    events = counted_events(METRICS[name])
    if events:
        return [line for line in lines() if line.event in events]
    return [line for line in lines() if read_fields(name) & line.fields]


@pytest.mark.parametrize("name", METRICS)
def test_every_event_that_is_counted_is_logged(name: str) -> None:
    missing = counted_events(METRICS[name]) - set(fields_by_event())
    assert not missing, f"nothing logs {missing}"


@pytest.mark.parametrize("name", METRICS)
def test_every_field_that_a_metric_reads_arrives_with_every_line_that_it_counts(name: str) -> None:
    counted = counted_lines(name)
    assert counted or "severity" in METRICS[name]["filter"], "a metric counts an event, a field or a severity"
    for line in counted:
        payload = payload_of({field: f"its {field}" for field in line.fields})
        lost = {field for field in read_fields(name) if payload.get(field) != f"its {field}"}
        assert not lost, f"{line.where} logs {line.event or 'a line'}, whose jsonPayload has no such {lost}"


def test_every_label_that_an_alert_or_a_chart_names_is_one_of_its_metric() -> None:
    watchers = [*HUB.local("charts"), *HUB.local("alerts").values()]
    installs = HUB.local("ended_installs") + HUB.local("failed_installs")
    named = [
        (metric, label)
        for text in (installs, *(f"{watcher['filter']} {' '.join(watcher.get('by', []))}" for watcher in watchers))
        for metric in NAMED_METRIC.findall(text)
        for label in LABEL.findall(text.replace("metric.type", ""))
    ]
    assert len(named) > 5
    assert [(metric, label) for metric, label in named if COUNTERS[metric]["label"] != label] == []


def test_the_alert_on_advisories_asks_for_severities_that_there_are() -> None:
    (asked,) = re.findall(r"one_of\((.*?)\)", HUB.local("alerts")["advisories"]["filter"])
    assert set(re.findall(r"\w+", asked)) == {Severity.HIGH.value, Severity.CRITICAL.value}


def test_every_event_and_sentence_that_an_alert_tells_to_look_for_is_logged() -> None:
    policies = [policy.text for policy in HUB.of("resource", "google_monitoring_alert_policy")]
    advice = " ".join([*(alert["advice"] for alert in HUB.local("alerts").values()), *policies])
    named = set(re.findall(r"the event (\w+)", advice))
    assert {"installation_failed", "sweep_job_failed"} <= named <= set(fields_by_event())
    code = "".join(path.read_text() for path in CODE.rglob("*.py"))
    sentences = re.findall(r'shows as \\?"(.*?)\\?"', advice)
    assert sentences
    assert [sentence for sentence in sentences if sentence not in code] == []


def test_every_line_at_error_wakes_somebody() -> None:
    """Those without an event by one alert for all of them, the others by the alert on their event."""
    watched = {metric for alert in HUB.local("alerts").values() for metric in NAMED_METRIC.findall(alert["filter"])}
    assert "errors" in watched
    assert "NOT jsonPayload.event:*" in COUNTERS["errors"]["filter"]
    alerted = set().union(*(counted_events(METRICS[metric]) for metric in watched))
    at_error = {line.event for line in lines() if line.method in {"error", "exception", "critical"}} - {""}
    assert at_error
    assert at_error <= alerted


def test_every_subscription_is_watched_for_its_backlog() -> None:
    declared = json.loads((FUNCTIONS_DIR / "functions.json").read_text())
    topics = [one["triggers"]["topic"] for one in declared.values() if "topic" in one["triggers"]]
    (pattern,) = re.findall(r'full_match\("(.*)"\)', HUB.local("backlog"))
    watched = pattern.replace("${local.topic_prefix}", "hub-").replace(
        '${join("|", keys(local.topics))}', "|".join(topics)
    )
    subscriptions = read(TERRAFORM / "modules" / "topic").of("resource", "google_pubsub_subscription")
    names = [one.body["name"].replace("${var.name}", f"hub-{topic}") for one in subscriptions for topic in topics]
    assert len(names) == 2 * len(topics) > 2
    assert [name for name in names if not re.fullmatch(watched, name)] == []


def test_the_readme_explains_every_event_that_is_counted() -> None:
    text = README.read_text()
    for metric in METRICS.values():
        assert all(f"| `{event}` |" in text for event in counted_events(metric))


def test_the_readme_names_only_fields_that_arrive_with_their_event() -> None:
    _, _, table = README.read_text().partition("| `event` | when | fields |\n|---|---|---|\n")
    rows = [row.strip("|").split("|") for row in table.partition("\n\n")[0].splitlines()]
    assert len(rows) > 10
    for event, _, fields in rows:
        logged = fields_by_event()[event.strip("` ").replace("none", "")]
        named = set(re.findall(r"`(\w+)`", re.sub(r"= `\w+`", "", fields)))
        arriving = {field for field, value in payload_of(dict.fromkeys(logged, "x")).items() if value == "x"}
        assert named <= arriving, f"{event}: {named - arriving}"


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


@pytest.mark.parametrize("name", ["threshold", "installs", "logged"])
def test_an_alert_on_lines_ends_without_lines_so_that_the_next_one_writes_again(name: str) -> None:
    """By default its incident stays open for seven days, and another dead letter within them reaches nobody."""
    (strategy,) = HUB.resource(f"google_monitoring_alert_policy.{name}").body["alert_strategy"]
    assert strategy["auto_close"] == "3600s"


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
