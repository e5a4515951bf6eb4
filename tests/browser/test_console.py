"""The console in a browser: a tenant's and a publisher's work, sessions that end, and every page for everybody.

One file, so that one worker runs it all with one stack and one browser.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from local_stack.running import Stack
from tests.browser.ground import BROKEN, DEAD_LETTER, PUBLISHER, WEATHER, publish
from tests.browser.visitor import Visitor
from tests.e2e.tenant import Tenant

# The first test waits for the stack and the catalog in it.
pytestmark = pytest.mark.timeout(300)

ROWS = 1000
SCRIPT_SECONDS = 0.1
# The share of the window that moves, times how far; search engines call up to 0.1 good.
MOST_SHIFT = 0.02
PAGES = {
    "/installed": "Installations",
    f"/installed/{WEATHER}": WEATHER,
    "/catalog": "Catalog",
    f"/catalog/{WEATHER}": "Weather",
    "/publishing": "Publishing",
    f"/publishing/{PUBLISHER}/tides": f"{PUBLISHER}/tides",
    "/dead-letters": "Dead letters",
    "/organization": "Organization",
    "/nowhere": "There is no such page",
}


@pytest.fixture(scope="module")
def installed(stack: Stack) -> None:
    """The publisher runs its own provider."""
    tenant = Tenant(stack, PUBLISHER)
    tenant.install("weather", version="1.1.0", config={"STATIONS": "Bergen", "API_TOKEN": "hush"})
    tenant.until_state("weather", "ready")


@pytest.fixture
def signed_in(visitor: Visitor, installed: None) -> Visitor:
    visitor.sign_in(PUBLISHER)
    return visitor


def settled(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_axe_finds_nothing_on_any_page_in_either_colour_scheme(signed_in: Visitor) -> None:
    page, found = signed_in.page, dict[str, list[str]]()
    for place, heading in PAGES.items():
        signed_in.open(place)
        settled(page, heading)
        page.emulate_media(color_scheme="light")
        found[place] = signed_in.axe()
        # The other rules look at the structure, which is the same.
        page.emulate_media(color_scheme="dark")
        found[f"{place} dark"] = signed_in.axe(["color-contrast"])
    assert not {place: faults for place, faults in found.items() if faults}


@pytest.mark.parametrize(
    ("place", "button"),
    [
        (f"/installed/{WEATHER}", "Settings"),
        (f"/installed/{WEATHER}", "Uninstall"),
        (f"/catalog/{PUBLISHER}/tides", "Install"),
        (f"/publishing/{PUBLISHER}/tides", "Yank 1.0.0"),
    ],
)
def test_axe_finds_nothing_in_a_dialog(signed_in: Visitor, place: str, button: str) -> None:
    signed_in.open(place)
    signed_in.page.get_by_role("button", name=button, exact=True).click()
    expect(signed_in.dialog).to_be_visible()
    assert not signed_in.axe()


def test_nothing_moves_while_a_page_loads(signed_in: Visitor) -> None:
    moved = {}
    for place, heading in PAGES.items():
        signed_in.open("/nowhere")
        settled(signed_in.page, PAGES["/nowhere"])
        signed_in.page.evaluate("window.shifts = 0")
        signed_in.open(place)
        settled(signed_in.page, heading)
        moved[place] = signed_in.page.evaluate("window.shifts")
    assert not {place: shift for place, shift in moved.items() if shift > MOST_SHIFT}


def test_nothing_is_wider_than_a_small_screen(visit: Callable[..., Visitor], installed: None) -> None:
    small = visit(width=360, height=740)
    small.sign_in(PUBLISHER)
    for place, heading in PAGES.items():
        small.open(place)
        settled(small.page, heading)
        assert small.page.evaluate("document.documentElement.scrollWidth") <= 360, place


def a_row(number: int) -> dict[str, Any]:
    return {
        "prefix": "acme",
        "name": f"p{number}",
        "canonical": f"acme/p{number}",
        "installed_version": "1.0.0",
        "current_version": "1.0.0",
        "latest_version": "1.1.0",
        "upgrade_available": True,
        "updated_at": "2026-03-02T10:15:30Z",
        "lifecycle_state": "ready",
        "health": "healthy",
        "health_message": None,
        "failure_message": None,
    }


def test_a_thousand_installations_take_a_tenth_of_a_second_of_script(visitor: Visitor) -> None:
    rows = json.dumps([a_row(number) for number in range(ROWS)])

    def answer(route: Route) -> None:
        route.fulfill(body=rows, content_type="application/json")

    visitor.page.route("**/providers/installed", answer)
    visitor.sign_in("globex", place="/organization")
    debugger = visitor.context.new_cdp_session(visitor.page)
    # The thread's own time: other processes of the machine are no fault of the page.
    debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
    taken = []
    for _ in range(2):
        visitor.open("/organization")
        settled(visitor.page, "Organization")
        before = script_seconds(debugger)
        visitor.page.keyboard.press("g")
        visitor.page.keyboard.press("i")
        expect(visitor.page.locator("tbody tr")).to_have_count(ROWS)
        taken.append(script_seconds(debugger) - before)
    assert min(taken) <= SCRIPT_SECONDS, f"{taken} s of script for {ROWS} rows"


def script_seconds(debugger: Any) -> float:
    metrics = {metric["name"]: metric["value"] for metric in debugger.send("Performance.getMetrics")["metrics"]}
    return float(metrics["ScriptDuration"])


def install(visitor: Visitor, version: str) -> None:
    """By the provider's page and its form."""
    visitor.press("Install")
    form = visitor.dialog
    form.get_by_label("Version").select_option(version)
    form.get_by_label("Stations").fill("Bergen,Oslo")
    form.get_by_label("API token").fill("hush")
    form.get_by_role("button", name="Install").click()
    expect(visitor.state).to_contain_text("ready")


