"""Rules that the console applies itself, in the browser that has to: no stack is needed for them."""

from functools import partial
from typing import Any

from playwright.sync_api import Page, Route

from provider_hub.domain.audit import AuditAction
from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.offers import offered
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


def test_no_way_back_is_offered_that_the_hub_refuses(console: Page) -> None:
    again = an_event(3, "1.1.0", "change requested", "deployed again")
    up = an_event(3, "1.2.0", "change requested", "1.1.0 to 1.2.0")
    down = an_event(4, "1.1.0", "change requested", "1.2.0 to 1.1.0")
    asked = an_event(4, "1.1.0", "change requested", "back to 1.1.0")
    by_itself = an_event(4, "1.1.0", "rollback", "1.2.0 failed: restored 1.1.0")
    yanked = an_event(2, "0.9.0", "check-in")
    assert way_back(console, "pending", "1.1.0", again, UPGRADED) is None, "that is what was ready last"
    assert way_back(console, "pending", "1.1.0", asked, up, UPGRADED) is None, "it goes back already"
    assert way_back(console, "failed", "1.1.0", by_itself, up, UPGRADED) is None
    assert way_back(console, "pending", "1.1.0", down, up, UPGRADED) is None
    assert way_back(console, "ready", "1.1.0", an_event(3, "1.1.0", "check-in"), yanked) is None
    assert way_back(console, "failed", "1.2.0", up) is None, "nothing was ready yet"


def a_rollout(version: str, state: str, **more: Any) -> dict[str, Any]:
    return {"version": version, "state": state, "lock_sha256": None, "created_at": "2026-03-02", **more}


def test_a_rollout_is_resumed_only_while_its_version_is_offered(console: Page) -> None:
    def can_resume(rollout: dict[str, Any], *versions: str) -> bool:
        known = [{"version": version, "status": "published"} for version in versions]
        known.append({"version": "9.0.0", "status": "yanked"})
        return bool(of_module(console, "rollouts.js", "module.canResume(...given)", rollout, [rollout, newer], known))

    newer = a_rollout("1.0.0", "done", lock_sha256="b", created_at="2026-03-03")
    assert can_resume(a_rollout("1.0.0", "halted"), "1.0.0")
    assert can_resume(a_rollout("1.0.0", "superseded"), "1.0.0", "1.1.0-rc.1"), "what took over was yanked"
    assert can_resume(a_rollout("1.0.1", "paused"), "2.0.0", "1.0.1", "1.0.0"), "the highest of its line"
    assert can_resume(newer | {"state": "halted"}, "1.1.0", "1.0.0")
    assert not can_resume(a_rollout("1.0.0", "superseded"), "1.1.0", "1.0.0")
    assert not can_resume(a_rollout("1.0.0", "halted"), "2.0.0", "1.0.0"), "nobody is on an earlier version of its line"
    assert not can_resume(a_rollout("0.1.9", "halted"), "0.2.0", "0.1.9"), "below 1.0.0 a minor is a line"
    assert not can_resume(a_rollout("1.0.0", "halted"), "1.1.0")
    assert not can_resume(a_rollout("1.0.0", "running"), "1.0.0")
    assert not can_resume(a_rollout("1.0.0", "paused", paused_by_platform=True), "1.0.0")
    assert not can_resume(a_rollout("1.0.0", "superseded", lock_sha256="a"), "1.0.0"), "it was locked again"


def test_a_rollout_is_resumed_for_the_versions_that_the_hub_offers(console: Page) -> None:
    catalogs = (
        {"1.0.0": "yanked", "1.0.1": "published", "2.0.0": "published"},
        {"1.0.0": "published", "1.0.1": "yanked", "2.0.0": "published"},
        {"1.0.1": "published", "1.0.2": "yanked", "2.0.0-rc.1": "published"},
        {"0.1.0": "failed", "0.1.1": "published", "0.2.0": "published", "0.2.1-rc.1": "yanked"},
    )
    for catalog in catalogs:
        known = [{"version": version, "status": status} for version, status in catalog.items()]
        rollouts = [a_rollout(version, "halted") for version in catalog]
        resumable = "given[0].filter((one) => module.canResume(one, ...given)).map((one) => one.version)"
        statuses = {version: VersionStatus(status) for version, status in catalog.items()}
        assert set(of_module(console, "rollouts.js", resumable, rollouts, known)) == offered(statuses)


