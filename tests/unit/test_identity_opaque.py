"""Opaque machine tokens are looked up at their issuer, whose word is kept for a minute at most."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from aiohttp.test_utils import TestServer

from local_stack.issuer import Realm, TokenIssuer
from local_stack.issuer_server import issuer_application
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.errors import IdentityUnavailable
from provider_hub.adapters.identity.opaque import OpaqueTokens
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.identity import ConsoleMachine, ConsoleScope, Machine, OrganizationClaims
from provider_hub.domain.roles import Right
from provider_hub.settings.everything import Identity, SettingsError, variable_name

NOW = 1_800_000_000.0
TOKEN = "mt_0123456789abcdef"


class Issuer:
    """Answers as Clerk does, or as it is told to; `now` is the functions' clock."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.now = NOW
        self.status = 200
        self.answer: Any = {
            "id": "mt_1",
            "subject": "mch_1",
            "claims": {"org_id": "org_1", "org_slug": "acme", "scopes": ["a"]},
            "scopes": ["mch_hub"],
            "revoked": False,
            "expired": False,
            "expiration": None,
        }
        self.tokens = OpaqueTokens("https://issuer/verify", "ak_secret", clock=lambda: self.now, post=self._post)

    def _post(self, url: str, secret: str, body: bytes) -> tuple[int, bytes]:
        self.calls.append((url, secret, json.loads(body)))
        if self.status == 0:
            raise urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("issuer"), "/", "slow")
        return self.status, self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def test_the_issuer_says_what_a_token_stands_for(issuer: Issuer) -> None:
    claims = issuer.tokens.claims(TOKEN)
    assert claims == {"org_id": "org_1", "org_slug": "acme", "sub": "mch_1", "jti": "mt_1", "scopes": ["a"]}
    assert issuer.calls == [("https://issuer/verify", "ak_secret", {"token": TOKEN})]


def test_a_machines_own_claims_do_not_change_who_it_is(issuer: Issuer) -> None:
    issuer.answer["claims"] = {"sub": "mch_other", "jti": "mt_other"}
    assert issuer.tokens.claims(TOKEN) == {"sub": "mch_1", "jti": "mt_1", "scopes": []}


@pytest.mark.parametrize(
    ("beside", "own", "words"),
    [
        (["mch_hub", "mch_other"], ["hub:read"], ["hub:read"]),
        (["mch_hub"], "providers:write audit:read", ["providers:write", "audit:read"]),
        (["mch_hub"], None, []),
        (None, ["hub:read"], ["hub:read"]),
        (["mch_hub", "hub:read"], None, ["hub:read"]),
        ("hub:read hub:publish", ["hub:publish", "hub:read"], ["hub:read", "hub:publish"]),
    ],
)
def test_what_a_token_may_do_are_words_and_never_the_machines_that_may_receive_it(
    issuer: Issuer, beside: Any, own: Any, words: list[str]
) -> None:
    issuer.answer.update(scopes=beside, claims={"scopes": own})
    assert issuer.tokens.claims(TOKEN)["scopes"] == words


@pytest.mark.parametrize(
    ("beside", "own"),
    [
        (["reports:read"], ["hub:read"]),
        (["hub:read"], ["hub:manage"]),
        ([1], ["hub:read"]),
        (["mch_hub"], {"hub:read": True}),
    ],
)
def test_scopes_that_contradict_each_other_or_are_no_words_let_nobody_in(issuer: Issuer, beside: Any, own: Any) -> None:
    issuer.answer.update(scopes=beside, claims={"scopes": own})
    with pytest.raises(NotAuthenticated, match="scopes"):
        issuer.tokens.claims(TOKEN)


def test_an_answer_is_kept_for_a_minute(issuer: Issuer) -> None:
    issuer.tokens.claims(TOKEN)
    issuer.now += 59
    issuer.tokens.claims(TOKEN)
    assert len(issuer.calls) == 1
    issuer.now += 1
    issuer.answer["revoked"] = True
    with pytest.raises(NotAuthenticated):
        issuer.tokens.claims(TOKEN)
    assert len(issuer.calls) == 2


def test_an_answer_is_never_kept_past_the_tokens_expiration(issuer: Issuer) -> None:
    issuer.answer["expiration"] = (NOW + 10) * 1000
    issuer.tokens.claims(TOKEN)
    issuer.now += 10
    issuer.answer["expired"] = True
    with pytest.raises(NotAuthenticated):
        issuer.tokens.claims(TOKEN)


@pytest.mark.parametrize("change", [{"revoked": True}, {"expired": True}, {"expiration": NOW * 1000}])
def test_a_token_that_is_good_no_more_is_refused(issuer: Issuer, change: dict[str, Any]) -> None:
    issuer.answer.update(change)
    with pytest.raises(NotAuthenticated):
        issuer.tokens.claims(TOKEN)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_unknown_token_is_refused_and_not_asked_for_again_at_once(issuer: Issuer, status: int) -> None:
    issuer.status = status
    for _ in range(3):
        with pytest.raises(NotAuthenticated):
            issuer.tokens.claims(TOKEN)
    assert len(issuer.calls) == 1


