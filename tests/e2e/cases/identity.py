"""Cases of identity."""

from tests.e2e.cases.kinds import Refused, Step

REFUSED = [
    Refused("GET", "/organizations/org_other", 404, "there is no organization org_other"),
]
STEPS = [
    Step("GET", "/auth/me", shows={"organization_id": "org_shop"}),
    Step("GET", "/organizations", shows={"slug": "shop", "status": "active"}),
    Step("GET", "/organizations/me", shows={"organization_id": "org_shop"}),
    Step("GET", "/organizations/me/status", shows={"status": "ready"}),
    Step("GET", "/organizations/org_shop", shows={"slug": "shop"}),
    Step("GET", "/console/whoami", shows={"kind": "console_user", "machine_id": None}, who="console_user"),
    Step("GET", "/console/whoami", shows={"kind": "console_machine", "user_id": None}, who="console_machine"),
]
