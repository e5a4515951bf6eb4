"""Pages and parts of pages as they are drawn, in the browser that has to: no stack is needed for them."""

from playwright.sync_api import Page

from tests.browser.alone import draw


def test_a_readme_is_headings_lists_tables_and_links(console: Page) -> None:
    readme = "# The C# one ##\r\n\n- one\u2028- two\n\na | b\n:- | -:\n1 | 2\n\n`code` and [a link](https://a.example)"
    draw(console, "markdown.js", "html`<${module.Markdown} text=${given[0]} />`", readme)
    shown = console.locator(".markdown")
    assert shown.locator("h3").inner_text() == "The C# one"
    assert shown.locator("li").all_inner_texts() == ["one", "two"]
    assert shown.locator("th, td").all_inner_texts() == ["a", "b", "1", "2"]
    assert shown.locator("code").inner_text() == "code"
    assert shown.locator("a").get_attribute("href") == "https://a.example"


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
