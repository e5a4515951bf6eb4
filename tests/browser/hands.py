"""How a person works at a page: with a mouse, or with a keyboard alone. The journeys are the same for both."""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

# More than any page has between two things that somebody wants: beyond them the target is not in the order of tabs.
_MOST_TABS = 80


class Hands(Protocol):
    """Each method works on one element that is there, or comes."""

    def press(self, target: Locator) -> None:
        """A button or a link."""

    def write(self, target: Locator, text: str) -> None:
        """Into a field, in the place of what is in it."""

    def choose(self, target: Locator, value: str) -> None:
        """An option of a list, by its value."""

    def pick(self, target: Locator) -> None:
        """One of several radio buttons."""


class Mouse:
    """Points and clicks."""

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, target: Locator, text: str) -> None:
        target.fill(text)

    def choose(self, target: Locator, value: str) -> None:
        target.select_option(value)

    def pick(self, target: Locator) -> None:
        target.check()


class Keyboard:
    """Goes by Tab from where the focus is, and presses what a person would press there."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, target: Locator) -> None:
        self._reach(target)
        self._page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        self._reach(target)
        self._page.keyboard.press("ControlOrMeta+a")
        self._page.keyboard.type(text)

    def choose(self, target: Locator, value: str) -> None:
        self._reach(target)
        self._page.keyboard.press("Home")
        for _ in range(target.locator("option").count()):
            if target.input_value() == value:
                return
            self._page.keyboard.press("ArrowDown")
        expect(target).to_have_value(value)

    def pick(self, target: Locator) -> None:
        """Tab leads to the one that is chosen, and the arrows from there to the others."""
        name = target.get_attribute("name")
        group = self._page.locator(f"input[type=radio][name={name}]")
        self._reach(self._page.locator(f"input[type=radio][name={name}]:checked"))
        for _ in range(group.count()):
            if target.is_checked():
                return
            self._page.keyboard.press("ArrowDown")
        expect(target).to_be_checked()

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(_MOST_TABS):
            if target.evaluate("(element) => element === document.activeElement"):
                assert target.evaluate("(element) => element.matches(':focus-visible')"), (
                    f"nobody sees the focus: {target}"
                )
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {target}")
