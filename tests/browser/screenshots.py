"""Pictures of the console: those of docs/, or with `--all DIR` every page at both sizes in both schemes."""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from local_stack.running import Stack
from tests.browser.ground import PUBLISHER, WEATHER, running_stack
from tests.browser.visitor import Visitor, chromium, how_to_install, launched
from tests.e2e.tenant import Tenant

DOCS = Path(__file__).parents[2] / "docs"
SIZES = {"wide": (1600, 1000), "narrow": (360, 740)}
PLACES = {
    "sign-in": "",
    "installations": "/installed",
    "installation": f"/installed/{WEATHER}",
    "catalog": "/catalog",
    "provider": f"/catalog/{WEATHER}",
    "publishing": "/publishing",
    "rollouts": f"/publishing/{PUBLISHER}/tides",
    "dead-letters": "/dead-letters",
    "organization": "/organization",
    "published": f"/publishing/{WEATHER}",
    "new-provider": f"/publishing/{PUBLISHER}/nothing-yet",
    "audit": "/audit",
    "nothing-found": "/catalog?q=zeppelin",
}
DIALOGS = {
    "install": ("/catalog/acme/postbox", "Install"),
    "settings": (PLACES["installation"], "Settings"),
    "upgrade": (PLACES["installation"], "Upgrade to 1.2.0"),
    "uninstall": (PLACES["installation"], "Uninstall"),
    "publisher": (PLACES["published"], "Add a workflow"),
    "resume": (PLACES["rollouts"], "Resume 1.0.0"),
}


def main() -> int:
    """Take the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR", help="every page instead, into this folder")
    chosen = parser.parse_args()
    executable = chromium()
    if executable is None:
        print(how_to_install(), file=sys.stderr)
        return 1
    with launched(executable) as browser, running_stack() as stack:
        furnish(stack)
        if chosen.all:
            for size, (width, height) in SIZES.items():
                every_page(Visitor(browser, stack, width, height), chosen.all, size)
        else:
            for_docs(Visitor(browser, stack, 1200, 800), DOCS)
    return 0


def furnish(stack: Stack) -> None:
    """A second installation, and the first come back from a broken version."""
    tenant = Tenant(stack, PUBLISHER)
    tenant.install("tides")
    tenant.call("POST", tenant.path("weather", "/upgrade"), {})
    tenant.until("weather", lambda row: row["generation"] == 3 and row["lifecycle_state"] == "ready")
    tenant.until_available("weather")
    tenant.until_state("tides", "ready")


def for_docs(visitor: Visitor, into: Path) -> None:
    """The four of docs/, the installation's in the README too."""
    page = visitor.page
    visitor.sign_in(PUBLISHER)
    for name in ("catalog", "installation", "rollouts"):
        visitor.open(PLACES[name])
        settled(page)
        page.screenshot(path=into / f"console-{name}.png")
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.sign_in("globex", place=PLACES["provider"])
    settled(page)
    visitor.press("Install")
    visitor.dialog.get_by_label("Stations").fill("Be")
    page.screenshot(path=into / "console-install.png")


def every_page(visitor: Visitor, into: Path, size: str) -> None:
    """In both schemes, whole."""
    into.mkdir(parents=True, exist_ok=True)
    page = visitor.page
    visitor.open("")
    shoot(page, into / f"sign-in-{size}")
    visitor.sign_in(PUBLISHER)
    for name, place in PLACES.items():
        if not place:
            continue
        visitor.open(place)
        settled(page)
        shoot(page, into / f"{name}-{size}")
    for name, (place, button) in DIALOGS.items():
        visitor.open(place)
        page.get_by_role("button", name=button, exact=True).click()
        expect(visitor.dialog).to_be_visible()
        shoot(page, into / f"{name}-{size}")
        page.keyboard.press("Escape")


def shoot(page: Page, path: Path) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] - one of the two
        page.screenshot(path=f"{path}-{scheme}.png", full_page=True)


def settled(page: Page) -> None:
    """Once everything is there, and the lines of logs too."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    logs = page.get_by_role("log")
    if logs.count():
        expect(logs.locator(".text").first).to_be_visible()


if __name__ == "__main__":
    sys.exit(main())
