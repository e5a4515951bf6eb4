"""Rules that the console applies itself, in the browser that has to: no stack is needed for them."""

from functools import partial
from typing import Any

from playwright.sync_api import Page, Route

from tests.browser.alone import ORIGIN, at_once, of_module

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


def test_versions_are_ordered_as_the_hub_orders_them(console: Page) -> None:
    compared = "given.map((one) => given.map((other) => module.compareVersions(one, other)))"
    places = range(len(ORDERED))
    found = of_module(console, "steps.js", compared, *ORDERED)
    assert found == [[(one > other) - (one < other) for other in places] for one in places]


def an_event(generation: int, version: str, event: str, reason: str | None = None) -> dict[str, Any]:
    state = "ready" if event == "check-in" else "pending"
    return {
        "generation": generation,
        "to_state": state,
        "version": version,
        "event": event,
        "reason": reason,
        "at": "1",
    }


INSTALLED = an_event(1, "1.0.0", "check-in")
UPGRADED = an_event(2, "1.1.0", "check-in")


def way_back(console: Page, state: str, version: str, *events: dict[str, Any]) -> dict[str, Any] | None:
    """What the page offers while 1.0.0 and 1.1.0 are published. `events` are newest first."""
    row = {"lifecycle_state": state, "generation": events[0]["generation"], "installed_version": version}
    found: dict[str, Any] | None = of_module(
        console, "steps.js", "module.wayBack(...given)", row, events, ["1.1.0", "1.0.0"]
    )
    return found


def test_what_never_became_ready_goes_back_as_a_whole(console: Page) -> None:
    changed = an_event(3, "1.1.0", "change requested", "settings changed")
    again = an_event(4, "1.1.0", "change requested", "deployed again")
    whole = {"version": "1.1.0", "at": "1", "whole": True}
    assert way_back(console, "failed", "1.1.0", changed, UPGRADED, INSTALLED) == whole, "the config of then comes back"
    assert way_back(console, "pending", "1.1.0", again, changed, UPGRADED, INSTALLED) == whole
    found = way_back(console, "ready", "1.1.0", UPGRADED, INSTALLED)
    assert found == {"version": "1.0.0", "at": "1", "whole": False}


def _fulfilled(answer: dict[str, Any], route: Route) -> None:
    route.fulfill(**answer)


def test_an_answer_that_breaks_off_counts_as_none(console: Page) -> None:
    told = """module.call('GET', given[0]).catch(
        (error) => [error instanceof module.ApiError, error.status, error.passes, module.reachable.value])"""
    answers = {
        "/cut": {"body": '{"items": [', "content_type": "application/json"},
        "/busy": {"status": 503, "json": {"detail": "the database is busy"}},
        "/proxy": {"status": 503, "body": "<html>no healthy upstream</html>"},
        "/odd": {"status": 422, "json": {"detail": [{"msg": "wrong"}]}},
    }
    for path, answer in answers.items():
        console.route(f"{ORIGIN}{path}", partial(_fulfilled, answer))
    found = {path: of_module(console, "api.js", told, path) for path in answers}
    assert found == {
        "/cut": [True, 0, True, False],
        "/busy": [True, 503, True, True],
        "/proxy": [True, 503, True, False],
        "/odd": [True, 422, False, True],
    }


def test_a_deployment_s_config_is_asked_for_again_after_an_error(console: Page) -> None:
    console.route(f"{ORIGIN}/config.json", lambda route: route.fulfill(status=502, json={"error": "no"}), times=1)
    asked = "module.config().then((config) => config.client_id, (error) => error.message)"
    assert of_module(console, "config.js", asked) == f"{ORIGIN}/config.json answers 502"
    console.route(f"{ORIGIN}/config.json", lambda route: route.fulfill(json={"client_id": "console"}))
    assert of_module(console, "config.js", asked) == "console"


def test_a_variable_is_a_secret_by_its_name_unless_somebody_says_otherwise(console: Page) -> None:
    others = [
        {"key": "API_TOKEN", "value": "a"},
        {"key": "DSN", "value": "b", "secret": True},
        {"key": "MONKEY", "value": "c"},
        {"key": "TOKEN_URL", "value": "d", "secret": False},
        {"key": "OLD_PASSWORD", "value": "e"},
        {"key": "", "value": "not named yet"},
    ]
    typed = {"values": {}, "others": others, "kept": [], "removed": ["GONE"], "sealed": []}
    expression = "module.configFrom([], given[0], given[1])"
    assert of_module(console, "components/config-form.js", expression, typed, {"OLD_PASSWORD": "e"}) == {
        "GONE": {"secret": None},
        "API_TOKEN": {"secret": "a"},
        "DSN": {"secret": "b"},
        "MONKEY": "c",
        "TOKEN_URL": "d",
        "OLD_PASSWORD": "e",
    }


SECRET_PIN = {"properties": {"PIN": {"writeOnly": True}, "EVERY": {"default": "60"}}}
OPEN_PIN = {"properties": {"PIN": {}, "DSN": {}, "WAIT": {"default": "5"}}}


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