def upgrade(visitor: Visitor, version: str) -> None:
    visitor.page.get_by_role("button", name=re.compile("^Upgrade to")).click()
    visitor.dialog.get_by_label("Version").select_option(version)
    visitor.dialog.get_by_role("button", name="Upgrade").click()


def test_a_tenant_finds_installs_breaks_and_repairs_a_provider(visitor: Visitor, stack: Stack) -> None:
    publish(Tenant(stack, PUBLISHER), BROKEN, stack.state_dir / "built")
    page = visitor.page
    visitor.sign_in("globex", place="/catalog")
    page.get_by_role("searchbox").fill("sunl")
    page.get_by_role("link", name="Weather").click()
    expect(page.get_by_role("heading", name="Begin")).to_be_visible()
    expect(page.get_by_text('<script>alert("never")</script>')).to_be_visible()

    install(visitor, "1.0.0")
    steps = page.get_by_role("region", name="Installing 1.0.0")
    expect(steps.get_by_role("listitem")).to_contain_text(["Asked for", "Taken by the installer", "Checked in: ready"])
    expect(steps.locator(".took").first).to_have_text(re.compile(r"\d+\.\d s"))
    expect(page.get_by_role("region", name="Deployment")).to_contain_text("available")
    expect(page.get_by_role("region", name="Config")).to_contain_text("API_TOKENsecret: shown to nobody")

    upgrade(visitor, "1.1.0")
    expect(page.locator(".lead")).to_contain_text("1.1.0")
    expect(page.get_by_role("region", name="Changing to 1.1.0")).to_contain_text("Checked in: ready")

    upgrade(visitor, BROKEN)
    reason = page.get_by_role("alert").filter(has_text="restored 1.1.0")
    expect(reason).to_contain_text("barometer_that_is_not_there")
    expect(page.get_by_role("region", name="Going back to 1.1.0")).to_contain_text("Checked in: ready")

    visitor.press("Roll back to 1.0.0")
    expect(visitor.dialog).to_contain_text("Version 1.0.0 comes back")
    expect(visitor.dialog).to_contain_text(f"hub downgrade {WEATHER} --version 1.0.0 --wait")
    visitor.dialog.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("region", name="Changing to 1.0.0")).to_contain_text("Checked in: ready")
    expect(page.get_by_role("log")).to_contain_text("The provider is healthy")

    visitor.press("Uninstall")
    visitor.dialog.get_by_role("button", name="Uninstall").click()
    expect(page.get_by_text("nothing of it is left")).to_be_visible()


def test_a_keyboard_is_enough(visitor: Visitor) -> None:
    page, keyboard = visitor.page, visitor.page.keyboard
    visitor.open()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    def tab_to(name: str, role: str = "button") -> None:
        """Where the focus is, is read as a screen reader says it."""
        target = page.get_by_role(role, name=name).last  # type: ignore[arg-type] - any role
        for _ in range(40):
            keyboard.press("Tab")
            if target.evaluate("(element) => element === document.activeElement"):
                return
        raise AssertionError(f"Tab never reaches {name}")

    tab_to("Sign in")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in to Provider Hub")).to_be_visible()
    tab_to("or another:", "textbox")
    keyboard.type("initech")
    tab_to("Sign in")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Installations")).to_be_visible()

    keyboard.press("?")
    expect(visitor.dialog).to_contain_text("Keyboard shortcuts")
    keyboard.press("Escape")
    keyboard.press("g")
    keyboard.press("c")
    expect(page.get_by_role("heading", name="Catalog")).to_be_focused()
    keyboard.press("/")
    keyboard.type("tide")
    expect(page.get_by_role("link", name="Weather")).to_be_hidden()
    tab_to("Tides", "link")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tides")).to_be_focused()
    tab_to("Install")
    keyboard.press("Enter")
    expect(visitor.dialog).to_be_visible()
    tab_to("Install")
    keyboard.press("Enter")
    expect(visitor.state).to_contain_text("ready")
    tab_to("Uninstall")
    keyboard.press("Enter")
    expect(visitor.dialog).to_be_visible()
    tab_to("Uninstall")
    keyboard.press("Enter")
    expect(page.get_by_text("nothing of it is left")).to_be_visible()


