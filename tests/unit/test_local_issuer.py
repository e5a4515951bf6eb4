"""The local token issuer: claims of each principal, keys of each realm, slugs."""

import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local_stack.errors import LocalError
from local_stack.issuer import Realm, TokenIssuer, check_slug


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    return TokenIssuer("http://127.0.0.1:1", tmp_path_factory.mktemp("state") / "keys")


def verified(issuer: TokenIssuer, realm: Realm, token: str, **options: Any) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(issuer.jwks(realm))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], issuer=issuer.issuer(realm), **options)
    return claims


def test_a_user_token_carries_the_organization_and_who_it_is(issuer: TokenIssuer) -> None:
    claims = verified(issuer, Realm.CUSTOMER, issuer.user("acme-labs"))
    assert claims["o"] == {"id": "org_acme-labs", "slg": "acme-labs", "rol": "admin"}
    assert (claims["sub"], claims["email"], claims["org_name"]) == (
        "user_acme-labs",
        "user@acme-labs.example",
        "Acme Labs",
    )
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] == claims["iat"]
    assert claims["azp"] == "hub"


def test_a_machine_token_has_a_machine_s_subject_and_no_email(issuer: TokenIssuer) -> None:
    claims = verified(issuer, Realm.CUSTOMER, issuer.machine("acme"))
    assert claims["sub"] == "mch_acme"
    assert "email" not in claims


def test_the_organization_can_be_left_out(issuer: TokenIssuer) -> None:
    claims = verified(issuer, Realm.CUSTOMER, issuer.user("acme", organization=False))
    assert "o" not in claims
    assert "org_name" not in claims


def test_a_console_machine_token_names_its_token_and_scopes(issuer: TokenIssuer) -> None:
    claims = verified(issuer, Realm.CONSOLE, issuer.console_machine())
    assert claims["sub"].startswith("mch_")
    assert claims["jti"].startswith("mt_")
    assert claims["scopes"]


def test_a_console_user_token_is_a_person_s(issuer: TokenIssuer) -> None:
    assert verified(issuer, Realm.CONSOLE, issuer.console_user())["sub"].startswith("user_")


def test_a_service_account_token_is_for_its_audience_alone(issuer: TokenIssuer) -> None:
    token = issuer.service_account("tasks@x", "http://target/run")
    assert verified(issuer, Realm.GOOGLE, token, audience="http://target/run")["email"] == "tasks@x"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(issuer, Realm.GOOGLE, token, audience="http://other/")


def test_no_realm_s_key_verifies_another_s_token(issuer: TokenIssuer) -> None:
    key_ids = {key["kid"] for realm in Realm for key in issuer.jwks(realm)["keys"]}
    assert len(key_ids) == len(Realm)
    with pytest.raises(KeyError):
        verified(issuer, Realm.CONSOLE, issuer.user("acme"))


def test_a_lifetime_below_zero_has_expired_already(issuer: TokenIssuer) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(issuer, Realm.CUSTOMER, issuer.user("acme", lifetime=-10))


def test_the_published_keys_hold_nothing_private(issuer: TokenIssuer) -> None:
    for realm in Realm:
        (key,) = issuer.jwks(realm)["keys"]
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}


def test_keys_are_kept_for_this_user_alone_and_used_again(issuer: TokenIssuer) -> None:
    token = issuer.user("acme")
    file = issuer.keys_dir / "customer.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    copied = issuer.keys_dir.parent / "copied"
    copied.mkdir()
    (copied / file.name).write_bytes(file.read_bytes())
    assert verified(TokenIssuer(issuer.url, copied), Realm.CUSTOMER, token)["sub"] == "user_acme"


def test_a_file_that_holds_no_rsa_key_is_named(tmp_path: Path) -> None:

    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "console.pem").write_bytes(other)
    with pytest.raises(LocalError, match=r"console\.pem holds no RSA key: delete it"):
        TokenIssuer("http://x", tmp_path).console_user()


@pytest.mark.parametrize("slug", ["a", "acme", "a-b", "0", "a1-2b", "x" * 63])
def test_slugs_of_lower_case_letters_digits_and_inner_hyphens_are_taken(slug: str) -> None:
    assert check_slug(slug) == slug


@pytest.mark.parametrize("slug", ["", "Acme", "-a", "a-", "a_b", "a b", "a/b", "ä", "a\n", "x" * 64])
def test_other_slugs_are_refused_with_the_rule(slug: str) -> None:
    with pytest.raises(LocalError, match="lower-case letters, digits and hyphens"):
        check_slug(slug)