@pytest.mark.parametrize("status", [0, 401, 403, 429, 500, 503])
def test_an_issuer_that_does_not_answer_is_no_refusal_and_is_asked_again(issuer: Issuer, status: int) -> None:
    issuer.status = status
    with pytest.raises(IdentityUnavailable):
        issuer.tokens.claims(TOKEN)
    issuer.status = 200
    assert issuer.tokens.claims(TOKEN)["sub"] == "mch_1"


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", [], {}, {"id": 1, "subject": "mch_1"}, {"id": "a", "subject": None}]
)
def test_an_answer_that_makes_no_sense_lets_nobody_in(issuer: Issuer, answer: Any) -> None:
    issuer.answer = answer
    with pytest.raises(IdentityUnavailable):
        issuer.tokens.claims(TOKEN)


@pytest.mark.parametrize("change", [{"expiration": "soon"}, {"expiration": True}, {"claims": ["x"]}])
def test_a_part_of_an_answer_that_makes_no_sense_lets_nobody_in(issuer: Issuer, change: dict[str, Any]) -> None:
    issuer.answer.update(change)
    with pytest.raises(IdentityUnavailable):
        issuer.tokens.claims(TOKEN)


def settings(issuer: TokenIssuer, **changes: str) -> Identity:
    given: dict[str, str] = {}
    for realm in (Realm.CUSTOMER, Realm.CONSOLE):
        given[f"{realm}_issuer"] = issuer.issuer(realm)
        given[f"{realm}_jwks_url"] = issuer.jwks_url(realm)
        given[f"{realm}_lookup_url"] = issuer.lookup_url(realm)
        given[f"{realm}_lookup_secret"] = issuer.lookup_secret(realm)
    chosen = {**given, **changes}
    return Identity.from_environment({variable_name(field): value for field, value in chosen.items()})


def against_the_local_issuer(folder: Path, check: Callable[[TokenIssuer], None]) -> None:
    async def run() -> None:
        server = TestServer(issuer_application(TokenIssuer("http://127.0.0.1:1", folder)))
        await server.start_server()
        try:
            await asyncio.to_thread(check, TokenIssuer(str(server.make_url("")).rstrip("/"), folder))
        finally:
            await server.close()

    work: Awaitable[None] = run()
    asyncio.run(work)  # type: ignore[arg-type]


def test_both_realms_take_the_local_issuers_opaque_tokens(tmp_path: Path) -> None:
    def check(issuer: TokenIssuer) -> None:
        authenticator = Authenticator(settings(issuer))
        customer, console = issuer.opaque_machine("acme"), issuer.opaque_console_machine()
        organization = OrganizationClaims("org_acme", "acme", role="admin", name="Acme")
        assert authenticator.customer(f"Bearer {customer}") == Machine("mch_acme", organization)
        machine = authenticator.console(f"Bearer {console}")
        assert isinstance(machine, ConsoleMachine)
        assert machine.scopes == tuple(ConsoleScope), "CI publishes with it"
        reader = authenticator.customer(f"Bearer {issuer.opaque_machine('acme', scopes=('hub:read',))}")
        assert reader.right is Right.READ
        for realm, token in ((authenticator.console, customer), (authenticator.customer, console)):
            with pytest.raises(NotAuthenticated):
                realm(f"Bearer {token}")
        with pytest.raises(NotAuthenticated):
            authenticator.customer(f"Bearer {issuer.opaque_machine('acme', lifetime=-1)}")
        with pytest.raises(IdentityUnavailable):
            Authenticator(settings(issuer, customer_lookup_secret="wrong")).customer(f"Bearer {customer}")

    against_the_local_issuer(tmp_path, check)


def test_where_no_look_up_is_configured_an_opaque_token_is_refused(tmp_path: Path) -> None:
    issuer = TokenIssuer("http://127.0.0.1:1", tmp_path)
    authenticator = Authenticator(settings(issuer, customer_lookup_url=""))
    with pytest.raises(NotAuthenticated, match="looks up no opaque tokens"):
        authenticator.customer(f"Bearer {TOKEN}")


def test_a_look_up_without_its_secret_stops_the_function_at_its_start(tmp_path: Path) -> None:
    issuer = TokenIssuer("http://127.0.0.1:1", tmp_path)
    with pytest.raises(SettingsError, match="HUB_CUSTOMER_LOOKUP_SECRET"):
        Authenticator(settings(issuer, customer_lookup_secret=""))
    with pytest.raises(SettingsError, match="HUB_CUSTOMER_LOOKUP_URL must be an https"):
        Authenticator(settings(issuer, customer_lookup_url="http://issuer.example/verify"))
