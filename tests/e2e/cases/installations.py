"""Cases of installations."""

from typing import Any

from tests.e2e.cases.kinds import SHOP, WEATHER, Refused, Step

CONFIG_64K = {f"K{number}": "x" * 1024 for number in range(32)}
LEAVING = "/providers/installed/acme/leaving"
UNKNOWN = "/providers/installed/acme/unknown"
OTHERS = "/providers/installed/other/secret"
_INSTALLED = f"/providers/installed/{SHOP}"
_KEY = {"Idempotency-Key": "one install"}
_WISH = {"provider_name": SHOP.canonical, "version": "1.0.0", "resource_tier": "free", "config": {"STATIONS": "3"}}
_PENDING = {"canonical": SHOP.canonical, "lifecycle_state": "pending", "current_version": None, "generation": 1}


def install(**body: Any) -> dict[str, Any]:
    """The body of an install."""
    return {"provider_name": "acme/radio", **body}


def _settled(version: str) -> Step:
    shows = {"lifecycle_state": "ready", "current_version": version, "installed_version": version}
    return Step("GET", _INSTALLED, shows=shows, until=True)


REFUSED = [
    Refused("GET", "/providers/installed", 403, "none of the reserved words", "misnamed"),
    *[
        Refused(method, path + suffix, 404, "is not installed", body=body)
        for path in (UNKNOWN, OTHERS)
        for method, suffix, body in [
            ("GET", "", None),
            ("PATCH", "", {"resource_tier": "free"}),
            ("DELETE", "", None),
            ("POST", "/upgrade", {}),
            ("POST", "/downgrade", {"target_version": "0.1.0"}),
            ("POST", "/deploy", {}),
            ("POST", "/rollback", None),
            ("GET", "/deployment", None),
            ("GET", "/events", None),
            ("GET", "/logs", None),
        ]
    ],
    Refused("GET", "/providers/installed/acme/weather", 404, "is not installed", "other"),
    Refused("GET", "/providers/installed/Acme/Weather", 404, "there is no provider"),
    Refused("GET", "/providers/installed/acme/%00", 404, "there is no provider"),
    Refused("GET", f"/providers/installed/acme/{'x' * 1500}", 404, "there is no provider"),
    Refused(
        "POST", "/providers/install", 404, "there is no provider acme/none", body=install(provider_name="acme/none")
    ),
    Refused("POST", "/providers/install", 404, "there is no provider", body=install(provider_name="other/secret")),
    Refused("POST", "/providers/install", 404, "no published version", body=install(provider_name="acme/empty")),
    Refused("POST", "/providers/install", 404, "acme/radio has no version 9.9.9", body=install(version="9.9.9")),
    Refused("POST", f"{WEATHER}/upgrade", 404, "acme/weather has no version 9.9.9", body={"version": "9.9.9"}),
    Refused("POST", f"{WEATHER}/downgrade", 404, "has no version 0.0.1", body={"target_version": "0.0.1"}),
    Refused("POST", f"{WEATHER}/deploy", 404, "has no version 9.9.9", body={"version": "9.9.9"}),
    Refused(
        "POST", "/providers/install", 409, "installed already, at 1.1.0", body=install(provider_name="acme/weather")
    ),
    Refused("POST", "/providers/install", 409, "still being removed", body=install(provider_name="acme/leaving")),
    Refused("POST", f"{WEATHER}/upgrade", 409, "is on 1.1.0 already", body={"version": "1.1.0"}),
    Refused("POST", f"{WEATHER}/downgrade", 409, "is on 1.1.0 already", body={"target_version": "1.1.0"}),
    *[
        Refused(method, LEAVING + suffix, 409, "is being removed", body=body)
        for method, suffix, body in [
            ("PATCH", "", {"resource_tier": "free"}),
            ("DELETE", "", None),
            ("DELETE", "?cascade=true", None),
            ("POST", "/upgrade", {}),
            ("POST", "/downgrade", {"target_version": "0.1.0"}),
            ("POST", "/deploy", {}),
            ("POST", "/rollback", None),
        ]
    ],
    Refused("DELETE", "/providers/installed/acme/busy", 409, "still manages 3 resources"),
    Refused("DELETE", "/providers/installed/acme/busy?cascade=false", 409, "cascade=true"),
    *[
        Refused("POST", "/providers/install", 422, body=install(**{name: value}), loc=("body", *where))
        for name, value, where in [
            ("provider_name", None, ["provider_name"]),
            ("provider_name", "", ["provider_name"]),
            ("provider_name", "weather", ["provider_name"]),
            ("provider_name", "Acme/Weather", ["provider_name"]),
            ("provider_name", "acme/wea\0ther", ["provider_name"]),
            ("provider_name", "acme/" + "x" * 196, ["provider_name"]),
            ("provider_name", ["acme/weather"], ["provider_name"]),
            ("provider_name", 10**400, ["provider_name"]),
            ("version", "1.0", ["version"]),
            ("version", "v1.0.0", ["version"]),
            ("version", "", ["version"]),
            ("version", 1.0, ["version"]),
            ("version", "1.0.0-" + "a" * 200, ["version"]),
            ("version", "1.0.0\n", ["version"]),
            ("resource_tier", "huge", ["resource_tier"]),
            ("upgrade_policy", "sometimes", ["upgrade_policy"]),
            ("config", [], ["config"]),
            ("config", {"KEY": 1}, ["config", "KEY"]),
            ("config", {"KEY": None}, ["config", "KEY"]),
            ("config", {"KEY": "a\0b"}, ["config", "KEY"]),
            ("config", {"": "x"}, ["config"]),
            ("config", {"1KEY": "x"}, ["config"]),
            ("config", {"A-B": "x"}, ["config"]),
            ("config", {"A\n": "x"}, ["config"]),
            ("config", {"Ä": "x"}, ["config"]),
            ("config", {"A" * 254: "x"}, ["config"]),
            ("config", {"A" * 1501: "x"}, ["config"]),
            ("config", {f"K{number}": "x" for number in range(65)}, ["config"]),
            ("config", CONFIG_64K, ["config"]),
        ]
    ],
    Refused("POST", "/providers/install", 422, loc=("body",)),
    Refused("POST", "/providers/install", 422, raw=b"   ", loc=("body",)),
    Refused("POST", "/providers/install", 422, raw=b'{"provider_name": "\\ud800/x"}', loc=("body",)),
    Refused("POST", "/providers/install", 422, raw=b'{"provider_name": "acme/radio", "x": 1e', loc=("body",)),
    *[
        Refused("POST", path, 422, sentence, body=body, loc=("body", list(body)[-1]), rule=True)
        for path, body, sentence in [
            ("/providers/install", install(config={"PRAGMA_TOKEN": "x"}), "is reserved"),
            ("/providers/install", install(config={"PATH": "x"}), "is reserved"),
            ("/providers/install", install(version="2.0.0"), "was yanked"),
            ("/providers/install", install(version="3.0.0"), "is building"),
            (f"{WEATHER}/upgrade", {"version": "1.3.0"}, "was yanked"),
            (f"{WEATHER}/upgrade", {"version": "1.4.0"}, "is building"),
            (f"{WEATHER}/upgrade", {"version": "1.0.0"}, "use downgrade"),
            (f"{WEATHER}/deploy", {"version": "1.3.0"}, "was yanked"),
            (f"{WEATHER}/downgrade", {"target_version": "1.2.0"}, "use upgrade"),
        ]
    ],
    Refused("POST", f"{WEATHER}/upgrade", 422, body={"version": "new"}, loc=("body", "version")),
    Refused("POST", f"{WEATHER}/downgrade", 422, loc=("body",)),
    Refused("POST", f"{WEATHER}/downgrade", 422, body={}, loc=("body", "target_version")),
    Refused("PATCH", WEATHER, 422, body={"resource_tier": "x"}, loc=("body", "resource_tier")),
    Refused("PATCH", WEATHER, 422, "is reserved", body={"config": {"PATH": "x"}}, loc=("body", "config"), rule=True),
    Refused("PATCH", WEATHER, 422, body={"rollback_on_failure": "maybe"}, loc=("body", "rollback_on_failure")),
    Refused("DELETE", f"{WEATHER}?cascade=perhaps", 422, loc=("query", "cascade")),
    Refused("GET", f"{WEATHER}/events?limit=0", 422, loc=("query", "limit")),
    Refused("GET", f"{WEATHER}/events?limit=1e9", 422, loc=("query", "limit")),
    Refused("GET", f"{WEATHER}/events?page_token=x", 422, loc=("query", "page_token")),
    Refused("GET", f"{WEATHER}/logs?since=0001-01-01T00:00:00%2B14:00", 422, "nor a cursor", loc=("query", "since")),
    Refused("GET", f"{WEATHER}/logs?since=10m", 422, "nor a cursor", loc=("query", "since")),
    Refused("GET", f"{WEATHER}/logs?limit=5001", 422, loc=("query", "limit")),
    Refused("GET", f"{WEATHER}/logs?previous=perhaps", 422, loc=("query", "previous")),
    Refused("POST", "/providers/install", 429, "has 10 installations", "full", {"provider_name": "platform/cloud"}),
]
STEPS = [
    Step("POST", "/providers/install", 201, _PENDING, _WISH, headers=_KEY),
    Step("POST", "/providers/install", 201, _PENDING, _WISH, headers=_KEY),
    Step("POST", "/providers/install", 422, body={**_WISH, "version": "1.1.0"}, headers=_KEY),
    Step("GET", "/providers/installed", shows={"canonical": SHOP.canonical}),
    _settled("1.0.0"),
    Step("PATCH", _INSTALLED, shows={"config": {"STATIONS": "4"}}, body={"config": {"STATIONS": "4"}}),
    _settled("1.0.0"),
    Step("POST", f"{_INSTALLED}/upgrade", shows={"lifecycle_state": "pending", "installed_version": "1.1.0"}),
    _settled("1.1.0"),
    Step("POST", f"{_INSTALLED}/downgrade", shows={"installed_version": "1.0.0"}, body={"target_version": "1.0.0"}),
    _settled("1.0.0"),
    Step("POST", f"{_INSTALLED}/deploy", shows={"deployment_name": SHOP.object_name}),
    _settled("1.0.0"),
    Step("POST", f"{_INSTALLED}/upgrade", shows={"installed_version": "1.1.0"}),
    Step("POST", f"{_INSTALLED}/rollback", shows={"lifecycle_state": "pending", "installed_version": "1.0.0"}),
    _settled("1.0.0"),
    Step("GET", f"{_INSTALLED}/deployment", shows={"status": "available", "version": "1.0.0"}, until=True),
    Step("GET", f"{_INSTALLED}/events?limit=1", shows={"event": "check-in", "to_state": "ready", "generation": 7}),
    Step("GET", f"{_INSTALLED}/logs?limit=5"),
    Step("GET", _INSTALLED, 304, headers={"If-None-Match": "*"}),
    Step("DELETE", f"{_INSTALLED}?cascade=true", 202, {"lifecycle_state": "deleting"}),
    Step("GET", _INSTALLED, 404, until=True),
]
