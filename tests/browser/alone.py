"""The console's files in a browser, without a hub: what it would answer is made up by each test."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from local_stack.console import SOURCE

# Browsers give some of what the console uses to secure origins alone.
ORIGIN = "https://console.example"


def serve_console(page: Page) -> None:
    """An empty page beside the console's files."""
    page.route(f"{ORIGIN}/**", lambda route: route.fulfill(path=SOURCE / urlsplit(route.request.url).path[1:]))
    page.route(f"{ORIGIN}/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto(f"{ORIGIN}/")


def of_module(console: Page, name: str, expression: str, *given: Any) -> Any:
    """What a module of the console makes of what is given; `expression` calls it `module`."""
    return console.evaluate(f"(given) => import('/{name}').then((module) => {expression})", given)


def at_once(console: Page, name: str, expression: str, *given: Any) -> Any:
    """The same, of what takes no waiting: the browser ends the script after some seconds, and the test fails."""
    console.evaluate(f"(given) => import('/{name}').then((module) => Object.assign(window, {{module, given}}))", given)
    debugger = console.context.new_cdp_session(console)
    answer = debugger.send(
        "Runtime.evaluate", {"expression": expression, "timeout": 5000, "returnByValue": True, "replMode": True}
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    debugger.detach()
    return answer["result"]["value"]


def draw(console: Page, name: str, made: str, *given: Any) -> None:
    """What a module's component shows; `made` is it in the console's own markup."""
    shown = f"""import('/html.js').then(({{html, render}}) => {{ render({made}, document.body); return true; }})"""
    of_module(console, name, shown, *given)
