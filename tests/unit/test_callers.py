"""A function that is not public answers its own caller alone, known by the OIDC token of one service account."""

import base64
import json
import logging
import re
from typing import Any

import jwt
import pytest
from flask import Request, Response
from jwt.algorithms import RSAAlgorithm
from tests.unit.rsa_keys import KEY, OTHER_KEY
from werkzeug.test import EnvironBuilder

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.adapters.identity import callers
from provider_hub.adapters.identity.callers import TrustedCaller, trusted_callers
from provider_hub.adapters.identity.jwks import JwksError, KeySet
from provider_hub.adapters.identity.realm import REMOVED_SIGNATURE, Realm, VerifiedClaims
from provider_hub.http.callers import OnlyFrom
from provider_hub.settings.everything import Callers, SettingsError

NOW = 1_800_000_000
ISSUER = "https://accounts.google.com"
URL = "https://hub-installer-1.europe-west1.run.app"
PUSH = "hub-push@p.iam.gserviceaccount.com"
TASKS = "hub-tasks@p.iam.gserviceaccount.com"
GIVEN: dict[str, Any] = {
    "caller_audience": URL,
    "push_service_account": PUSH,
    "tasks_service_account": TASKS,
    "scheduler_service_account": "hub-scheduler@p.iam.gserviceaccount.com",
}


