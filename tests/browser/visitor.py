"""A person at the console: a page in the machine's Chromium, and what a page must never do."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from local_stack.running import Stack
from provider_hub.http.table import function_for
from tests.browser.hands import Hands, Keyboard, Mouse

# Waits are for a state, and long enough for a machine that does other things too.
expect.set_options(timeout=30_000)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Each new window would load the pages of its address bar's popup, and keep a process ready for a page that never comes:
# together more work than the tests' own pages. No window is ever seen.
_UNSEEN = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "SpareRendererForSitePerProcess")
# Chromium heeds the last `--disable-features` alone, so what the browser's library leaves out of pages is named again.
_LEFT_OUT_BY_THE_LIBRARY = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
_WATCH = """
window.shifts = 0;
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI}`));
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifts += shift.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def chromium() -> str | None:
    """Where the machine has a Chromium: HUB_CHROMIUM names one, else the usual names are looked for."""
    named = os.environ.get("HUB_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """The browser, without a window. As root Chromium starts only without its sandbox; the pages are ours."""
    options = [f"--disable-features={','.join((*_UNSEEN, *_LEFT_OUT_BY_THE_LIBRARY))}"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    with sync_playwright() as playwright:
        # A pipe to this process, no port: nothing is left behind when the process is killed.
        browser = playwright.chromium.launch(executable_path=executable, args=options)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person with cookies of their own, who works with `hands`. `faults` is what the page did that no page may."""

    def __init__(
        self, browser: Browser, stack: Stack, width: int = 1280, height: int = 900, *, by_keyboard: bool = False
    ) -> None:
        self.stack = stack
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.context.add_init_script(_WATCH)
        self.page: Page = self.context.new_page()
        self.hands: Hands = Keyboard(self.page) if by_keyboard else Mouse()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", lambda request: self._check(request.url))
        self.page.on("console", lambda message: self._heard(message.text))

    def _check(self, url: str) -> None:
        """The console is a client of the public API and of the issuer, and of nothing else."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin == self.stack.info.issuer_url:
            return
        own = parts.path.startswith("/app/") or function_for(parts.path) is not None
        if origin != self.stack.info.api_url or not own:
            self.faults.append(f"asked {url}")

    def _heard(self, text: str) -> None:
        if "Content Security Policy" in text or "TrustedHTML" in text:
            self.faults.append(text)

    def all_faults(self) -> list[str]:
        """With the violations of the policy that the present page has counted."""
        return [*self.faults, *self.page.evaluate("window.violations ?? []")]

    def open(self, place: str = "/") -> None:
        """Go to a page of the console by its address."""
        self.page.goto(f"{self.stack.info.console_url}#{place}")

    def sign_in(self, organization: str, role: str = "admin", place: str = "/installed") -> None:
        """From the sign-in page to a page of the console."""
        self.open(place)
        self.hands.press(self.page.get_by_role("banner").get_by_role("button", name="Sign in"))
        self.identify(organization, role)

    def identify(self, organization: str, role: str = "admin") -> None:
        """On the issuer's page."""
        self.hands.write(self.page.get_by_label("or another:"), organization)
        self.hands.pick(self.page.get_by_label(role, exact=False))
        self.hands.press(self.page.get_by_role("button", name="Sign in"))
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def press(self, name: str) -> None:
        """A button of the page."""
        self.hands.press(self.page.get_by_role("main").get_by_role("button", name=name, exact=True))

    def follow(self, name: str) -> None:
        """A link of the page."""
        self.hands.press(self.page.get_by_role("main").get_by_role("link", name=name, exact=True))

    def confirm(self, name: str) -> None:
        """The open dialog, by its button, which closes it."""
        self.hands.press(self.dialog.get_by_role("button", name=name, exact=True))
        expect(self.dialog).to_have_count(0)

    def fill(self, label: str, text: str) -> None:
        """A field of the open dialog."""
        self.hands.write(self.dialog.get_by_label(label), text)

    @property
    def dialog(self) -> Locator:
        """The open dialog."""
        return self.page.get_by_role("dialog")

    @property
    def state(self) -> Locator:
        """The state in an installation's head."""
        return self.page.locator(".lead .state")

    def axe(self, part: str = "html") -> list[str]:
        """What axe-core's rules find in both colour schemes, on the whole page or on a part of it."""
        if not self.page.evaluate("'axe' in window"):
            # By the debugger and not by a script element, which the policy would refuse.
            self.page.evaluate(Path(AXE_FILE_PATH).read_text())
        faults = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] - one of the two
            found = self.page.evaluate("(part) => axe.run(part, {resultTypes: ['violations']})", part)
            faults += [
                f"{scheme} {violation['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
                for violation in found["violations"]
                for node in violation["nodes"]
            ]
        return faults


def how_to_install() -> str:
    """For who has no Chromium."""
    return f"there is no Chromium on the PATH of {sys.platform}: install it (Debian, Ubuntu: apt install chromium)"
