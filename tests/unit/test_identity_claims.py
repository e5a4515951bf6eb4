"""Verified claims become principals, or are refused."""

from typing import Any

import pytest

from provider_hub.adapters.identity.claims import console_principal, customer_principal
from provider_hub.adapters.identity.realm import VerifiedClaims
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.identity import ConsoleMachine, ConsoleUser, Machine, OrganizationClaims, User


def claims(**given: Any) -> VerifiedClaims:
    return VerifiedClaims(given)


def test_a_user_speaks_for_the_organization_of_the_nested_claim() -> None:
    principal = customer_principal(
        claims(
            sub="user_1",
            email="ann@acme.example",
            o={"id": "org_1", "slg": "acme", "rol": "admin"},
            org_name="Acme",
        )
    )
    organization = OrganizationClaims("org_1", "acme", role="admin", name="Acme")
    assert principal == User("user_1", email="ann@acme.example", organization=organization)


def test_a_machine_speaks_for_the_organization_of_the_flat_claims() -> None:
    principal = customer_principal(claims(sub="mch_1", org_id="org_1", org_slug="acme", org_role="org:member"))
    assert principal == Machine("mch_1", organization=OrganizationClaims("org_1", "acme", role="member"))


def test_both_forms_of_the_organization_may_say_the_same() -> None:
    nested = {"id": "org_1", "slg": "acme", "rol": "admin"}
    principal = customer_principal(claims(sub="user_1", o=nested, org_id="org_1", org_role="org:admin"))
    assert principal.organization == OrganizationClaims("org_1", "acme", role="admin")


@pytest.mark.parametrize("flat", [{"org_id": "org_2"}, {"org_slug": "other"}, {"org_role": "org:member"}])
def test_two_organizations_in_one_token_are_refused(flat: dict[str, str]) -> None:
    nested = {"id": "org_1", "slg": "acme", "rol": "admin"}
    with pytest.raises(NotAuthenticated, match="disagree"):
        customer_principal(claims(sub="mch_1", o=nested, **flat))


@pytest.mark.parametrize("absent", [{}, {"o": None}, {"o": {}}, {"org_id": None, "org_slug": None, "org_role": None}])
def test_a_token_without_an_organization_is_a_principal_without_one(absent: dict[str, Any]) -> None:
    assert customer_principal(claims(sub="user_1", **absent)) == User("user_1")


@pytest.mark.parametrize(
    "sub", ["", "user_", "mch_", "org_1", "user", "svc_1", "USER_1", "user_a/b", "user_1\n", "xuser_1"]
)
def test_a_subject_of_neither_form_is_refused_in_both_realms(sub: str) -> None:
    for principal in (customer_principal, console_principal):
        with pytest.raises(NotAuthenticated, match=r"neither user_… nor mch_…"):
            principal(claims(sub=sub, jti="mt_1"))


@pytest.mark.parametrize(
    "broken",
    [
        {"o": "org_1"},
        {"o": ["org_1"]},
        {"o": {"id": "org_1"}},
        {"o": {"slg": "acme"}},
        {"o": {"id": 7, "slg": "acme"}},
        {"o": {"id": "org/1", "slg": "acme"}},
        {"o": {"id": "..", "slg": "acme"}},
        {"org_id": "org_1", "org_slug": "../acme"},
        {"org_id": "__org__", "org_slug": "acme"},
        {"org_id": "org_1", "org_slug": "acme", "org_name": 7},
        {"email": ["ann@acme.example"]},
    ],
)
def test_an_organization_or_email_that_cannot_be_one_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        customer_principal(claims(sub="user_1", **broken))


def test_a_console_user_is_known_by_the_subject_alone() -> None:
    assert console_principal(claims(sub="user_9")) == ConsoleUser("user_9")


@pytest.mark.parametrize("scopes", [["publish", "read"], "publish read"])
def test_a_console_machine_carries_its_token_id_and_scopes(scopes: object) -> None:
    principal = console_principal(claims(sub="mch_9", jti="mt_3", scopes=scopes))
    assert principal == ConsoleMachine("mch_9", token_id="mt_3", scopes=("publish", "read"))


def test_a_console_machine_without_scopes_has_none() -> None:
    assert console_principal(claims(sub="mch_9", jti="mt_3")) == ConsoleMachine("mch_9", token_id="mt_3")


@pytest.mark.parametrize(
    "broken", [{}, {"jti": "x_3"}, {"jti": "mt_"}, {"jti": "mt_3", "scopes": 7}, {"jti": "mt_3", "scopes": [7]}]
)
def test_a_console_machine_without_a_machine_token_id_or_with_odd_scopes_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        console_principal(claims(sub="mch_9", **broken))
