"""Cases of trusted publishers and their tokens."""

from typing import Any

from local_stack.ci_runner import CiRun
from tests.e2e.cases.kinds import SHOP, Refused, Step
from tests.integration.tenants import Tenants

KNOWN_ID = "01JGFJJZ00000000000000000P"
_SHOPS = f"/providers/{SHOP}/publishers"
_ACMES = "/providers/acme/weather/publishers"
_OTHERS = "/providers/other/secret/publishers"
_NOBODYS = "/providers/Acme/Weather/publishers"
_MINT = "/_/oidc/mint-token"
_FORMER_MINT = "/_/oidc/github/mint-token"
_POLICY = "/organizations/me/publishing"
_WISH = {"platform": "github", "repository": "shop/weather", "workflow": "release.yml"}
_ONLY = {"secretless_only": True}


def _ci_token(tenants: Tenants) -> dict[str, Any]:
    stack: Any = tenants.deployed
    return {"token": tenants.issuer.ci_token(CiRun("shop/weather").claims(), stack.stack.info.project)}


REFUSED = [
    Refused("GET", _OTHERS, 403, "your organization publishes under acme/"),
    Refused("POST", _OTHERS, 403, "your organization publishes under acme/", body=_WISH),
    Refused("PATCH", _OTHERS, 403, "your organization publishes under acme/", body=_ONLY),
    Refused("DELETE", f"{_OTHERS}/{KNOWN_ID}", 403, "your organization publishes under acme/"),
    Refused("GET", _NOBODYS, 404, "there is no provider"),
    Refused("POST", _NOBODYS, 404, "there is no provider", body=_WISH),
    Refused("PATCH", _NOBODYS, 404, "there is no provider", body=_ONLY),
    Refused("DELETE", f"{_ACMES}/{KNOWN_ID}", 404, "acme/weather has no publisher"),
    Refused("DELETE", f"{_ACMES}/x", 404, "acme/weather has no publisher"),
    Refused("POST", _ACMES, 409, "publisher of acme/weather already", body={**_WISH, "repository": "acme/weather"}),
    *[
        Refused("POST", _ACMES, 422, body={**_WISH, name: value}, loc=("body", name))
        for name, value in [
            ("platform", "jenkins"),
            ("repository", "weather"),
            ("repository", "shop/we ather"),
            ("workflow", "release.sh"),
            ("workflow", "../../release.yml\n"),
            ("ref", "main"),
            ("repository_id", "a"),
            ("environment", "a'b"),
        ]
    ],
    Refused("PATCH", _ACMES, 422, body={}, loc=("body",)),
    Refused("PATCH", _ACMES, 422, body={"attested_only": "perhaps"}, loc=("body", "attested_only")),
    Refused("PATCH", _POLICY, 422, body={"secretless_only": "perhaps"}, loc=("body", "secretless_only")),
    Refused("POST", _MINT, 422, who=None, body={}, loc=("body", "token")),
    Refused("POST", _MINT, 422, who=None, body={"token": "x" * 20_000}, loc=("body", "token")),
    Refused("POST", _MINT, 422, who=None, body={"token": "x", "provider": "x"}, loc=("body", "provider")),
    Refused("POST", _MINT, 422, who=None, body={"token": "x", "name": "x" * 201}, loc=("body", "name")),
    Refused("POST", _FORMER_MINT, 422, who=None, body={}, loc=("body", "token")),
    Refused("POST", "/_/oidc/burn-token", 422, who=None, body={"token": 1}, loc=("body", "token")),
]
STEPS = [
    Step("POST", _SHOPS, 201, {"repository": "shop/weather", "last_used_at": None}, _WISH),
    Step("GET", _SHOPS, shows={"id": KNOWN_ID}),
    Step("GET", "/_/oidc/audience"),
    Step("POST", _MINT, shows={"success": True, "provider": SHOP.canonical}, body=_ci_token),
    Step("POST", _FORMER_MINT, shows={"success": True, "provider": SHOP.canonical}, body=_ci_token),
    Step("POST", "/_/oidc/burn-token", 202, {"message": "Accepted"}, {"token": "hubpub_gone"}),
    Step("DELETE", f"{_SHOPS}/{KNOWN_ID}", 204),
    Step("PATCH", _SHOPS, body={"secretless_only": False}),
    Step("PATCH", _POLICY, shows={"secretless_only": False}, body={"secretless_only": False}),
    Step("GET", _POLICY, shows={"secretless_only": False}),
]