def test_a_form_complains_while_one_types_and_hides_secrets(visitor: Visitor) -> None:
    visitor.sign_in("umbrella", place=f"/catalog/{WEATHER}")
    visitor.press("Install")
    form = visitor.dialog
    confirm = form.get_by_role("button", name="Install")
    expect(confirm).to_have_attribute("aria-disabled", "true")
    expect(form).to_contain_text("This is required.")
    form.get_by_label("Stations").fill("Be")
    expect(form).to_contain_text("At least 3 characters; this has 2.")
    form.get_by_label("Interval").fill("5")
    expect(form).to_contain_text("At least 10.")
    expect(form.get_by_label("API token")).to_have_attribute("type", "password")
    form.get_by_label("API token").fill("hush")
    form.get_by_label("Stations").fill("Bergen")
    form.get_by_label("Interval").fill("60")
    expect(confirm).to_have_attribute("aria-disabled", "false")
    expect(form.locator(".command")).to_contain_text("--config STATIONS=Bergen")
    expect(form.locator(".command")).to_contain_text("--secret API_TOKEN")
    expect(form.locator(".command")).not_to_contain_text("hush")


def test_another_organization_s_things_are_not_there(visit: Callable[..., Visitor], stack: Stack) -> None:
    Tenant(stack, PUBLISHER).call("PATCH", f"/providers/{PUBLISHER}/ledger", {"scope": "tenant"})
    stranger = visit()
    stranger.sign_in("initrode", place=f"/catalog/{PUBLISHER}/ledger")
    expect(stranger.page.get_by_role("alert").filter(has_text="There is no provider")).to_be_visible()
    Tenant(stack, PUBLISHER).install("ledger")
    stranger.open(f"/installed/{PUBLISHER}/ledger")
    expect(stranger.page.get_by_text("not installed in your organization")).to_be_visible()
    stranger.open("/dead-letters")
    expect(stranger.page.get_by_text("everything that was asked for was handled")).to_be_visible()


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


def of_module(visitor: Visitor, name: str, expression: str, *given: Any) -> Any:
    """What a module of the console makes of what is given; `expression` calls it `module`."""
    visitor.open("/catalog")
    release = visitor.page.locator("script").get_attribute("src")
    assert release is not None
    module = f"import('/app/{release.partition('/')[0]}/{name}')"
    return visitor.page.evaluate(f"(given) => {module}.then((module) => {expression})", given)


def test_versions_are_ordered_as_the_hub_orders_them(visitor: Visitor) -> None:
    compared = "given.map((one) => given.map((other) => module.compareVersions(one, other)))"
    places = range(len(ORDERED))
    found = of_module(visitor, "steps.js", compared, *ORDERED)
    assert found == [[(one > other) - (one < other) for other in places] for one in places]


def test_what_never_became_ready_goes_back_as_a_whole(visitor: Visitor) -> None:
    events = [
        {"generation": 3, "to_state": "pending", "version": "1.1.0", "at": "3"},
        {"generation": 2, "to_state": "ready", "version": "1.1.0", "at": "2"},
        {"generation": 1, "to_state": "ready", "version": "1.0.0", "at": "1"},
    ]
    rows = [
        {"lifecycle_state": "failed", "generation": 3, "installed_version": "1.1.0"},
        {"lifecycle_state": "ready", "generation": 2, "installed_version": "1.1.0"},
    ]
    ways = of_module(visitor, "steps.js", "given[0].map((row) => module.wayBack(row, given[1]))", rows, events)
    assert ways[0] == {"version": "1.1.0", "at": "2", "whole": True}, "the config of then comes back"
    assert ways[1] == {"version": "1.0.0", "at": "1", "whole": False}
    assert of_module(visitor, "steps.js", "module.wayBack(given[0], [])", rows[0]) is None


