"""The console at the gateway, and signing in to it at the issuer, over HTTP."""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from local_stack.console import Console, SignIn
from local_stack.gateway import Gateway
from local_stack.issuer import Realm
from local_stack.ports import listening_socket, port_of
from local_stack.servers import start_gateway, start_issuer
from local_stack.sign_in import challenge_of
from local_stack.sign_in_server import CLIENT_ID, console_origins

VERIFIER = "verifier-of-43-characters-or-more-0123456789"


@dataclass
class Browser:
    """A client with a cookie jar that follows no redirect, the console's address, and the issuer's."""

    session: aiohttp.ClientSession
    origin: str
    issuer: str

    @property
    def page(self) -> str:
        return f"{self.origin}/app/"

    async def get(self, url: str, **given: Any) -> aiohttp.ClientResponse:
        return await self.session.get(url, allow_redirects=False, **given)

    async def authorize(self, **changes: str) -> aiohttp.ClientResponse:
        return await self.get(f"{self.issuer}/authorize", params=self.asked(**changes))

    async def sign_in(self, form: dict[str, str], **changes: str) -> aiohttp.ClientResponse:
        url = f"{self.issuer}/authorize"
        return await self.session.post(url, params=self.asked(**changes), data=form, allow_redirects=False)

    async def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        headers = {"Origin": self.origin}
        answer = await self.session.post(f"{self.issuer}/token", data={"client_id": CLIENT_ID, **form}, headers=headers)
        assert answer.headers.get("Access-Control-Allow-Origin") == self.origin
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.json()

    async def redeem(self, code: str) -> tuple[int, dict[str, Any]]:
        given = {"code": code, "code_verifier": VERIFIER, "redirect_uri": self.page}
        return await self.token(grant_type="authorization_code", **given)

    def asked(self, **changes: str) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.page,
            "state": "s",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }


def run(state_dir: Path, test: Callable[[Browser], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(30), AsyncExitStack() as exits:
            listener = listening_socket(0)
            port = port_of(listener)
            issuer = await start_issuer(exits, state_dir, console_origins(port))
            console = Console(SignIn(issuer.issuer(Realm.CUSTOMER), CLIENT_ID))
            await start_gateway(exits, Gateway(lambda _path: None, {}, console.answer), listener)
            jar = aiohttp.CookieJar(unsafe=True)
            session = await exits.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            await test(Browser(session, f"http://127.0.0.1:{port}", issuer.issuer(Realm.CUSTOMER)))

    asyncio.run(main())


def answer_in(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The query that the issuer leads back with."""
    assert response.status == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: the issuer's keys take a second to make."""
    return tmp_path_factory.mktemp("state")


def test_the_page_is_asked_for_again_and_its_files_never(state_dir: Path) -> None:
    async def test(browser: Browser) -> None:
        for path in ("/", "/app"):
            assert (await browser.get(browser.origin + path)).headers["Location"] == "/app/"
        page = await browser.get(browser.page)
        assert page.headers["Cache-Control"] == "no-cache"
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert f"connect-src 'self' {browser.issuer.rpartition('/')[0]}" in page.headers["Content-Security-Policy"]
        script = re.search(r'src="([^"]+app.js)"', await page.text())
        assert script is not None
        module = await browser.get(browser.page + script[1])
        assert module.headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in module.headers["Cache-Control"]
        config = await (await browser.get(browser.page + "config.json")).json()
        assert config == {"issuer": browser.issuer, "client_id": "console", "scopes": []}

    run(state_dir, test)


@pytest.mark.parametrize("path", ["nope", "0000/app.js", "../pyproject.toml", "%2e%2e/pyproject.toml", "headers.json"])
def test_nothing_else_is_served(state_dir: Path, path: str) -> None:
    async def test(browser: Browser) -> None:
        await browser.get(browser.page)
        assert (await browser.get(browser.page + path)).status == 404
        written = await browser.session.post(browser.page, data="x")
        assert (written.status, written.headers["Allow"]) == (405, "GET, HEAD")

    run(state_dir, test)


def test_a_person_signs_in_and_is_renewed_until_they_sign_out(state_dir: Path) -> None:
    async def test(browser: Browser) -> None:
        shown = await browser.authorize()
        assert shown.status == 200
        assert "form-action 'self' " + browser.origin in shown.headers["Content-Security-Policy"]
        answer = answer_in(await browser.sign_in({"organization": "globex", "role": "publisher"}))
        assert answer["state"] == "s"
        status, tokens = await browser.redeem(answer["code"])
        claims = claims_of(tokens["access_token"])
        assert (status, claims["o"]) == (200, {"id": "org_globex", "slg": "globex", "rol": "publisher"})
        again = answer_in(await browser.authorize(prompt="none"))
        assert "code" in again
        _, renewed = await browser.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert claims_of(renewed["access_token"])["sub"] == claims["sub"]
        left = await browser.get(f"{browser.issuer}/logout", params={"post_logout_redirect_uri": browser.page})
        assert left.headers["Location"] == browser.page
        status, refused = await browser.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"])
        assert (status, refused["error"]) == (400, "invalid_grant")
        assert answer_in(await browser.authorize(prompt="none"))["error"] == "login_required"

    run(state_dir, test)


def test_another_organization_is_typed_and_checked(state_dir: Path) -> None:
    async def test(browser: Browser) -> None:
        refused = await browser.sign_in({"organization": "acme", "other": "No Slug", "role": "admin"})
        assert refused.status == 400
        assert "is no organization slug" in await refused.text()
        taken = answer_in(await browser.sign_in({"organization": "acme", "other": "umbrella", "role": "member"}))
        _, tokens = await browser.redeem(taken["code"])
        assert claims_of(tokens["access_token"])["o"]["slg"] == "umbrella"
        assert 'value="umbrella"' in await (await browser.authorize(prompt="select_account")).text()

    run(state_dir, test)


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": "https://evil.example/app/"}, {"client_id": "other"}, {"redirect_uri": ""}]
)
def test_nobody_is_led_to_another_page_than_the_console(state_dir: Path, changes: dict[str, str]) -> None:
    async def test(browser: Browser) -> None:
        assert (await browser.authorize(**changes)).status == 400
        assert (await browser.sign_in({"organization": "acme", "role": "admin"}, **changes)).status == 400
        left = await browser.get(
            f"{browser.issuer}/logout", params={"post_logout_redirect_uri": "https://evil.example"}
        )
        assert left.status == 400

    run(state_dir, test)


def test_a_code_without_a_challenge_of_sha_256_is_refused(state_dir: Path) -> None:
    async def test(browser: Browser) -> None:
        for changes in ({"code_challenge_method": "plain"}, {"response_type": "token"}, {"code_challenge": ""}):
            assert answer_in(await browser.authorize(**changes))["error"] == "invalid_request"

    run(state_dir, test)


def test_a_foreign_page_may_neither_sign_anybody_in_nor_read_a_token(state_dir: Path) -> None:
    async def test(browser: Browser) -> None:
        for path in ("authorize", "token"):
            answer = await browser.session.post(f"{browser.issuer}/{path}", headers={"Origin": "https://evil.example"})
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers

    run(state_dir, test)
