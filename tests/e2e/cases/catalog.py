"""Cases of the catalog."""

from provider_hub.domain.rollout import RolloutState
from provider_hub.http.package_index import SIMPLE_JSON
from tests.e2e.cases.kinds import SHOP, Refused, Stands, Step

_YANK = f"/providers/{SHOP}/versions/1.1.0/yank"
_ROLLOUT = f"/providers/{SHOP}/rollouts/1.1.0"
_MACHINE = "console_machine"
_AS_JSON = {"Accept": SIMPLE_JSON}
_INDEX_META = {"api-version": "1.3"}
_FILE = f"/simple/files/{SHOP}/1.0.0/weather_provider-1.0.0-py3-none-any.whl"

REFUSED = [
    Refused("GET", "/providers/platform/cloud/rollouts", 403, "only its author"),
    Refused("POST", "/providers/platform/cloud/rollouts/1.0.0/pause", 403, "only its author"),
    Refused("POST", "/providers/platform/cloud/rollouts/1.0.0/resume", 403, "only its author"),
    Refused("PATCH", "/providers/platform/cloud", 403, "only its author", body={"display_name": "Mine"}),
    Refused("DELETE", "/providers/platform/cloud", 403, "only its author"),
    Refused("POST", "/providers/platform/cloud/versions/1.0.0/yank", 403, "only its author"),
    Refused("DELETE", "/providers/platform/cloud/versions/1.0.0/yank", 403, "only its author"),
    *[
        Refused("GET", f"/providers/other/secret{suffix}", 404, "there is no provider other/secret", who)
        for suffix in ("", "/versions", "/versions/1.0.0")
        for who in ("user", None)
    ],
    Refused("GET", "/providers/acme/weather", 404, "there is no provider acme/weather", None),
    Refused("PATCH", "/providers/other/secret", 404, "there is no provider", body={}),
    Refused("DELETE", "/providers/other/secret", 404, "there is no provider"),
    Refused("POST", "/providers/other/secret/versions/1.0.0/yank", 404, "there is no provider"),
    Refused("GET", "/providers/acme/weather/versions/9.9.9", 404, "has no version 9.9.9"),
    Refused("GET", "/providers/acme/weather/versions/latest", 404, "has no version latest"),
    Refused("POST", "/providers/acme/weather/versions/9.9.9/relock", 404, "has no version 9.9.9"),
    Refused("POST", "/providers/other/secret/versions/1.0.0/relock", 404, "there is no provider"),
    Refused("POST", "/providers/platform/cloud/versions/1.0.0/relock", 403, "only its author"),
    Refused("POST", "/providers/acme/weather/versions/1.3.0/relock", 409, "is yanked"),
    Refused("GET", "/providers/acme/weather/versions/1.0.0/lock", 404, "published before there were locks"),
    Refused("GET", "/providers/other/secret/versions/1.0.0/lock", 404, "there is no provider"),
    Refused("GET", "/providers/acme/weather/versions/1.0.0/sbom", 404, "published before there were locks"),
    Refused("GET", "/providers/acme/weather/versions/1.0.0/wheel", 404, "the hub keeps no wheel of acme/weather"),
    Refused("GET", "/providers/other/secret/versions/1.0.0/wheel", 404, "there is no provider"),
    Refused("GET", "/simple/never-published/", 404, "there is no distribution never-published here"),
    Refused("GET", "/simple/org/other/secret/", 404, "there is no distribution secret here"),
    Refused("GET", "/simple/org/install/", 404, "there is no organization install"),
    Refused("GET", "/simple/files/other/secret/1.0.0/secret-1.0.0-py3-none-any.whl", 404, "there is no provider"),
    Refused("GET", "/simple/files/acme/weather/1.0.0/x.whl", 404, "has no file x.whl"),
    Refused("GET", "/integrity/other/secret/1.0.0/x.whl/provenance", 404, "there is no provider"),
    Refused("GET", "/integrity/acme/weather/1.0.0/x.whl/provenance", 404, "has no attestations of a file x.whl"),
    Refused("GET", "/providers/acme/weather/versions/__x__", 404, "has no version __x__"),
    Refused("DELETE", "/providers/acme/radio/versions/2.0.0/yank", 409, "the platform"),
    Refused("POST", "/providers/acme/weather/versions/9.9.9/yank", 404, "has no version 9.9.9"),
    Refused("DELETE", "/providers/acme/weather/versions/nope/yank", 404, "has no version nope"),
    Refused("DELETE", "/providers/other/secret/versions/1.0.0/yank", 404, "there is no provider"),
    Refused("GET", "/providers/other/secret/rollouts", 404, "there is no provider"),
    Refused("POST", "/providers/acme/weather/rollouts/9.9.9/resume", 404, "there is no rollout"),
    Refused("POST", "/providers/acme/weather/rollouts/9.9.9/pause", 404, "there is no rollout"),
    Refused("POST", "/providers/acme/weather/rollouts/1.3.0/pause", 409, "is done: there is nothing to pause"),
    Refused(
        "POST", "/providers/acme/weather/rollouts/1.2.0/resume", 409, "is running, not halted, paused or superseded"
    ),
    Refused("PATCH", "/providers/acme/shared", 409, "stays public", body={"scope": "tenant"}),
    Refused("DELETE", "/providers/acme/weather", 409, "installed 1 times"),
    Refused("GET", f"/providers?limit={'9' * 5000}", 422, loc=("query", "limit")),
    Refused("GET", "/providers?limit=101", 422, loc=("query", "limit")),
    Refused("GET", "/providers?offset=-1", 422, loc=("query", "offset")),
    Refused("GET", "/providers?scope=mine", 422, loc=("query", "scope")),
    Refused("GET", f"/providers?q={'x' * 201}", 422, loc=("query", "q")),
    Refused("GET", "/providers?q=%00", 422, loc=("query", "q")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"display_name": "x" * 101}, loc=("body", "display_name")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"display_name": ""}, loc=("body", "display_name")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"description": "x" * 501}, loc=("body", "description")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"readme": "x" * 50_001}, loc=("body", "readme")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"tags": ["x"] * 21}, loc=("body", "tags")),
    Refused("PATCH", "/providers/acme/weather", 422, body={"icon_url": "x" * 501}, loc=("body", "icon_url")),
    Refused(
        "POST", "/providers/acme/weather/versions/1.0.0/yank", 422, body={"reason": "x" * 501}, loc=("body", "reason")
    ),
    Refused("GET", "/providers/acme/weather/rollouts/1.2.0", 404, "Not Found"),
    *[
        Refused(
            "POST",
            f"/providers/acme/weather/rollouts/{text}/{verb}",
            404,
            f"no rollout of acme/weather {text}",
        )
        for text in ("__x__", "latest", "..x")
        for verb in ("pause", "resume")
    ],
    *[
        Refused(method, f"/console/providers/acme/none{path}", 404, "there is no provider acme/none", _MACHINE, {})
        for method, path in [
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/rollouts"),
            ("POST", "/rollouts/1.0.0/pause"),
            ("POST", "/rollouts/1.0.0/resume"),
            ("POST", "/versions/1.0.0/yank"),
            ("DELETE", "/versions/1.0.0/yank"),
        ]
    ],
    Refused("GET", "/providers/acme/weather/versions?limit=101", 422, loc=("query", "limit")),
    Refused("GET", "/providers/acme/weather/versions?offset=-1", 422, loc=("query", "offset")),
    Refused("PATCH", "/console/providers/acme/shared", 409, "stays public", _MACHINE, {"scope": "tenant"}),
    Refused("PATCH", "/console/providers/platform/cloud", 409, "platform's own", _MACHINE, {"scope": "tenant"}),
    Refused("PATCH", "/console/providers/acme/weather", 422, who=_MACHINE, body={"tags": 1}, loc=("body", "tags")),
    Refused("DELETE", "/console/providers/acme/weather", 409, "installed 1 times", _MACHINE),
    Refused("POST", "/console/providers/acme/weather/rollouts/1.3.0/pause", 409, "is done", _MACHINE),
    Refused("POST", "/console/providers/acme/weather/rollouts/1.2.0/resume", 409, "is running, not halted", _MACHINE),
    Refused(
        "POST",
        "/console/providers/acme/weather/versions/1.0.0/yank",
        422,
        who=_MACHINE,
        body={"reason": "x" * 501},
        loc=("body", "reason"),
    ),
]
STEPS = [
    Step("GET", "/integrity/acme/shared/1.0.0/shared-1.0.0-py3-none-any.whl/provenance", shows={"version": 1}),
    Step("DELETE", "/providers/shop/short-lived", 204),
    Step("DELETE", "/console/providers/shop/harmful", 204, who=_MACHINE),
    Step("GET", "/providers?q=readings&scope=tenant&limit=1", shows={"canonical": SHOP.canonical, "scope": "tenant"}),
    Step("GET", f"/providers/{SHOP}", shows={"latest_version": "1.1.0", "install_count": 0}),
    Step("GET", f"/providers/{SHOP}/versions", shows={"version": "1.1.0", "status": "published"}),
    Step("GET", f"/providers/{SHOP}/versions?limit=1&offset=1", shows={"version": "1.0.0"}),
    Step("GET", f"/providers/{SHOP}/versions/1.0.0", shows={"version": "1.0.0", "package_name": "weather_provider"}),
    Step("GET", f"/providers/{SHOP}/versions/1.0.0/lock"),
    Step("GET", f"/providers/{SHOP}/versions/1.0.0/wheel", 302),
    Step("GET", f"/providers/{SHOP}/versions/1.0.0/sbom", shows={"specVersion": "1.6"}),
    Step("GET", "/simple/", shows={"meta": _INDEX_META}, headers=_AS_JSON),
    Step("GET", "/simple/weather-provider/", shows={"name": "weather-provider", "meta": _INDEX_META}, headers=_AS_JSON),
    Step("GET", "/simple/weather-provider/"),
    Step("GET", "/simple/org/shop/", shows={"meta": _INDEX_META}, headers=_AS_JSON),
    Step("GET", "/simple/org/shop/Weather_Provider/", shows={"name": "weather-provider"}, headers=_AS_JSON),
    Step("GET", f"{_FILE}", 302),
    Step("GET", f"{_FILE}.metadata", 302),
    Step("POST", f"/providers/{SHOP}/versions/1.0.0/relock", 202),
    Step("PATCH", f"/providers/{SHOP}", shows={"readme": "# Weather"}, body={"readme": "# Weather"}),
    Step("GET", f"/providers/{SHOP}/rollouts", shows={"version": "1.1.0", "state": "done"}, until=True),
    Step("POST", _YANK, shows={"status": "yanked"}, body={"reason": "wrong units"}),
    Step("DELETE", _YANK, shows={"status": "published"}),
    # It looks at all installations again, once the sweeper comes by, which rests here.
    Step("GET", f"/console/providers/{SHOP}/rollouts", shows={"version": "1.1.0", "state": "running"}, who=_MACHINE),
    Stands("1.1.0", RolloutState.WAITING),
    Step("POST", f"{_ROLLOUT}/pause", shows={"version": "1.1.0", "state": "paused", "due_at": None}),
    Step("POST", f"{_ROLLOUT}/resume", shows={"version": "1.1.0", "state": "waiting"}),
    Stands("1.1.0", RolloutState.WAITING),
    Step("POST", f"/console{_ROLLOUT}/pause", shows={"state": "paused"}, who=_MACHINE),
    Stands("1.1.0", RolloutState.HALTED),
    Step("POST", f"{_ROLLOUT}/resume", shows={"version": "1.1.0", "state": "running"}),
    Stands("1.1.0", RolloutState.HALTED),
    Step("POST", f"/console{_ROLLOUT}/resume", shows={"state": "running"}, who=_MACHINE),
    Step("POST", f"/console{_YANK}", shows={"status": "yanked"}, body={"reason": "harmful"}, who=_MACHINE),
    Step("DELETE", f"/console{_YANK}", shows={"status": "published"}, who=_MACHINE),
    Step("PATCH", f"/console/providers/{SHOP}", shows={"tags": ["a"]}, body={"tags": ["a"]}, who=_MACHINE),
]
