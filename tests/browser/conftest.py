"""One browser and one furnished stack for all tests here; each test is a visitor with cookies of its own.

The browser's library keeps an event loop in the tests' thread for as long as it runs, so it ends with this folder.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from local_stack.running import Stack
from tests.browser.ground import running_stack
from tests.browser.visitor import Visitor, chromium, how_to_install, launched


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.skip(how_to_install())
    with launched(executable) as started:
        yield started


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; at the end of the test, none of them may have seen a page do what it must not."""
    visitors: list[Visitor] = []

    def arrive(*, width: int = 1280, height: int = 900) -> Visitor:
        visitors.append(Visitor(browser, stack, width, height))
        return visitors[-1]

    yield arrive
    faults = [fault for visitor in visitors for fault in visitor.all_faults()]
    for visitor in visitors:
        visitor.context.close()
    assert not faults


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()