def test_the_audit_s_choices_are_what_an_organization_s_audit_holds(console: Page) -> None:
    of_no_organization = {
        AuditAction.RUNTIME_REGISTERED,
        AuditAction.DEAD_LETTER_RETRIED,
        AuditAction.DEAD_LETTER_DELETED,
    }
    actions = of_module(console, "pages/audit.js", "module.ACTIONS")
    assert sorted(actions) == sorted(set(AuditAction) - of_no_organization)


def test_an_address_that_is_no_encoding_of_anything_leads_somewhere(console: Page) -> None:
    console.evaluate("location.hash = '#/catalog/%'")
    assert of_module(console, "router.js", "module.place.value.parts") == ["catalog", "%"]


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


def carried(console: Page, before: dict[str, Any], after: dict[str, Any], **typed: Any) -> tuple[Any, Any, bool]:
    """What somebody typed into one schema's form, in another's: the form, its config, and whether it can be sent."""
    expression = """import('/schema.js').then(({fieldsOf, takesOthers}) => {
        const [fields, next] = [fieldsOf(given[0]), fieldsOf(given[1])];
        const first = module.typedFrom(fields, null);
        const values = {...first.values, ...given[2].values};
        const typed = module.carriedTo(next, fields, {...first, ...given[2], values});
        return [typed, module.configFrom(next, typed), module.isComplete(next, typed, takesOthers(given[1]))];
    })"""
    form, config, is_complete = of_module(console, "components/config-form.js", expression, before, after, typed)
    return form, config, is_complete


SECRET_PIN = {"properties": {"PIN": {"writeOnly": True}, "EVERY": {"default": "60"}}}
OPEN_PIN = {"properties": {"PIN": {}, "DSN": {}, "WAIT": {"default": "5"}}}


def test_what_was_typed_as_a_secret_stays_one_in_another_version_s_form(console: Page) -> None:
    ticked = [{"key": "DSN", "value": "b", "secret": True}]
    for after in (OPEN_PIN, {}):
        _, config, is_complete = carried(console, SECRET_PIN, after, values={"PIN": "a"}, others=ticked)
        assert (config["PIN"], config["DSN"]) == ({"secret": "a"}, {"secret": "b"})
        assert is_complete
    form, config, _ = carried(console, SECRET_PIN, OPEN_PIN)
    assert form["values"] == {"PIN": "", "DSN": "", "WAIT": "5"}, "new fields have their defaults"
    assert config == {"WAIT": "5"}, "a default that nobody touched is left behind"


def test_a_row_that_somebody_has_only_opened_holds_no_form_back(console: Page) -> None:
    def is_complete(*others: dict[str, str], kept: int = 0) -> bool:
        many = {f"K{number}": {} for number in range(60)}
        schema = {"properties": many}
        typed = {"values": dict.fromkeys(many, ""), "others": others, "removed": [], "sealed": []}
        typed["kept"] = [f"S{number}" for number in range(kept)]
        expression = "import('/schema.js').then(({fieldsOf}) => module.isComplete(fieldsOf(given[0]), given[1], true))"
        return bool(of_module(console, "components/config-form.js", expression, schema, typed))

    blank = {"key": "", "value": ""}
    assert is_complete(blank, blank)
    assert is_complete(*({"key": f"A{number}", "value": "x"} for number in range(64))), "empty fields count for nothing"
    assert not is_complete({"key": "A", "value": "x"}, kept=64)
    assert not is_complete({"key": "", "value": "x"}), "it would be lost"


def test_a_change_of_the_config_is_made_to_what_it_is_by_now(console: Page) -> None:
    before = {"A": "1", "B": "1", "C": "1", "D": "1"}
    wanted = {"A": "2", "B": "1", "D": "1", "PIN": {"secret": "x"}}
    now = {"A": "1", "B": "3", "C": "3", "NEW": "4"}
    merged = of_module(console, "components/settings-form.js", "module.appliedTo(...given)", now, before, wanted)
    assert merged == {"A": "2", "B": "3", "NEW": "4", "PIN": {"secret": "x"}}


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
