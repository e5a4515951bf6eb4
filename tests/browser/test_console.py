"""The console in a browser: a tenant's and a publisher's work, sessions that end, and every page for everybody.

One file, so that one worker runs it all with one stack and one browser. The journeys are made by the keyboard alone; a
mouse fills the forms and opens the dialogs of the other tests.
"""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from local_stack.running import Stack
from tests.browser.ground import BROKEN, DEAD_LETTER, INSTALLED, PUBLISHER, WEATHER
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
    f"/publishing/{WEATHER}": WEATHER,
    f"/publishing/{PUBLISHER}/tides": f"{PUBLISHER}/tides",
    f"/publishing/{PUBLISHER}/nothing-yet": f"{PUBLISHER}/nothing-yet",
    "/dead-letters": "Dead letters",
    "/organization": "Organization",
    "/audit": "Audit",
    "/nowhere": "There is no such page",
}
DIALOGS = [
    (f"/installed/{WEATHER}", "Settings"),
    (f"/installed/{WEATHER}", f"Upgrade to {BROKEN}"),
    (f"/installed/{WEATHER}", "Uninstall"),
    (f"/catalog/{PUBLISHER}/tides", "Install"),
    (f"/publishing/{WEATHER}", "Yank 1.0.0"),
    (f"/publishing/{WEATHER}", "Add a workflow"),
    (f"/publishing/{PUBLISHER}/tides", "Resume 1.0.0"),
]


