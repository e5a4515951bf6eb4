"""Cases of operations."""

from tests.e2e.cases.kinds import SHOP, Refused, Step

_MACHINE = "console_machine"

REFUSED = [
    *[
        Refused(method, f"/ops/dead-letter/{letter}{suffix}", 404, "there is no dead letter")
        for letter in ("none", "__x__", ".", "%2E%2E", "x" * 1501, "%00", "%F0%9F%92%A9" * 400)
        for method, suffix in (("GET", ""), ("DELETE", ""), ("POST", "/retry"))
        if not (letter == "." and not suffix)
    ],
    Refused("POST", "/console/dead-letter/none/retry", 404, "there is no dead letter", _MACHINE),
    Refused("POST", "/console/dead-letter/unkept/retry", 409, "was not kept", _MACHINE),
    Refused("DELETE", "/console/dead-letter/none", 404, "there is no dead letter", _MACHINE),
    Refused("GET", f"/ops/dead-letter?provider={'x' * 201}", 422, loc=("query", "provider")),
    Refused("GET", "/console/audit?action=x", 422, who=_MACHINE, loc=("query", "action")),
    Refused("GET", "/console/audit?since=2026-03-01", 422, who=_MACHINE, loc=("query", "since")),
    Refused("GET", "/console/audit?limit=201", 422, who=_MACHINE, loc=("query", "limit")),
    Refused("GET", "/console/audit?page_token=x", 422, who=_MACHINE, loc=("query", "page_token")),
    Refused(
        "GET", f"/console/audit?page_token={'0' * 26}", 422, "is gone", _MACHINE, loc=("query", "page_token"), rule=True
    ),
    Refused("DELETE", "/ops/dead-letter", 422, "name a provider", loc=("query", "provider"), rule=True),
]
STEPS = [
    Step("GET", "/health", shows={"status": "ok"}),
    Step("GET", "/openapi.json", shows={"openapi": "3.1.0"}),
    Step("GET", "/docs"),
    Step("GET", "/console/audit?organization=org_shop&limit=1", shows={"organization_id": "org_shop"}, who=_MACHINE),
    Step("GET", "/console/dead-letter", shows={"attempt_count": 10}, who=_MACHINE),
    Step("POST", "/console/dead-letter/platform-1/retry", 204, who=_MACHINE),
    Step("DELETE", "/console/dead-letter/platform-2", 204, who=_MACHINE),
    Step("GET", "/organizations/me/audit?limit=1", shows={"organization_id": "org_shop"}),
    Step("GET", "/ops/dead-letter", shows={"attempt_count": 10, "event_type": "INSTALL_REQUESTED"}),
    Step("GET", "/ops/dead-letter/one", shows={"provider": SHOP.canonical}),
    Step("POST", "/ops/dead-letter/one/retry", 204),
    Step("DELETE", "/ops/dead-letter/two", 204),
    Step("DELETE", f"/ops/dead-letter?provider={SHOP}x", shows={"deleted_count": 1}),
    Step("POST", "/ops/dead-letter/retry-all", shows={"retried_count": 1}),
    Step("DELETE", "/ops/dead-letter?all=true", shows={"deleted_count": 0}),
]
