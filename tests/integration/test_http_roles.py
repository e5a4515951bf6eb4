"""Every route of a tenant refuses whoever may not call it before it looks at anything else, and nobody besides."""

import pytest
from tests.integration.tenants import Tenants

from provider_hub.domain.roles import ROLES, Right
from provider_hub.http.route import Access, Route
from provider_hub.http.table import ROUTES

TENANTS = [route for route in ROUTES if route.access is Access.TENANT]
PLACES = {
    "{org}": "acme",
    "{prefix}": "acme",
    "{name}": "nothing",
    "{version}": "9.9.9",
    "{id}": "none",
    "{organization_id}": "org_acme",
}


def path_of(route: Route) -> str:
    return "/" + "/".join(PLACES.get(segment, segment) for segment in route.segments)


def test_each_route_is_refused_to_the_roles_and_scopes_below_its_right(tenants: Tenants) -> None:
    for route in TENANTS:
        for role, right in ROLES.items():
            person = tenants.token(org_id="org_acme", org_slug="acme", org_role=f"org:{role}")
            machine = tenants.token(sub="mch_1", org_id="org_acme", org_slug="acme", scopes=[f"hub:{right}"])
            for token in (person, machine):
                answer = tenants.deployed.call(route.method, path_of(route), token)
                refused = answer.status_code == 403 and "takes the right to" in answer.json["detail"]
                assert refused is not right.includes(route.right), (route.name, role)


@pytest.mark.parametrize(
    "claims", [{}, {"org_role": "org:admin"}, {"sub": "mch_1"}, {"sub": "mch_1", "scopes": ["mch_2"]}]
)
def test_tokens_as_they_were_before_there_were_roles_may_do_everything(
    tenants: Tenants, claims: dict[str, object]
) -> None:
    token = tenants.token(org_id="org_acme", org_slug="acme", **claims)
    answer = tenants.deployed.call("DELETE", "/providers/acme/nothing", token)
    assert answer.status_code == 404


def test_a_refusal_names_the_rights(tenants: Tenants) -> None:
    token = tenants.token(org_id="org_acme", org_slug="acme", org_role="org:member")
    answer = tenants.deployed.call("POST", "/provider-versions", token, body={})
    assert answer.status_code == 403
    assert answer.json == {"detail": f"the token may only {Right.READ}, and this takes the right to {Right.PUBLISH}"}