def settled(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_axe_finds_nothing_on_any_page_in_either_colour_scheme(reader: Visitor) -> None:
    found = {}
    for place, heading in PAGES.items():
        reader.open(place)
        settled(reader.page, heading)
        found[place] = reader.axe()
    assert not {place: faults for place, faults in found.items() if faults}


def test_axe_finds_nothing_in_a_dialog(reader: Visitor) -> None:
    found = {}
    for place, button in DIALOGS:
        reader.open(place)
        reader.press(button)
        expect(reader.dialog).to_be_visible()
        found[button] = reader.axe("dialog")
        reader.page.keyboard.press("Escape")
    assert not {button: faults for button, faults in found.items() if faults}


def test_axe_finds_nothing_where_nobody_is_signed_in(visitor: Visitor) -> None:
    visitor.open("/installed")
    settled(visitor.page, "Sign in")
    assert not visitor.axe()
    visitor.open(f"/catalog/{WEATHER}")
    settled(visitor.page, "Weather")
    assert not visitor.axe()
    visitor.page.get_by_role("banner").get_by_role("button", name="Sign in").click()
    settled(visitor.page, "Sign in to Provider Hub")
    assert not visitor.axe()


def test_nothing_moves_while_a_page_loads(reader: Visitor) -> None:
    moved = {}
    for place, heading in PAGES.items():
        reader.open("/nowhere")
        settled(reader.page, PAGES["/nowhere"])
        reader.page.evaluate("window.shifts = 0")
        reader.open(place)
        settled(reader.page, heading)
        moved[place] = reader.page.evaluate("window.shifts")
    assert not {place: shift for place, shift in moved.items() if shift > MOST_SHIFT}


def test_nothing_is_wider_than_a_small_screen(reader: Visitor) -> None:
    before = reader.page.viewport_size
    assert before
    reader.page.set_viewport_size({"width": 360, "height": 740})
    wide = {}
    for place, heading in PAGES.items():
        reader.open(place)
        settled(reader.page, heading)
        wide[place] = reader.page.evaluate("document.documentElement.scrollWidth")
    reader.page.set_viewport_size(before)
    assert not {place: width for place, width in wide.items() if width > 360}


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


def test_a_thousand_installations_take_a_tenth_of_a_second_of_script(reader: Visitor) -> None:
    rows = json.dumps([a_row(number) for number in range(ROWS)])

    def answer(route: Route) -> None:
        route.fulfill(body=rows, content_type="application/json")

    reader.page.route("**/providers/installed", answer)
    debugger = reader.context.new_cdp_session(reader.page)
    # The thread's own time: other processes of the machine are no fault of the page.
    debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
    taken = []
    for _ in range(2):
        reader.open("/organization")
        settled(reader.page, "Organization")
        before = script_seconds(debugger)
        reader.page.keyboard.press("g")
        reader.page.keyboard.press("i")
        expect(reader.page.locator("tbody tr")).to_have_count(ROWS)
        taken.append(script_seconds(debugger) - before)
    reader.page.unroute("**/providers/installed")
    debugger.detach()
    assert min(taken) <= SCRIPT_SECONDS, f"{taken} s of script for {ROWS} rows"


def script_seconds(debugger: Any) -> float:
    metrics = {metric["name"]: metric["value"] for metric in debugger.send("Performance.getMetrics")["metrics"]}
    return float(metrics["ScriptDuration"])


def test_an_empty_catalog_says_how_to_publish_a_sample_and_then_one_that_breaks(visitor: Visitor, stack: Stack) -> None:
    page, shown = visitor.page, list[Any]()

    def answer(route: Route) -> None:
        route.fulfill(json={"items": shown, "total": len(shown), "limit": 24, "offset": 0})

    page.clock.install()
    page.route("**/providers?*", answer)
    visitor.open("/catalog")
    expect(page.get_by_text("The catalog is empty.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("sample_wheels 1.0.0 .hub/samples")
    shown.append(Tenant(stack, PUBLISHER).call("GET", f"/providers/{WEATHER}"))
    page.clock.run_for(3000)
    expect(page.get_by_role("link", name="Weather")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("sample_wheels 1.1.0 .hub/samples import-fails")


def install(person: Visitor, version: str) -> None:
    """By the provider's page and its form."""
    person.press("Install")
    person.hands.choose(person.dialog.get_by_label("Version"), version)
    person.fill("Stations", "Bergen,Oslo")
    person.fill("API token", "hush")
    person.confirm("Install")
    expect(person.state).to_contain_text("ready")


def upgrade(person: Visitor, version: str) -> None:
    person.hands.press(person.page.get_by_role("button", name=re.compile("^Upgrade to")))
    person.hands.choose(person.dialog.get_by_label("Version"), version)
    person.confirm("Upgrade")


def test_a_tenant_finds_installs_breaks_and_repairs_a_provider(typist: Visitor) -> None:
    page, keyboard = typist.page, typist.page.keyboard
    typist.sign_in("globex")
    keyboard.press("?")
    expect(typist.dialog).to_contain_text("Keyboard shortcuts")
    keyboard.press("Escape")
    keyboard.press("g")
    keyboard.press("c")
    expect(page.get_by_role("heading", name="Catalog")).to_be_focused()
    keyboard.press("/")
    keyboard.type("sunl")
    expect(page.get_by_role("link", name="Tides")).to_be_hidden()
    typist.follow("Weather")
    expect(page.get_by_role("heading", name="Weather", level=1).first).to_be_focused()
    expect(page.get_by_role("heading", name="Begin")).to_be_visible()
    expect(page.get_by_text('<script>alert("never")</script>')).to_be_visible()

    install(typist, "1.0.0")
    steps = page.get_by_role("region", name="Installing 1.0.0")
    expect(steps.get_by_role("listitem")).to_contain_text(["Asked for", "Taken by the installer", "Checked in: ready"])
    expect(steps.locator(".took").first).to_have_text(re.compile(r"\d+\.\d s"))
    expect(page.get_by_role("region", name="Deployment")).to_contain_text("available")
    expect(page.get_by_role("region", name="Config")).to_contain_text("API_TOKENsecret: shown to nobody")

    upgrade(typist, INSTALLED)
    expect(page.get_by_role("region", name=f"Changing to {INSTALLED}")).to_contain_text("Checked in: ready")

    upgrade(typist, BROKEN)
    reason = page.get_by_role("alert").filter(has_text=f"restored {INSTALLED}")
    expect(reason).to_contain_text("barometer_that_is_not_there")
    expect(page.get_by_role("region", name=f"Going back to {INSTALLED}")).to_contain_text("Checked in: ready")

    typist.press("Roll back to 1.0.0")
    expect(typist.dialog).to_contain_text("Version 1.0.0 comes back")
    expect(typist.dialog).to_contain_text(f"hub downgrade {WEATHER} --version 1.0.0 --wait")
    typist.confirm("Roll back")
    expect(page.get_by_role("region", name="Changing to 1.0.0")).to_contain_text("Checked in: ready")
    expect(page.get_by_role("log")).to_contain_text("The provider is healthy")

    typist.press("Uninstall")
    typist.confirm("Uninstall")
    expect(page.get_by_text("nothing of it is left")).to_be_visible()


def test_a_form_complains_while_one_types_hides_secrets_and_installs_by_the_mouse_too(visitor: Visitor) -> None:
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
    form.get_by_label("Version").select_option(INSTALLED)
    visitor.confirm("Install")
    expect(visitor.page.get_by_role("region", name=f"Installing {INSTALLED}")).to_be_visible()


def test_a_change_of_settings_shows_the_command_that_changes_just_the_same(reader: Visitor) -> None:
    reader.open(f"/installed/{WEATHER}")
    reader.press("Settings")
    reader.hands.choose(reader.dialog.get_by_label("Tier"), "performance")
    reader.fill("Stations", "Bergen")
    reader.dialog.get_by_label("Go back by itself").uncheck()
    reader.hands.press(reader.dialog.get_by_role("button", name="Remove API_TOKEN"))
    options = "--tier performance --rollback-on-failure off --config STATIONS=Bergen --unset API_TOKEN --wait"
    expect(reader.dialog.locator(".command code")).to_have_text(f"hub configure {WEATHER} {options}")
    reader.page.keyboard.press("Escape")
    expect(reader.dialog).to_have_count(0)


def test_the_settings_open_once_it_is_known_what_the_version_takes(reader: Visitor) -> None:
    held: list[Route] = []
    reader.page.route(re.compile(rf"/versions/{INSTALLED}$"), lambda route: held.append(route))  # noqa: PLW0108 - it marks its handler
    reader.open("/installed")
    reader.open(f"/installed/{WEATHER}")
    reader.press("Settings")
    expect(reader.page.get_by_role("button", name="Upgrade to")).to_be_visible()
    expect(reader.dialog).to_have_count(0)
    held[0].continue_()
    expect(reader.dialog.get_by_role("textbox", name="Stations")).to_be_visible()
    reader.page.keyboard.press("Escape")
    reader.page.unroute_all()


def test_another_organization_s_things_are_not_there(typist: Visitor, stack: Stack) -> None:
    Tenant(stack, PUBLISHER).call("PATCH", f"/providers/{PUBLISHER}/ledger", {"scope": "tenant"})
    typist.sign_in("initrode", place=f"/catalog/{PUBLISHER}/ledger")
    expect(typist.page.get_by_role("alert").filter(has_text="There is no provider")).to_be_visible()
    typist.open(f"/installed/{WEATHER}")
    expect(typist.page.get_by_text("not installed in your organization")).to_be_visible()
    typist.open("/dead-letters")
    expect(typist.page.get_by_text("everything that was asked for was handled")).to_be_visible()
    typist.open("/audit")
    expect(typist.page.get_by_text("Nothing is recorded yet")).to_be_visible()


def test_a_member_is_told_what_a_change_takes(visitor: Visitor) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.sign_in("hooli", "member", place=f"/catalog/{WEATHER}")
    button = visitor.page.get_by_role("button", name="Install", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", "Your role is member: this takes admin.")
    for place in ("/organization", "/audit"):
        visitor.open(place)
        settled(visitor.page, PAGES[place])
    expect(visitor.page.get_by_text("Your role is member: the audit takes admin.")).to_be_visible()
    assert not [url for url in asked if url.partition("?")[0].endswith("/audit")], "a refusal is an entry of the audit"


def test_a_publisher_yanks_a_version_and_offers_it_again(typist: Visitor) -> None:
    typist.sign_in(PUBLISHER, "publisher", place="/publishing")
    typist.follow(f"{PUBLISHER}/postbox")
    typist.press("Yank 1.0.0")
    typist.fill("Reason", "Loses letters")
    expect(typist.dialog).to_contain_text(f"hub yank {PUBLISHER}/postbox 1.0.0 --reason 'Loses letters'")
    typist.confirm("Yank")
    versions = typist.page.get_by_role("region", name="Versions")
    expect(versions).to_contain_text("yanked")
    expect(versions).to_contain_text("Loses letters")
    typist.press("Offer again 1.0.0")
    typist.confirm("Offer again")
    expect(versions).to_contain_text("published")


def test_a_publisher_sees_why_a_rollout_was_halted_resumes_it_and_pauses_another(typist: Visitor) -> None:
    rollouts = typist.page.get_by_role("region", name="Rollouts")
    typist.sign_in(PUBLISHER, "publisher", place=f"/publishing/{PUBLISHER}/tides")
    expect(rollouts).to_contain_text("halted")
    expect(rollouts).to_contain_text("3 of 4 failed")
    typist.press("Resume 1.0.0")
    expect(typist.dialog).to_contain_text(f"hub rollouts resume {PUBLISHER}/tides 1.0.0")
    typist.confirm("Resume")
    expect(rollouts).not_to_contain_text("halted")
    typist.open(f"/publishing/{PUBLISHER}/ledger")
    typist.press("Pause 1.0.0")
    typist.confirm("Pause")
    expect(rollouts).to_contain_text("It waits until somebody resumes it.")
    typist.press("Resume 1.0.0")
    typist.confirm("Resume")
    expect(rollouts).to_contain_text("The release is too young yet.")


def test_an_admin_names_trusted_publishers_shuts_stored_tokens_out_and_finds_it_in_the_audit(typist: Visitor) -> None:
    page = typist.page
    typist.sign_in(PUBLISHER, place="/publishing")
    typist.press("Publish from CI")
    typist.fill("Repository", f"{PUBLISHER}/barometer")
    typist.fill("Ref", "refs/tags/*")
    command = (
        "hub publishers add github acme/barometer --workflow release.yml --provider acme/barometer --ref 'refs/tags/*'"
    )
    expect(typist.dialog).to_contain_text(command)
    typist.confirm("Add")
    expect(page.get_by_role("heading", name=f"{PUBLISHER}/barometer")).to_be_visible()
    expect(page.get_by_text("Nothing is published under this name yet.")).to_be_visible()
    publishers = page.get_by_role("region", name="Trusted publishers")
    expect(publishers).to_contain_text(".github/workflows/release.yml")
    expect(publishers).to_contain_text("only refs/tags/*")
    typist.press("Switch on secretless only")
    typist.confirm("Switch on")
    expect(publishers).to_contain_text("stored tokens are refused")
    typist.press(f"Remove {PUBLISHER}/barometer")
    typist.confirm("Remove")
    expect(publishers).to_contain_text("No workflow publishes it yet.")
    page.keyboard.press("g")
    page.keyboard.press("a")
    entries = page.get_by_role("main").get_by_role("listitem")
    expect(entries).to_contain_text(["publisher removed", "publishing changed", "publisher added"])
    typist.hands.choose(page.get_by_label("What"), "publishing-changed")
    expect(entries.first).to_contain_text("trusted publishers alone")
    expect(page.get_by_role("main")).to_contain_text("hub audit --action publishing-changed")


def test_a_dead_letter_is_looked_at_and_put_back(typist: Visitor) -> None:
    typist.sign_in(PUBLISHER, place="/dead-letters")
    typist.press("Look")
    expect(typist.dialog).to_contain_text('"provider": "acme/tides"')
    expect(typist.dialog).to_contain_text(f"hub dead-letters show {DEAD_LETTER}")
    typist.confirm("Close")
    typist.press("Retry")
    typist.confirm("Retry")
    expect(typist.page.get_by_text("It is on its way again.")).to_be_visible()
    expect(typist.page.get_by_text("everything that was asked for was handled")).to_be_visible()


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


def test_an_ended_session_says_so_and_goes_on_where_it_was(typist: Visitor, stack: Stack) -> None:
    typist.page.clock.install()
    typist.sign_in("globex", place="/organization")
    # Another tab signs out.
    console = stack.info.console_url
    left = typist.context.request.get(
        f"{stack.info.issuer_url}/customer/logout?post_logout_redirect_uri={console}", max_redirects=0
    )
    assert left.status == 303
    typist.page.clock.fast_forward("06:00")
    typist.open(f"/catalog/{WEATHER}")
    typist.open("/installed")
    expect(typist.page.get_by_role("alert").filter(has_text="Your session has ended")).to_be_visible()
    typist.press("Sign in")
    typist.identify("globex")
    expect(typist.page.get_by_role("heading", name="Installations")).to_be_visible()


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


def test_a_hub_that_is_gone_for_twenty_seconds_is_asked_again_and_a_lost_answer_changes_nothing_twice(
    typist: Visitor, stack: Stack
) -> None:
    page, asked = typist.page, list[Request]()
    tenant = Tenant(stack, PUBLISHER)
    page.clock.install()
    typist.sign_in(PUBLISHER, place=f"/installed/{WEATHER}")
    expect(typist.state).to_contain_text("ready")
    generation = tenant.row("weather")["generation"]

    def lose(route: Route) -> None:
        """The hub gets the request and acts; its answer never arrives."""
        route.fetch()
        route.abort()

    def refuse(route: Route) -> None:
        asked.append(route.request)
        route.abort("connectionrefused")

    page.route("**/deploy", lose, times=1)
    typist.press("Deploy again")
    typist.hands.press(typist.dialog.get_by_role("button", name="Deploy again"))
    expect(typist.dialog.get_by_role("alert")).to_contain_text("What runs goes on running. Try again in a moment.")
    page.route("**/providers/**", refuse)
    for _ in range(20):
        page.clock.run_for(1000)
    expect(page.get_by_text("this page asks again by itself")).to_be_visible()
    assert 4 <= len(asked) <= 40, "it goes on asking, and less and less often"
    expect(page.get_by_role("log")).to_contain_text("The provider is healthy")

    page.unroute("**/providers/**")
    typist.confirm("Deploy again")
    page.clock.run_for(10_000)
    expect(page.get_by_text("this page asks again by itself")).to_be_hidden()
    row = tenant.until("weather", lambda row: row["lifecycle_state"] == "ready" and row["generation"] > generation)
    assert row["generation"] == generation + 1
    page.clock.run_for(20_000)
    expect(page.get_by_role("region", name=f"Deploying {INSTALLED} again")).to_contain_text("Checked in: ready")
