"""One browser and one furnished stack for all tests here; each test is a visitor with cookies of its own.

The browser's library keeps an event loop in the tests' thread for as long as it runs, so it ends with this folder.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from local_stack.running import Stack
from tests.browser.alone import serve_console
from tests.browser.ground import PUBLISHER, running_stack
from tests.browser.visitor import Visitor, chromium, how_to_install, launched


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.skip(how_to_install())
    with launched(executable) as started:
        yield started


@pytest.fixture
def console(browser: Browser) -> Iterator[Page]:
    """An empty page beside the console's files."""
    context = browser.new_context()
    page = context.new_page()
    serve_console(page)
    yield page
    context.close()


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; at the end of the test, none of them may have seen a page do what it must not."""
    visitors: list[Visitor] = []

    def arrive(**how: Any) -> Visitor:
        visitors.append(Visitor(browser, stack, **how))
        return visitors[-1]

    yield arrive
    faults = [fault for visitor in visitors for fault in visitor.all_faults()]
    for visitor in visitors:
        visitor.context.close()
    assert not faults


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody with a mouse."""
    return visit()


@pytest.fixture
def typist(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody with a keyboard alone."""
    return visit(by_keyboard=True)


@pytest.fixture(scope="package")
def admin(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    """An admin of the publisher, who signs in once for all tests that only look."""
    made = Visitor(browser, stack)
    made.sign_in(PUBLISHER)
    yield made
    made.context.close()


@pytest.fixture
def reader(admin: Visitor) -> Iterator[Visitor]:
    """The same, before whom no page may do what it must not either."""
    yield admin
    assert not admin.all_faults()