def key_set(_url: str) -> bytes:
    entry = {**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig", "alg": "RS256"}
    return json.dumps({"keys": [entry]}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """As Google signs them for a push."""
    given = {
        "iss": ISSUER,
        "aud": URL,
        "azp": "113774264463038321964",
        "sub": "113774264463038321964",
        "email": PUSH,
        "email_verified": True,
        "iat": NOW,
        "exp": NOW + 3600,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def signed(payload: dict[str, Any], key: Any = KEY, kid: str = "k1") -> str:
    return jwt.encode(payload, key, algorithm="RS256", headers={"kid": kid})


def without_signature(token: str) -> str:
    """As Cloud Run passes a token on that its IAM check has verified."""
    return f"{token.rpartition('.')[0]}.{REMOVED_SIGNATURE}"


class Counting:
    """Counts the requests that got through."""

    calls = 0

    def respond(self, _request: Request) -> Response:
        self.calls += 1
        return Response(status=204)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "KeySet", lambda url, clock: KeySet(url, clock=clock, fetch=key_set))


def pusher(**changes: Any) -> TrustedCaller:
    return trusted_callers(Callers(**{**GIVEN, **changes}), clock=lambda: NOW).push()


def answer(caller: TrustedCaller, authorization: str | None, *others: tuple[str, str]) -> tuple[int, int]:
    """The status, and how many requests got through; `others` are further headers."""
    responder = Counting()
    headers = [*others, *([] if authorization is None else [("Authorization", authorization)])]
    environ = EnvironBuilder(path="/projects/p/topics/t", method="POST", headers=headers).get_environ()
    return OnlyFrom(caller, responder).respond(Request(environ)).status_code, responder.calls


def test_the_token_that_google_sends_gets_through() -> None:
    assert answer(pusher(), f"Bearer {signed(claims())}") == (204, 1)
    assert answer(pusher(), f"bearer {signed(claims())}") == (204, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://hub-sweeper-1.europe-west1.run.app"},
        {"aud": None},
        {"iss": "https://accounts.google.com.evil.example"},
        {"iss": None},
        {"email": TASKS},
        {"email": f"{PUSH}.evil.example"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"iat": NOW + 61},
        {"exp": NOW + 25 * 3600},
        {"sub": None},
    ],
)
@pytest.mark.parametrize("iam", [False, True])
def test_a_token_that_says_anything_else_is_refused_and_counted(
    changes: dict[str, Any], iam: bool, caplog: pytest.LogCaptureFixture
) -> None:
    token = signed(claims(**changes))
    with caplog.at_level(logging.WARNING):
        assert answer(pusher(caller_signature_removed=iam), f"Bearer {token}") == (401, 0)
        if iam:
            caller = pusher(caller_signature_removed=True)
            assert answer(caller, f"Bearer {without_signature(token)}") == (401, 0)
    assert {record.__dict__["event"] for record in caplog.records} == {"caller_refused"}
    assert token.rpartition(".")[2] not in caplog.text


def forged() -> dict[str, str | None]:
    head, body, signature = signed(claims()).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    return {
        "missing": None,
        "empty": "",
        "another scheme": f"Basic {head}.{body}.{signature}",
        "another key": f"Bearer {signed(claims(), OTHER_KEY)}",
        "an unknown key": f"Bearer {signed(claims(), OTHER_KEY, kid='k2')}",
        "no signature": f"Bearer {head}.{body}.",
        "no algorithm": f"Bearer {none}.{body}.{signature}",
        "another body": f"Bearer {head}.{signed(claims(email=PUSH, sub='1')).split('.')[1]}.{signature}",
        "two tokens": f"Bearer {signed(claims(email=TASKS))}, Bearer {head}.{body}.{REMOVED_SIGNATURE}",
        "signature removed": f"Bearer {head}.{body}.{REMOVED_SIGNATURE}",
        "not a token": "Bearer x",
    }


@pytest.mark.parametrize("kind", forged())
def test_a_missing_or_forged_token_is_refused(kind: str) -> None:
    assert answer(pusher(), forged()[kind]) == (401, 0)


def test_behind_cloud_runs_iam_a_token_whose_signature_was_removed_gets_through() -> None:
    caller = pusher(caller_signature_removed=True)
    assert answer(caller, f"Bearer {without_signature(signed(claims()))}") == (204, 1)
    assert answer(caller, f"Bearer {signed(claims())}") == (204, 1)


@pytest.mark.parametrize("name", ["X-Serverless-Authorization", "x-serverless-authorization"])
@pytest.mark.parametrize("values", [[""], ["Bearer x"], ["Bearer x", "Bearer y"]])
def test_a_token_that_cloud_runs_iam_did_not_look_at_is_refused_and_counted(
    name: str, values: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """IAM looks at that header instead, so the removed signature may be the sender's own."""
    caller = pusher(caller_signature_removed=True)
    token = f"Bearer {without_signature(signed(claims()))}"
    with caplog.at_level(logging.WARNING):
        assert answer(caller, token, *((name, value) for value in values)) == (401, 0)
    assert [record.__dict__["event"] for record in caplog.records] == ["caller_refused"]
    assert answer(caller, token) == (204, 1)


@pytest.mark.parametrize("kind", sorted(set(forged()) - {"signature removed"}))
def test_behind_cloud_runs_iam_every_other_forgery_is_refused(kind: str) -> None:
    assert answer(pusher(caller_signature_removed=True), forged()[kind]) == (401, 0)


def test_a_verified_token_is_remembered_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, verified, verify = [NOW], list[int](), Realm.verify

    def counted(realm: Realm, token: str) -> VerifiedClaims:
        verified.append(now[0] - NOW)
        return verify(realm, token)

    monkeypatch.setattr(Realm, "verify", counted)
    caller = trusted_callers(Callers(**GIVEN), clock=lambda: now[0]).push()
    for seconds in (0, 1, 59, 60, 61):
        now[0] = NOW + seconds
        assert answer(caller, f"Bearer {signed(claims())}") == (204, 1)
    assert verified == [0, 60]


def test_a_token_that_expires_within_the_minute_is_forgotten_then() -> None:
    now = [NOW]
    caller = trusted_callers(Callers(**GIVEN), clock=lambda: now[0]).push()
    token = f"Bearer {signed(claims(exp=NOW - 30))}"
    assert answer(caller, token) == (204, 1), "the leeway is a minute"
    now[0] = NOW + 31
    assert answer(caller, token) == (401, 0)


def test_what_differs_from_a_verified_token_is_refused() -> None:
    caller = pusher()
    assert answer(caller, f"Bearer {signed(claims())}") == (204, 1)
    assert {answer(caller, header) for header in forged().values()} == {(401, 0)}


def test_each_trigger_has_an_account_of_its_own() -> None:
    made = trusted_callers(Callers(**GIVEN), clock=lambda: NOW)
    assert answer(made.tasks(), f"Bearer {signed(claims())}") == (401, 0)
    assert answer(made.tasks(), f"Bearer {signed(claims(email=TASKS))}") == (204, 1)
    assert answer(made.scheduler(), f"Bearer {signed(claims(email=TASKS))}") == (401, 0)


def test_a_caller_is_asked_to_come_again_while_the_keys_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_url: str) -> bytes:
        raise JwksError("the endpoint does not answer")

    monkeypatch.setattr(callers, "KeySet", lambda url, clock: KeySet(url, clock=clock, fetch=unreachable))
    assert answer(pusher(), f"Bearer {signed(claims())}") == (503, 0)


@pytest.mark.parametrize(
    ("field", "variable"),
    [("caller_audience", "HUB_CALLER_AUDIENCE"), ("push_service_account", "HUB_PUSH_SERVICE_ACCOUNT")],
)
def test_a_function_that_does_not_know_its_caller_does_not_start(field: str, variable: str) -> None:
    with pytest.raises(SettingsError, match=f"set {variable}"):
        pusher(**{field: ""})


def test_keys_are_read_over_plain_http_from_this_machine_alone() -> None:
    pusher(caller_jwks_url="http://127.0.0.1:1/google/keys")
    with pytest.raises(SettingsError, match="HUB_CALLER_JWKS_URL must be an https:// URL"):
        pusher(caller_jwks_url="http://keys.example/google")


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if not function.is_public])
def test_every_function_that_is_not_public_opens_to_the_callers_of_its_triggers_alone(name: str) -> None:
    """What each answers is tried on a running stack by tests/e2e/test_callers.py."""
    source = (FUNCTIONS_DIR / name / "main.py").read_text()
    caller_of = {"topic": "push", "dead_letters": "push", "queue": "tasks", "schedule": "scheduler"}
    wanted = {caller_of[trigger] for trigger in FUNCTIONS[name].triggers}
    assert set(re.findall(r"OnlyFrom\(\w+(?:\(settings\))?\.(\w+)\(\)", source)) == wanted
