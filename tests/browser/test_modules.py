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


def at_once(console: Page, name: str, expression: str, *given: Any) -> Any:
    """The same, of what takes no waiting: the browser ends the script after some seconds, and the test fails."""
    console.evaluate(f"(given) => import('/{name}').then((module) => Object.assign(window, {{module, given}}))", given)
    debugger = console.context.new_cdp_session(console)
    answer = debugger.send(
        "Runtime.evaluate", {"expression": expression, "timeout": 5000, "returnByValue": True, "replMode": True}
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    debugger.detach()
    return answer["result"]["value"]


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


LONG = 50_000
HALF = " " * (LONG // 2)


# What makes a careless pattern take time by the square or the cube of its length.
HOSTILE_READMES = [
    f"a|b\n{HALF}-{HALF}x",
    f"a|b\n{'|-' * (LONG // 2)}x",
    f"# a{HALF * 2}b",
    f"# a{HALF}\u2028{HALF}b",
    f"- a{HALF}\u2028{HALF}b\u2029c",
    "- " * (LONG // 2) + "x",
    "`" * LONG,
    "[" * LONG,
    "![](" * (LONG // 4),
    "[a](b " * (LONG // 12) + HALF,
    "**a" + "*b_c" * (LONG // 4),
    ">" * LONG,
]


def test_no_readme_holds_the_page_up(console: Page) -> None:
    for readme in HOSTILE_READMES:
        assert at_once(console, "markdown.js", "module.Markdown({text: given[0]}) !== null", readme), readme[:9]


def test_a_readme_is_headings_lists_tables_and_links(console: Page) -> None:
    readme = "# The C# one ##\r\n\n- one\u2028- two\n\na | b\n:- | -:\n1 | 2\n\n`code` and [a link](https://a.example)"
    console.evaluate(
        """(text) => Promise.all([import('/html.js'), import('/markdown.js')]).then(([{html, render}, {Markdown}]) =>
             render(html`<${Markdown} text=${text} />`, document.body))""",
        readme,
    )
    shown = console.locator(".markdown")
    assert shown.locator("h3").inner_text() == "The C# one"
    assert shown.locator("li").all_inner_texts() == ["one", "two"]
    assert shown.locator("th, td").all_inner_texts() == ["a", "b", "1", "2"]
    assert shown.locator("code").inner_text() == "code"
    assert shown.locator("a").get_attribute("href") == "https://a.example"


def typed_into(pattern: str) -> dict[str, Any]:
    return {"required": False, "options": None, "type": "string", "rules": {"pattern": pattern}}


def test_no_pattern_of_a_schema_holds_the_form_up(console: Page) -> None:
    for pattern in ["^(a+)+$", "^(a|a){50}b", "^" + "(a|a)" * 50 + "b", "a*a*a*a*$", "^" + "a?" * 60 + "b"]:
        text = "a" * 3000 + "!"
        assert at_once(console, "schema.js", "module.problemOf(...given)", typed_into(pattern), text) == ""


def test_a_usual_pattern_is_looked_at_while_one_types(console: Page) -> None:
    for pattern in [r"^\d{4}-\d{2}$", "^[a-z][a-z0-9-]{2,30}$", "^(eu|us)-[a-z]+$", r"^https?://[\w.-]+(/.*)?$"]:
        said = of_module(
            console, "schema.js", "module.problemOf(...given)", typed_into(pattern), "It takes none of this"
        )
        assert said == f"This must match {pattern}."
