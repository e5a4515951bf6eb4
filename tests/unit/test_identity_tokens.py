"""Tokens: those of the realm pass, and nothing else does."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from tests.unit.rsa_keys import KEY, OTHER_KEY

from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.errors import IdentityUnavailable
from provider_hub.adapters.identity.jwks import JwksError, KeySet
from provider_hub.adapters.identity.realm import Realm
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.identity import ConsoleMachine, Machine, User
from provider_hub.settings.everything import Identity, SettingsError, variable_name

NOW = 1_800_000_000
ISSUER = "https://customers.example"
APP = "https://app.example"


def jwks(*keys: tuple[str, rsa.RSAPrivateKey]) -> bytes:
    entries = [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"} for kid, key in keys]
    return json.dumps({"keys": entries}).encode()


def realm(
    *, audiences: tuple[str, ...] = (), parties: tuple[str, ...] = (), fetch: Callable[[str], bytes] | None = None
) -> Realm:
    answer = fetch or (lambda _url: jwks(("k1", KEY)))
    keys = KeySet(f"{ISSUER}/jwks", clock=lambda: NOW, fetch=answer)
    return Realm("customer", ISSUER, keys, audiences=audiences, parties=parties, clock=lambda: NOW)


def claims(**changes: Any) -> dict[str, Any]:
    given = {"sub": "user_1", "iss": ISSUER, "iat": NOW, "nbf": NOW, "exp": NOW + 300, **changes}
    return {name: value for name, value in given.items() if value is not None}


def signed(payload: dict[str, Any], *, key: Any = KEY, algorithm: str = "RS256", kid: str | None = "k1") -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_token_of_the_realm_gives_its_claims() -> None:
    assert realm().verify(signed(claims(org_id="org_1")))["org_id"] == "org_1"


@pytest.mark.parametrize(
    "changes", [{"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"iat": None, "nbf": None}]
)
def test_times_have_sixty_seconds_of_leeway(changes: dict[str, Any]) -> None:
    assert realm().verify(signed(claims(**changes)))["sub"] == "user_1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": NOW - 60}, "has expired"),
        ({"exp": None}, "MissingRequiredClaim"),
        ({"exp": "2099-01-01"}, "not a number"),
        ({"exp": True}, "not a number"),
        ({"exp": float("inf")}, "not a number"),
        ({"exp": float("nan")}, "not a number"),
        ({"nbf": NOW + 61}, "future by its nbf"),
        ({"nbf": str(NOW)}, "not a number"),
        ({"iat": NOW + 61}, "future by its iat"),
        ({"iat": [NOW]}, "not a number"),
        ({"iss": "https://console.example"}, "InvalidIssuer"),
        ({"iss": f"{ISSUER}/"}, "InvalidIssuer"),
        ({"iss": None}, "MissingRequiredClaim"),
        ({"sub": None}, "MissingRequiredClaim"),
        ({"sts": "pending"}, "session is not active"),
        ({"exp": NOW + 24 * 3600 + 1}, "more than 24 hours"),
        ({"exp": NOW + 24 * 3600 + 1, "iat": None}, "more than 24 hours"),
        ({"exp": NOW + 100 * 365 * 24 * 3600, "iat": None, "nbf": None}, "more than 24 hours"),
        ({"iat": NOW - 24 * 3600, "exp": NOW + 1}, "more than 24 hours"),
        ({"typ": "ID"}, "typ is not an access token's"),
        ({"typ": "id_token"}, "typ is not an access token's"),
        ({"typ": "Refresh"}, "typ is not an access token's"),
        ({"token_use": "id"}, "token_use is not access"),
    ],
)
def test_a_token_whose_claims_do_not_hold_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAuthenticated, match=why):
        realm().verify(signed(claims(**changes)))


def test_an_issuer_or_subject_that_is_no_string_is_refused() -> None:
    for changes in ({"iss": [ISSUER]}, {"sub": 7}):
        payload = part({**claims(), **changes})
        token = jwt.api_jws.encode(base64.urlsafe_b64decode(payload + "=="), KEY, "RS256", {"kid": "k1"})
        with pytest.raises(NotAuthenticated):
            realm().verify(token)


def test_a_token_signed_by_another_key_is_refused() -> None:
    with pytest.raises(NotAuthenticated, match="InvalidSignature"):
        realm().verify(signed(claims(), key=OTHER_KEY))


def test_a_tampered_payload_is_refused() -> None:
    header, _, signature = signed(claims()).split(".")
    with pytest.raises(NotAuthenticated, match="InvalidSignature"):
        realm().verify(f"{header}.{part(claims(sub='user_2'))}.{signature}")


def test_a_kid_that_the_realm_does_not_have_is_refused() -> None:
    with pytest.raises(NotAuthenticated, match="no key with this kid"):
        realm().verify(signed(claims(), kid="k2"))


def test_a_token_without_a_kid_is_refused() -> None:
    with pytest.raises(NotAuthenticated, match="names no kid"):
        realm().verify(signed(claims(), kid=None))


def test_an_unsigned_token_is_refused() -> None:
    header = part({"alg": "none", "typ": "JWT", "kid": "k1"})
    for signature in ("", "AA"):
        with pytest.raises(NotAuthenticated):
            realm().verify(f"{header}.{part(claims())}.{signature}")


def test_the_public_key_is_no_shared_secret() -> None:
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signing_input = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(claims())}"
    mac = hmac.new(public, signing_input.encode(), hashlib.sha256).digest()
    token = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(NotAuthenticated, match="alg is not RS256"):
        realm().verify(token)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_another_algorithm_is_refused_though_the_key_is_right(algorithm: str) -> None:
    with pytest.raises(NotAuthenticated, match="alg is not RS256"):
        realm().verify(signed(claims(), algorithm=algorithm))


def test_what_cannot_be_a_token_of_the_realm_costs_no_fetch() -> None:
    def fetch(_url: str) -> bytes:
        raise AssertionError("the endpoint was asked")

    hopeless = [
        "",
        "a.b",
        "a.b.c.d",
        "é.b.c",
        "a.b.c\n",
        "....",
        "e30.e30.AA",
        "W10.e30.AA",
        part("[" * 5000) + ".e30.AA",
        signed(claims(), algorithm="RS512"),
        signed(claims(), kid=None),
        signed(claims(org_name="x" * 9000)),
    ]
    for token in hopeless:
        with pytest.raises(NotAuthenticated):
            realm(fetch=fetch).verify(token)


def test_why_never_holds_a_part_of_the_token() -> None:
    header, payload, _ = signed(claims()).split(".")
    for token in (f"{header}.{payload}.AAAA", f"{header[:-3]}.{payload}.AAAA", f"{header}.{payload[:-5]}.AAAA"):
        with pytest.raises(NotAuthenticated) as caught:
            realm().verify(token)
        assert not any(piece[:8] in caught.value.why for piece in token.split("."))
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("aud", ["hub", ["hub"], ["other", "hub"]])
def test_an_accepted_audience_passes(aud: object) -> None:
    assert realm(audiences=("hub", "hub2")).verify(signed(claims(aud=aud)))


@pytest.mark.parametrize("aud", [None, "other", ["other"], [], {"hub": 1}])
def test_another_audience_is_refused_where_audiences_are_configured(aud: object) -> None:
    with pytest.raises(NotAuthenticated):
        realm(audiences=("hub",)).verify(signed(claims(aud=aud)))


def test_audience_and_party_are_not_checked_where_none_is_configured() -> None:
    assert realm().verify(signed(claims(aud="any", azp="https://any.example")))


@pytest.mark.parametrize("azp", [None, "https://evil.example", ["https://app.example"]])
def test_another_or_no_party_is_refused_where_parties_are_configured(azp: object) -> None:
    accepting = realm(parties=("https://app.example",))
    assert accepting.verify(signed(claims(azp="https://app.example")))
    with pytest.raises(NotAuthenticated, match="azp"):
        accepting.verify(signed(claims(azp=azp)))


def test_a_machine_needs_no_party_but_may_not_have_a_wrong_one() -> None:
    accepting = realm(parties=("https://app.example",))
    assert accepting.verify(signed(claims(sub="mch_1")))
    with pytest.raises(NotAuthenticated, match="azp"):
        accepting.verify(signed(claims(sub="mch_1", azp="https://evil.example")))


def test_an_endpoint_that_is_down_is_unavailable_and_not_a_refusal() -> None:
    def down(_url: str) -> bytes:
        raise JwksError("the endpoint answers 500")

    with pytest.raises(IdentityUnavailable):
        realm(fetch=down).verify(signed(claims()))


def settings(**changes: Any) -> Identity:
    given: dict[str, Any] = {
        "customer_issuer": ISSUER,
        "customer_jwks_url": f"{ISSUER}/jwks",
        "console_issuer": "https://console.example",
        "console_jwks_url": "https://console.example/jwks",
        "customer_parties": (APP,),
        "console_parties": (APP,),
        **changes,
    }
    return Identity.from_environment({variable_name(field): value for field, value in given.items()})


@pytest.fixture
def authenticator(monkeypatch: pytest.MonkeyPatch) -> Authenticator:
    answers = {f"{ISSUER}/jwks": jwks(("k1", KEY)), "https://console.example/jwks": jwks(("k1", OTHER_KEY))}
    monkeypatch.setattr("provider_hub.adapters.identity.jwks.download", answers.__getitem__)
    return Authenticator(settings(), clock=lambda: NOW)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_a_customer_is_known_by_the_bearer_token(authenticator: Authenticator, scheme: str) -> None:
    assert authenticator.customer(scheme + signed(claims(azp=APP))) == User("user_1")
    assert authenticator.customer(scheme + signed(claims(sub="mch_1"))) == Machine("mch_1")


def test_a_token_of_one_realm_is_none_in_the_other(authenticator: Authenticator) -> None:
    customer = "Bearer " + signed(claims(azp=APP))
    console = "Bearer " + signed(claims(sub="mch_1", jti="mt_1", iss="https://console.example"), key=OTHER_KEY)
    assert authenticator.console(console) == ConsoleMachine("mch_1", "mt_1")
    with pytest.raises(NotAuthenticated):
        authenticator.console(customer)
    with pytest.raises(NotAuthenticated):
        authenticator.customer(console)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwdw==", "Bearer a b", "Bearer a,b", "Bearer: a.b.c", "a.b.c"],
)
def test_a_missing_or_malformed_header_is_refused(authenticator: Authenticator, header: str | None) -> None:
    with pytest.raises(NotAuthenticated):
        authenticator.customer(header)


def test_a_realm_without_settings_lets_nobody_in_and_says_which_variables_are_missing() -> None:
    authenticator = Authenticator(settings(console_issuer="", console_jwks_url=""))
    with pytest.raises(SettingsError, match="HUB_CONSOLE_ISSUER, HUB_CONSOLE_JWKS_URL"):
        authenticator.console("Bearer a.b.c")


def test_a_realm_configured_by_half_stops_at_the_start() -> None:
    with pytest.raises(SettingsError, match="set HUB_CUSTOMER_ISSUER too"):
        settings(customer_issuer="")


@pytest.mark.parametrize("url", ["http://issuer.example/jwks", "ftp://issuer.example/jwks", "issuer.example/jwks"])
def test_keys_are_not_read_over_plain_http_from_elsewhere(url: str) -> None:
    with pytest.raises(SettingsError, match="HUB_CUSTOMER_JWKS_URL must be an https"):
        Authenticator(settings(customer_jwks_url=url))


def test_keys_may_be_read_over_plain_http_from_this_machine() -> None:
    assert Authenticator(settings(customer_jwks_url="http://127.0.0.1:8080/jwks"))


@pytest.mark.parametrize("realm_name", ["customer", "console"])
def test_a_realm_takes_tokens_for_named_applications_alone(realm_name: str) -> None:
    with pytest.raises(
        SettingsError, match=f"set HUB_{realm_name.upper()}_AUDIENCES or HUB_{realm_name.upper()}_PARTIES"
    ):
        Authenticator(settings(**{f"{realm_name}_parties": ()}))
    assert Authenticator(settings(**{f"{realm_name}_parties": (), f"{realm_name}_audiences": ("hub",)}))


def test_on_one_machine_the_issuer_serves_nothing_else() -> None:
    assert Authenticator(settings(customer_jwks_url="http://127.0.0.1:8080/jwks", customer_parties=()))


def test_one_issuer_for_both_realms_is_refused() -> None:
    with pytest.raises(SettingsError, match="HUB_CUSTOMER_ISSUER and HUB_CONSOLE_ISSUER are one issuer"):
        Authenticator(settings(console_issuer=ISSUER))


@pytest.mark.parametrize("header", [{"typ": "id_token"}, {"typ": "logout+jwt"}, {"cat": "cl_B7d4PD222AAA"}])
def test_what_the_issuer_signs_for_another_use_is_refused(header: dict[str, Any]) -> None:
    token = jwt.encode(claims(), KEY, algorithm="RS256", headers={"kid": "k1", **header})
    with pytest.raises(NotAuthenticated, match=r"access token|template"):
        realm().verify(token)


@pytest.mark.parametrize("header", [{}, {"typ": "at+jwt"}, {"cat": "cl_B7d4PD111AAA"}])
@pytest.mark.parametrize("said", [{}, {"sts": "active"}, {"typ": "Bearer"}, {"token_use": "access"}])
def test_an_access_token_or_a_sessions_passes(header: dict[str, Any], said: dict[str, Any]) -> None:
    token = jwt.encode(claims(**said), KEY, algorithm="RS256", headers={"kid": "k1", **header})
    assert realm().verify(token)["sub"] == "user_1"