def test_a_member_is_told_what_a_change_takes(visitor: Visitor) -> None:
    visitor.sign_in("hooli", "member", place=f"/catalog/{WEATHER}")
    button = visitor.page.get_by_role("button", name="Install", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", "Your role is member: this takes admin.")


def test_a_publisher_yanks_a_version_and_offers_it_again(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(PUBLISHER, "publisher", place="/publishing")
    page.get_by_role("link", name=f"{PUBLISHER}/postbox").click()
    visitor.press("Yank 1.0.0")
    visitor.dialog.get_by_label("Reason").fill("Loses letters")
    expect(visitor.dialog).to_contain_text(f"hub yank {PUBLISHER}/postbox 1.0.0 --reason 'Loses letters'")
    visitor.dialog.get_by_role("button", name="Yank").click()
    versions = page.get_by_role("region", name="Versions")
    expect(versions).to_contain_text("yanked")
    expect(versions).to_contain_text("Loses letters")
    visitor.press("Offer again 1.0.0")
    visitor.dialog.get_by_role("button", name="Offer again").click()
    expect(versions).to_contain_text("published")


def test_a_publisher_sees_why_a_rollout_was_halted_and_resumes_it(visitor: Visitor) -> None:
    visitor.sign_in(PUBLISHER, "publisher", place=f"/publishing/{PUBLISHER}/tides")
    rollouts = visitor.page.get_by_role("region", name="Rollouts")
    expect(rollouts).to_contain_text("halted")
    expect(rollouts).to_contain_text("3 of 4 failed")
    visitor.press("Resume")
    visitor.dialog.get_by_role("button", name="Resume").click()
    expect(rollouts).not_to_contain_text("halted")


def test_a_dead_letter_is_looked_at_and_put_back(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(PUBLISHER, place="/dead-letters")
    visitor.press("Look")
    expect(visitor.dialog).to_contain_text('"provider": "acme/tides"')
    expect(visitor.dialog).to_contain_text(f"hub dead-letters show {DEAD_LETTER}")
    visitor.dialog.get_by_role("button", name="Close").click()
    visitor.press("Retry")
    visitor.dialog.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("It is on its way again.")).to_be_visible()
    expect(page.get_by_text("everything that was asked for was handled")).to_be_visible()


def stored(page: Page) -> str:
    return str(page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"))


def test_a_reload_signs_in_again_by_itself_and_nothing_is_kept_that_opens_anything(visitor: Visitor) -> None:
    visitor.sign_in("globex", place=f"/catalog/{WEATHER}")
    assert stored(visitor.page) == '[{},{"hub.signed-in":"1"},""]'
    visitor.page.reload()
    expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(visitor.page).to_have_url(f"{visitor.stack.info.console_url}#/catalog/{WEATHER}")


def test_a_token_is_renewed_before_it_expires(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.sign_in("globex", place="/organization")
    with visitor.page.expect_response(lambda answer: answer.url.endswith("/token")) as renewed:
        visitor.page.clock.fast_forward("04:50")
        visitor.open("/dead-letters")
    assert renewed.value.ok
    expect(visitor.page.get_by_role("heading", name="Dead letters")).to_be_visible()


def test_an_ended_session_says_so_and_goes_on_where_it_was(visitor: Visitor, stack: Stack) -> None:
    visitor.page.clock.install()
    visitor.sign_in("globex", place="/organization")
    # Another tab signs out.
    console = stack.info.console_url
    left = visitor.context.request.get(
        f"{stack.info.issuer_url}/customer/logout?post_logout_redirect_uri={console}", max_redirects=0
    )
    assert left.status == 303
    visitor.page.clock.fast_forward("06:00")
    visitor.open(f"/catalog/{WEATHER}")
    visitor.open("/installed")
    expect(visitor.page.get_by_role("alert").filter(has_text="Your session has ended")).to_be_visible()
    visitor.page.get_by_role("main").get_by_role("button", name="Sign in").click()
    visitor.choose("globex")
    expect(visitor.page.get_by_role("heading", name="Installations")).to_be_visible()


def test_signing_out_leaves_nothing_to_go_back_to(visitor: Visitor) -> None:
    visitor.sign_in("globex")
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert stored(visitor.page) == '[{},{},""]'
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_answer_to_a_sign_in_that_this_tab_did_not_begin_is_refused(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.stack.info.console_url}?code=planted&state=planted")
    expect(visitor.page.get_by_role("alert").filter(has_text="not begun in this tab")).to_be_visible()


def test_a_hub_that_does_not_answer_for_a_while_is_waited_for(visitor: Visitor) -> None:
    visitor.sign_in("globex", place="/catalog")
    expect(visitor.page.get_by_role("link", name="Weather")).to_be_visible()
    visitor.context.set_offline(True)
    visitor.open(f"/catalog/{WEATHER}")
    expect(visitor.page.get_by_text("this page asks again by itself")).to_be_visible()
    visitor.context.set_offline(False)
    expect(visitor.page.get_by_role("heading", name="Begin")).to_be_visible()
    expect(visitor.page.get_by_text("this page asks again by itself")).to_be_hidden()
