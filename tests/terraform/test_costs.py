"""The costs follow the examples, and the small setting costs next to nothing while nothing is installed."""

from typing import Any

import pytest
from terraform.tools.configuration import TERRAFORM, read
from terraform.tools.costs import ITEMS, SETTINGS, STANDARD, Setting, conditions, month
from terraform.tools.preflight import chosen

SMALL, _, LARGE = SETTINGS


def example(setting: Setting) -> Any:
    return chosen([TERRAFORM / setting.file])


def test_the_small_setting_costs_at_most_five_dollars_a_month_idle() -> None:
    assert 1 < month(0, SMALL) <= 5


def test_the_standard_settings_idle_cost_is_mostly_the_cluster_and_the_load_balancer() -> None:
    parts = {item.name: item.cost(0, STANDARD) for item in ITEMS}
    assert parts["Clusters"] == pytest.approx(73.0)
    assert parts["Load balancer and Cloud Armor"] == pytest.approx(26.25), "one price covers the first five rules"
    assert parts["NAT"] == pytest.approx(6.72, abs=0.01), "by node, not by the price of 32"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_what_its_example_says(setting: Setting) -> None:
    given = example(setting)
    cells = [given.get("cluster", {}), *given.get("cells", {}).values()]
    assert setting.clusters == len([cell for cell in cells if "existing" not in cell])
    assert setting.has_gateway == (given.get("gateway") != "none")
    assert setting.warm_instances == sum(size.get("min_instances", 0) for size in given.get("functions", {}).values())
    assert setting.check_in_seconds == int(given.get("settings", {}).get("check_in_seconds", 300))
    assert setting.drift_slices == int(given.get("settings", {}).get("drift_slices", 1))
    assert setting.multi_region == bool(given.get("database", {}).get("location"))


def test_every_condition_of_an_alert_has_its_costs() -> None:
    hub = read()
    alerts = hub.local("alerts").values()
    policies = [policy.body for policy in hub.of("resource", "google_monitoring_alert_policy")]
    written = [condition for body in policies if "for_each" not in body for condition in body["conditions"]]
    single = sum("condition_matched_log" not in condition for condition in written)
    assert conditions(STANDARD) == len(alerts) + single
    assert conditions(SMALL) == sum("where" not in alert for alert in alerts) + single


def test_every_example_has_its_costs() -> None:
    assert {setting.file for setting in SETTINGS} == {path.name for path in TERRAFORM.glob("*.example")}
    assert month(LARGE.installations, LARGE) > month(0, LARGE)
