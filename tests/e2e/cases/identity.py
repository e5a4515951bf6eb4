"""Cases of identity."""

from tests.e2e.cases.kinds import Refused, Step

_LEAVER = "/console/organizations/org_leaver"
_GONE = "/console/organizations/org_gone"
_OTHER = "/console/organizations/org_other"
_MACHINE = "console_machine"
_REASON = {"reason": "its tokens were stolen"}
_REQUIRED = "/organizations/me/provenance"
_OF_PROVIDER = f"{_REQUIRED}/acme/weather"
_RULE = {"issuer": "https://gitlab.com", "repository": "acme/*"}

REFUSED = [
    Refused("GET", "/organizations/org_other", 404, "there is no organization org_other"),
    Refused("GET", "/organizations/org_other/audit", 404, "there is no organization org_other"),
    Refused("GET", "/organizations/me/audit?action=x", 422, loc=("query", "action")),
    Refused("GET", "/organizations/me/audit?limit=0", 422, loc=("query", "limit")),
    *[
        Refused("POST", f"/console/organizations/{named}/{verb}", 404, "there is no organization", _MACHINE, body)
        for named in ("org_none", "__x__", "a%20b")
        for verb, body in (("suspend", _REASON), ("resume", None), ("release-slug", None))
    ],
    *[
        Refused(method, f"/console/organizations/{named}", 404, "there is no organization", _MACHINE, body)
        for named in ("org_none", "__x__", "a%20b")
        for method, body in (("GET", None), ("PATCH", {"allowed_bytes": None}))
    ],
    *[
        Refused("PATCH", _OTHER, 422, who=_MACHINE, body=body, loc=("body", "allowed_bytes"))
        for body in ({}, {"allowed_bytes": -1}, {"allowed_bytes": 2**60}, {"allowed_bytes": "x"})
    ],
    Refused("POST", f"{_OTHER}/suspend", 422, who=_MACHINE, body={}, loc=("body", "reason")),
    Refused("POST", f"{_OTHER}/release-slug", 409, "is active: suspend it first", _MACHINE),
    *[
        Refused("PATCH", path, 422, body={"require_provenance": {**_RULE, field: value}}, loc=("body", *where))
        for path in (_REQUIRED, _OF_PROVIDER)
        for field, value in (("issuer", "gitlab.com"), ("repository", "acme/[a-z]"), ("ref", "main"))
        for where in [("require_provenance", field)]
    ],
    Refused("PATCH", _REQUIRED, 422, body={}, loc=("body", "require_provenance")),
    Refused("PATCH", f"{_REQUIRED}/Acme/weather", 404, "there is no provider", body={"require_provenance": None}),
    Refused("DELETE", f"{_REQUIRED}/Acme/weather", 404, "there is no provider"),
    Refused("DELETE", _OF_PROVIDER, 404, "no rule of its own for acme/weather"),
]
STEPS = [
    Step("GET", "/auth/me", shows={"organization_id": "org_shop"}),
    Step("GET", "/organizations", shows={"slug": "shop", "status": "active"}),
    Step("GET", "/organizations/me", shows={"organization_id": "org_shop"}),
    Step("GET", "/organizations/me/status", shows={"status": "ready"}),
    Step("GET", "/organizations/org_shop", shows={"slug": "shop"}),
    Step("GET", "/console/whoami", shows={"kind": "console_user", "machine_id": None}, who="console_user"),
    Step("GET", "/console/whoami", shows={"kind": "console_machine", "user_id": None}, who="console_machine"),
    Step("GET", "/organizations/me", shows={"slug": "leaver"}, who="leaver"),
    Step("PATCH", _OF_PROVIDER, body={"require_provenance": _RULE}),
    Step("GET", _REQUIRED, shows={"require_provenance": None}),
    Step("DELETE", _OF_PROVIDER, shows={"providers": []}),
    Step("PATCH", _REQUIRED, shows={"require_provenance": None}, body={"require_provenance": None}),
    Step(
        "PATCH", _LEAVER, shows={"stored_bytes_limit": 5, "allowed_bytes": 5}, body={"allowed_bytes": 5}, who=_MACHINE
    ),
    Step("GET", _LEAVER, shows={"stored_bytes": 0, "allowed_bytes": 5}, who=_MACHINE),
    Step("PATCH", _LEAVER, shows={"allowed_bytes": None}, body={"allowed_bytes": None}, who=_MACHINE),
    Step("POST", f"{_LEAVER}/suspend", shows={"status": "suspended"}, body=_REASON, who=_MACHINE),
    Step("POST", f"{_LEAVER}/resume", shows={"status": "active"}, who=_MACHINE),
    Step("POST", f"{_GONE}/release-slug", shows={"status": "suspended"}, who=_MACHINE),
    Step("POST", f"{_GONE}/resume", shows={"status": "active"}, who=_MACHINE),
]
