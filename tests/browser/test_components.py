"""Pages and parts of pages as they are drawn, in the browser that has to: no stack is needed for them."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.alone import ORIGIN, draw, of_module


def test_a_readme_is_headings_lists_tables_and_links(console: Page) -> None:
    readme = "# The C# one ##\r\n\n- one\u2028- two\n\na | b\n:- | -:\n1 | 2\n\n`code` and [a link](https://a.example)"
    draw(console, "markdown.js", "html`<${module.Markdown} text=${given[0]} />`", readme)
    shown = console.locator(".markdown")
    assert shown.locator("h3").inner_text() == "The C# one"
    assert shown.locator("li").all_inner_texts() == ["one", "two"]
    assert shown.locator("th, td").all_inner_texts() == ["a", "b", "1", "2"]
    assert shown.locator("code").inner_text() == "code"
    assert shown.locator("a").get_attribute("href") == "https://a.example"


def test_what_another_version_does_not_take_is_shown_and_holds_the_form_back(console: Page) -> None:
    other = {"key": "PIN", "value": "a", "secret": True}
    form = {"values": {}, "others": [other], "kept": [], "removed": [], "sealed": ["PIN"]}
    assert not of_module(console, "components/config-form.js", "module.isComplete([], given[0], false)", form)
    draw(
        console,
        "components/config-form.js",
        "html`<${module.ConfigForm} fields=${[]} open=${false} typed=${given[0]} onChange=${() => {}} />`",
        form,
    )
    assert console.get_by_text("This version takes no such variable: remove it.").is_visible()
    assert console.get_by_role("button", name="Remove PIN").is_visible()


PIN_SCHEMA = {"properties": {"PIN": {"writeOnly": True}, "EVERY": {"default": "60"}}}
ROW = {
    "canonical": "acme/weather",
    "installed_version": "0.1.0",
    "current_version": "0.1.0",
    "latest_version": "1.99.0",
    "upgrade_policy": "manual",
    "resource_tier": "standard",
    "config": {"EVERY": "60"},
    "secret_config": [],
    "installed_at": "2026-03-02T10:15:30Z",
    "updated_at": "2026-03-02T10:15:30Z",
    "lifecycle_state": "ready",
    "health": "healthy",
    "rollback_on_failure": True,
    "allow_major_upgrades": False,
    "generation": 1,
    "resource_types": [],
}


def a_version(number: str, **more: Any) -> dict[str, Any]:
    return {"version": number, "status": "published", "schemas": [], "canonical": "acme/weather", **more}


def test_an_installation_of_a_version_beyond_the_first_hundred_keeps_its_form_and_its_way_down(console: Page) -> None:
    newest = [a_version(f"1.{99 - number}.0") for number in range(100)]
    schemas = [{"resource": "provider", "config_schema": PIN_SCHEMA}]
    sent, row = list[Any](), dict(ROW)
    answers: dict[str, Any] = {
        "/providers/installed/acme/weather/events": {"items": []},
        "/providers/installed/acme/weather/logs": {"items": []},
        "/providers/installed/acme/weather/deployment": {"status": "available"},
        "/providers/acme/weather/versions/0.1.0": a_version("0.1.0", schemas=schemas),
    }

    def answer(route: Route) -> None:
        path, _, query = route.request.url.removeprefix(ORIGIN).partition("?")
        if route.request.method == "PATCH":
            sent.append(route.request.post_data_json)
        if path == "/providers/acme/weather/versions":
            route.fulfill(json=[a_version("0.1.0"), a_version("0.0.9")] if "offset=100" in query else newest)
        else:
            route.fulfill(json=answers.get(path, row))

    console.route(f"{ORIGIN}/providers/**", answer)
    draw(console, "pages/installation.js", "html`<${module.InstallationPage} parts=${['acme', 'weather']} />`")
    button, dialog = console.get_by_role("button", name="Downgrade"), console.get_by_role("dialog")
    button.click()
    dialog.get_by_role("button", name="Older versions").click()
    expect(dialog.get_by_label("Version")).to_have_value("0.0.9")
    expect(dialog.locator(".command")).to_contain_text("--version 0.0.9")
    dialog.get_by_role("button", name="Cancel").click()
    console.get_by_role("button", name="Settings").click()
    dialog.get_by_label("PIN").fill("1234")
    expect(dialog.locator(".command")).to_contain_text("--secret PIN")
    row["config"] = {"EVERY": "30", "MORE": "x"}
    dialog.get_by_role("button", name="Change and deploy").click()
    expect(dialog).to_have_count(0)
    assert sent == [{"config": {"EVERY": "30", "MORE": "x", "PIN": {"secret": "1234"}}}], "a colleague's change stays"


def test_the_catalog_s_search_shows_what_is_searched_for(console: Page) -> None:
    asked = list[str]()

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"items": [], "total": 0, "limit": 24, "offset": 0})

    console.route(f"{ORIGIN}/providers?*", answer)
    draw(console, "pages/catalog.js", "html`<${module.CatalogPage} />`")
    box = console.get_by_role("searchbox")
    box.fill("nothing has this name")
    console.get_by_label("Who sees it").select_option("public")
    expect(console).to_have_url(re.compile(r"scope=public&q=nothing|q=nothing.*scope=public"))
    console.get_by_role("button", name="Show everything").click()
    expect(box).to_have_value("")
    expect(console).to_have_url(f"{ORIGIN}/#/")


def test_an_organization_s_own_providers_are_found_behind_those_that_only_mention_it(console: Page) -> None:
    def a_provider(number: int, organization: str) -> dict[str, Any]:
        author = {"organization_id": organization, "kind": "customer", "display_name": organization}
        rest = {"latest_version": "1.0.0", "install_count": 0, "scope": "public", "updated_at": "2026-03-02T10:15:30Z"}
        return {"canonical": f"{organization}/p{number}", "author": author, **rest}

    found = [*(a_provider(number, "other") for number in range(100)), a_provider(1, "own")]

    def answer(route: Route) -> None:
        at = 100 if "offset=100" in route.request.url else 0
        route.fulfill(json={"items": found[at : at + 100], "total": len(found), "limit": 100, "offset": at})

    console.route(f"{ORIGIN}/providers?*", answer)
    person = {"slug": "own", "organizationId": "own", "subject": "s", "email": None, "role": None}
    of_module(console, "auth.js", "{ module.person.value = given[0]; }", person)
    draw(console, "pages/publishing.js", "html`<${module.PublishingPage} />`")
    expect(console.get_by_role("link")).to_have_text(["own/p1"])


def test_a_line_above_an_old_answer_says_that_it_may_be_old(console: Page) -> None:
    polled = "{data: 'the old answer', error: {message: 'The database is busy.', status: given[0]}, refresh: () => {}}"
    made = f"html`<${{module.Loaded}} polled=${{{polled}}}>${{(data) => html`<p>${{data}}</p>`}}<//>`"
    draw(console, "components/page.js", made, 503)
    assert console.get_by_text("the old answer").is_visible()
    assert console.get_by_role("status").inner_text() == "The database is busy. What is shown may be out of date."
    draw(console, "components/page.js", made, 0)
    assert console.get_by_role("status").count() == 0, "that stands at the foot"
