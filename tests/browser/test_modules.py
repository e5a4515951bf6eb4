"""Rules that the console applies itself, in the browser that has to: no stack is needed for them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from local_stack.console import SOURCE

ORIGIN = "http://console.example"

# By semver.org, section 11, from the lowest.
ORDERED = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.2.0",
    "1.10.0",
]


@pytest.fixture
def console(browser: Browser) -> Iterator[Page]:
    """An empty page beside the console's files."""
    context = browser.new_context()
    page = context.new_page()
    page.route(f"{ORIGIN}/**", lambda route: route.fulfill(path=SOURCE / urlsplit(route.request.url).path[1:]))
    page.route(f"{ORIGIN}/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto(f"{ORIGIN}/")
    yield page
    context.close()


def of_module(console: Page, name: str, expression: str, *given: Any) -> Any:
    """What a module of the console makes of what is given; `expression` calls it `module`."""
    return console.evaluate(f"(given) => import('/{name}').then((module) => {expression})", given)


def test_versions_are_ordered_as_the_hub_orders_them(console: Page) -> None:
    compared = "given.map((one) => given.map((other) => module.compareVersions(one, other)))"
    places = range(len(ORDERED))
    found = of_module(console, "steps.js", compared, *ORDERED)
    assert found == [[(one > other) - (one < other) for other in places] for one in places]


def test_what_never_became_ready_goes_back_as_a_whole(console: Page) -> None:
    events = [
        {"generation": 3, "to_state": "pending", "version": "1.1.0", "at": "3"},
        {"generation": 2, "to_state": "ready", "version": "1.1.0", "at": "2"},
        {"generation": 1, "to_state": "ready", "version": "1.0.0", "at": "1"},
    ]
    rows = [
        {"lifecycle_state": "failed", "generation": 3, "installed_version": "1.1.0"},
        {"lifecycle_state": "ready", "generation": 2, "installed_version": "1.1.0"},
    ]
    ways = of_module(console, "steps.js", "given[0].map((row) => module.wayBack(row, given[1]))", rows, events)
    assert ways[0] == {"version": "1.1.0", "at": "2", "whole": True}, "the config of then comes back"
    assert ways[1] == {"version": "1.0.0", "at": "1", "whole": False}
    assert of_module(console, "steps.js", "module.wayBack(given[0], [])", rows[0]) is None


def test_a_variable_is_a_secret_by_its_name_unless_somebody_says_otherwise(console: Page) -> None:
    others = [
        {"key": "API_TOKEN", "value": "a"},
        {"key": "DSN", "value": "b", "secret": True},
        {"key": "MONKEY", "value": "c"},
        {"key": "TOKEN_URL", "value": "d", "secret": False},
        {"key": "OLD_PASSWORD", "value": "e"},
        {"key": "", "value": "not named yet"},
    ]
    typed = {"values": {}, "others": others, "kept": [], "removed": ["GONE"]}
    expression = "module.configFrom([], given[0], given[1])"
    assert of_module(console, "components/config-form.js", expression, typed, {"OLD_PASSWORD": "e"}) == {
        "GONE": {"secret": None},
        "API_TOKEN": {"secret": "a"},
        "DSN": {"secret": "b"},
        "MONKEY": "c",
        "TOKEN_URL": "d",
        "OLD_PASSWORD": "e",
    }
