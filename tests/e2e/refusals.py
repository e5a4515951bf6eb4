"""Every refusal of the contract, sections 1 to 6: a request, and the status and sentence that it gets."""

from dataclasses import dataclass, field
from typing import Any

from tests.builders import RUNTIME

CONFIG_64K = {f"K{number}": "x" * 1024 for number in range(32)}
DEEP: dict[str, Any] = {}
for _ in range(190):
    DEEP = {"not": DEEP}

WEATHER = "/providers/installed/acme/weather"
LEAVING = "/providers/installed/acme/leaving"
UNKNOWN = "/providers/installed/acme/unknown"
OTHERS = "/providers/installed/other/secret"
PUBLISH = "/provider-versions"
CONSOLE_PUBLISH = "/console/provider-versions"
WHEEL = "https://wheels.example/weather-2.0.0-py3-none-any.whl"
METADATA = {"display_name": "Weather", "description": "Tells the weather"}
VERSION = {"name": "acme/weather", "version": "2.0.0", "wheel_url": WHEEL, "metadata": METADATA}


@dataclass(frozen=True)
class Refused:
    """A request, and what it gets: `detail` is the sentence, or a part of it; `loc` is where it is invalid.

    `rule` says that the request is of its schema and a rule refuses it: clients then get one sentence to show.
    """

    method: str
    path: str
    status: int
    detail: str = ""
    who: str | None = "user"
    body: Any = None
    loc: tuple[str | int, ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    rule: bool = False

    def __str__(self) -> str:
        told = self.detail[:30] or "/".join(map(str, self.loc or ()))
        return f"{self.method} {self.path[:40]} {self.status} {told}"


def install(**body: Any) -> dict[str, Any]:
    return {"provider_name": "acme/radio", **body}


def publish(**body: Any) -> dict[str, Any]:
    given = {**VERSION, **body}
    return {key: value for key, value in given.items() if value is not ...}


TENANT_ROUTES = [
    ("POST", "/providers/install"),
    ("GET", "/providers/installed"),
    ("GET", WEATHER),
    ("PATCH", WEATHER),
    ("DELETE", WEATHER),
    ("POST", f"{WEATHER}/upgrade"),
    ("POST", f"{WEATHER}/downgrade"),
    ("POST", f"{WEATHER}/deploy"),
    ("GET", f"{WEATHER}/deployment"),
    ("GET", f"{WEATHER}/events"),
    ("POST", PUBLISH),
    ("PATCH", "/providers/acme/weather"),
    ("DELETE", "/providers/acme/weather"),
    ("POST", "/providers/acme/weather/versions/1.0.0/yank"),
    ("DELETE", "/providers/acme/weather/versions/1.0.0/yank"),
    ("GET", "/providers/acme/weather/rollouts"),
    ("POST", "/providers/acme/weather/rollouts/1.2.0/resume"),
    ("GET", "/organizations"),
    ("GET", "/organizations/me"),
    ("GET", "/organizations/me/status"),
    ("GET", "/ops/dead-letter"),
    ("DELETE", "/ops/dead-letter?all=true"),
    ("POST", "/ops/dead-letter/retry-all"),
    ("GET", "/ops/dead-letter/x"),
    ("DELETE", "/ops/dead-letter/x"),
    ("POST", "/ops/dead-letter/x/retry"),
]
CONSOLE_ROUTES = [("POST", CONSOLE_PUBLISH), ("POST", "/console/runtime/versions"), ("GET", "/console/whoami")]
NOBODY = {"detail": "Not authenticated"}

NOT_AUTHENTICATED = [
    *[Refused(method, path, 401, who=None) for method, path in [*TENANT_ROUTES, *CONSOLE_ROUTES]],
    *[Refused(method, path, 401, who=who) for method, path in TENANT_ROUTES for who in ("console_machine", "expired")],
    *[Refused(method, path, 401, who="user") for method, path in CONSOLE_ROUTES],
    Refused("GET", "/auth/me", 401, who="console_user"),
    Refused("GET", "/providers", 401, who="expired"),
    *[
        Refused("GET", f"/providers/acme/weather{suffix}", 401, who=who)
        for suffix in ("", "/versions", "/versions/1.0.0")
        for who in ("console_machine", "expired")
    ],
    *[
        Refused("GET", WEATHER, 401, who=None, headers={"Authorization": value})
        for value in ("Basic dXNlcjpwYXNz", "Bearer", "Bearer x.y.z", "Bearer a b", "garbage")
    ],
]

FORBIDDEN = [
    *[Refused(method, path, 403, "the token names no organization", "homeless") for method, path in TENANT_ROUTES],
    Refused("GET", "/providers/installed", 403, "none of the reserved words", "misnamed"),
    *[
        Refused("GET", path, 403, "belongs to another organization", "squatter")
        for path in (
            "/providers/installed",
            "/providers",
            "/providers/acme/weather",
            "/providers/acme/weather/versions",
            "/providers/acme/weather/versions/1.0.0",
            "/auth/me",
        )
    ],
    Refused("POST", CONSOLE_PUBLISH, 403, "only a console machine", "console_user", publish(name="platform/cloud")),
    Refused("POST", "/console/runtime/versions", 403, "only a console machine", "console_user", {}),
    Refused("POST", PUBLISH, 403, "publishes under acme/", body=publish(name="other/weather")),
    Refused("POST", PUBLISH, 403, "publishes under acme/", body=publish(name="platform/weather")),
    Refused("POST", PUBLISH, 403, "publishes under acme/", body=publish(organization_id="org_other")),
    Refused("POST", PUBLISH, 403, "publishes under acme/", body=publish(name="weather", organization_id="org_other")),
    Refused("POST", PUBLISH, 403, "write it as acme/<name>", body=publish(name="weather")),
    Refused("POST", CONSOLE_PUBLISH, 403, "publishes under platform/", "console_machine", publish(name="acme/weather")),
    Refused(
        "POST",
        CONSOLE_PUBLISH,
        403,
        "platform/<name>",
        "console_machine",
        publish(name="w", organization_id="org_acme"),
    ),
    Refused("GET", "/providers/platform/cloud/rollouts", 403, "only its author"),
    Refused("POST", "/providers/platform/cloud/rollouts/1.0.0/resume", 403, "only its author"),
    Refused("PATCH", "/providers/platform/cloud", 403, "only its author", body={"display_name": "Mine"}),
    Refused("DELETE", "/providers/platform/cloud", 403, "only its author"),
    Refused("POST", "/providers/platform/cloud/versions/1.0.0/yank", 403, "only its author"),
    Refused("DELETE", "/providers/platform/cloud/versions/1.0.0/yank", 403, "only its author"),
]

NOT_FOUND = [
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
            ("GET", "/deployment", None),
            ("GET", "/events", None),
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
    Refused("GET", "/providers/acme/weather/versions/__x__", 404, "has no version __x__"),
    Refused("POST", "/providers/acme/weather/versions/9.9.9/yank", 404, "has no version 9.9.9"),
    Refused("DELETE", "/providers/acme/weather/versions/nope/yank", 404, "has no version nope"),
    Refused("DELETE", "/providers/other/secret/versions/1.0.0/yank", 404, "there is no provider"),
    Refused("GET", "/providers/other/secret/rollouts", 404, "there is no provider"),
    Refused("POST", "/providers/acme/weather/rollouts/9.9.9/resume", 404, "there is no rollout"),
    Refused("GET", "/organizations/org_other", 404, "there is no organization org_other"),
    *[
        Refused(method, f"/ops/dead-letter/{letter}{suffix}", 404, "there is no dead letter")
        for letter in ("none", "__x__", ".", "%2E%2E", "x" * 1501, "%00", "%F0%9F%92%A9" * 400)
        for method, suffix in (("GET", ""), ("DELETE", ""), ("POST", "/retry"))
        if not (letter == "." and not suffix)
    ],
    *[
        Refused(method, path, 404, "Not Found", who=None)
        for method in ("GET", "POST", "OPTIONS")
        for path in ("/", "/nothing", "/providers/a/b/c", "/organizations/a/b", "/health/x", "/%2F%2Fhost")
    ],
]

NOT_ALLOWED = [
    ("PUT", "/providers/install", "OPTIONS, POST"),
    ("GET", "/providers/install", "OPTIONS, POST"),
    ("POST", "/providers/installed", "GET, HEAD, OPTIONS"),
    ("PUT", WEATHER, "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ("TRACE", WEATHER, "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ("GET", f"{WEATHER}/upgrade", "OPTIONS, POST"),
    ("DELETE", PUBLISH, "OPTIONS, POST"),
    ("GET", CONSOLE_PUBLISH, "OPTIONS, POST"),
    ("DELETE", "/providers", "GET, HEAD, OPTIONS"),
    ("POST", "/ops/dead-letter", "DELETE, GET, HEAD, OPTIONS"),
    ("POST", "/health", "GET, HEAD, OPTIONS"),
]

CONFLICTS = [
    Refused("POST", "/providers/acme/weather/rollouts/1.2.0/resume", 409, "is running, not halted"),
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
        ]
    ],
    Refused(
        "POST",
        "/console/runtime/versions",
        409,
        "runtime versions never change",
        "console_machine",
        {"version": RUNTIME.version, "image_url": "runtime:2"},
    ),
    Refused("PATCH", "/providers/acme/shared", 409, "stays public", body={"scope": "tenant"}),
    Refused("DELETE", "/providers/installed/acme/busy", 409, "still manages 3 resources"),
    Refused("DELETE", "/providers/installed/acme/busy?cascade=false", 409, "cascade=true"),
    Refused("DELETE", "/providers/acme/weather", 409, "installed 1 times"),
    Refused(
        "POST",
        PUBLISH,
        409,
        "publish what you have under a new version",
        body=publish(version="1.0.0", sha256="b" * 64),
    ),
    Refused(
        "POST",
        CONSOLE_PUBLISH,
        409,
        "publish what you have under a new version",
        "console_machine",
        publish(name="platform/cloud", version="1.0.0", sha256="b" * 64),
    ),
]

# A field of the body, what is wrong with it, and where that is told.
NOT_PUBLISHABLE: list[tuple[str, Any, list[str | int]]] = [
    ("name", ..., ["name"]),
    ("name", "", ["name"]),
    ("name", "x" * 201, ["name"]),
    ("name", "acme/we\0ather", ["name"]),
    ("version", ..., ["version"]),
    ("version", "1", ["version"]),
    ("version", "01.0.0", ["version"]),
    ("wheel_url", ..., ["wheel_url"]),
    ("wheel_url", "", ["wheel_url"]),
    ("wheel_url", "https://" + "x" * 2048, ["wheel_url"]),
    ("sha256", "A" * 64, ["sha256"]),
    ("sha256", "a" * 63, ["sha256"]),
    ("sha256", "a" * 64 + "\n", ["sha256"]),
    ("package_name", "", ["package_name"]),
    ("package_name", "x" * 201, ["package_name"]),
    ("metadata", {"display_name": "x"}, ["metadata", "description"]),
    ("metadata", {**METADATA, "display_name": ""}, ["metadata", "display_name"]),
    ("metadata", {**METADATA, "tags": ["x"] * 21}, ["metadata", "tags"]),
    ("entrypoint", [], ["entrypoint"]),
    ("entrypoint", "python", ["entrypoint"]),
    ("entrypoint", [""], ["entrypoint", 0]),
    ("runtime_version", "a/b", ["runtime_version"]),
    ("runtime_version", "..", ["runtime_version"]),
    ("runtime_version", "__x__", ["runtime_version"]),
    ("config_schema", [], ["config_schema"]),
    ("config_schema", {"type": "nonsense"}, ["config_schema"]),
    ("config_schema", {"$schema": []}, ["config_schema"]),
    ("config_schema", {"$schema": 5}, ["config_schema"]),
    ("config_schema", {"$ref": "https://evil.example/schema"}, ["config_schema"]),
    ("config_schema", {"pattern": "("}, ["config_schema"]),
    ("config_schema", {"pattern": "a{99999999999999999999}"}, ["config_schema"]),
    ("config_schema", {"description": "x" * 300_000}, ["config_schema"]),
    ("config_schema", DEEP, ["config_schema"]),
    ("outputs_schema", {"required": "x"}, ["outputs_schema"]),
    ("schemas", {"station": {"config_schema": {"type": 1}}}, ["schemas", "station", "config_schema"]),
    ("schemas", {"station": []}, ["schemas", "station"]),
]

# The same, of what has its schema: a rule refuses it.
REFUSED_BY_A_RULE: list[tuple[str, Any, list[str | int]]] = [
    ("name", "acme/Weather", ["name"]),
    ("wheel_url", "http://wheels.example/x-1.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://wheels.example/x.tar.gz", ["wheel_url"]),
    ("wheel_url", "https://wheels.example/x?f=x.whl", ["wheel_url"]),
    ("wheel_url", "https://127.0.0.1/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://[::1]/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://169.254.169.254/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://localhost/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://10.0.0.1/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("wheel_url", "https://user:pass@wheels.example/x-2.0.0-py3-none-any.whl", ["wheel_url"]),
    ("runtime_version", "none", ["runtime_version"]),
    ("resource_schemas", {"station": []}, ["resource_schemas", "station"]),
    ("resource_schemas", {"station": {"type": "nonsense"}}, ["resource_schemas", "station"]),
]

INVALID = [
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
            ("config", {"PRAGMA_TOKEN": "x"}, ["config"]),
            ("config", {"PATH": "x"}, ["config"]),
            ("config", {f"K{number}": "x" for number in range(65)}, ["config"]),
            ("config", CONFIG_64K, ["config"]),
        ]
    ],
    Refused("POST", "/providers/install", 422, loc=("body",)),
    Refused("POST", "/providers/install", 422, raw=b"   ", loc=("body",)),
    *[
        Refused("POST", path, 422, raw=raw, loc=("body",))
        for path in ("/providers/install", PUBLISH, f"{WEATHER}/upgrade")
        for raw in (b"[]", b'"x"', b"1", b"null", b"{", b"{'a': 1}", b"\xff\xfe", b"[" * 10_000, b"\0")
    ],
    Refused("POST", "/providers/install", 422, raw=b'{"provider_name": "\\ud800/x"}', loc=("body",)),
    Refused("POST", "/providers/install", 422, raw=b'{"provider_name": "acme/radio", "x": 1e', loc=("body",)),
    *[
        Refused("POST", path, 422, sentence, body=body, loc=("body", list(body)[-1]), rule=True)
        for path, body, sentence in [
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
    Refused("PATCH", WEATHER, 422, body={"config": {"PATH": "x"}}, loc=("body", "config")),
    Refused("PATCH", WEATHER, 422, body={"rollback_on_failure": "maybe"}, loc=("body", "rollback_on_failure")),
    Refused("DELETE", f"{WEATHER}?cascade=perhaps", 422, loc=("query", "cascade")),
    Refused("GET", f"{WEATHER}/events?limit=0", 422, loc=("query", "limit")),
    Refused("GET", f"{WEATHER}/events?limit=1e9", 422, loc=("query", "limit")),
    Refused("GET", f"{WEATHER}/events?page_token=x", 422, loc=("query", "page_token")),
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
    Refused("GET", f"/ops/dead-letter?provider={'x' * 201}", 422, loc=("query", "provider")),
    Refused("DELETE", "/ops/dead-letter", 422, "name a provider", loc=("query", "provider"), rule=True),
    *[
        Refused("POST", PUBLISH, 422, body=publish(**{name: value}), loc=("body", *where))
        for name, value, where in NOT_PUBLISHABLE
    ],
    *[
        Refused("POST", PUBLISH, 422, body=publish(**{name: value}), loc=("body", *where), rule=True)
        for name, value, where in REFUSED_BY_A_RULE
    ],
    Refused(
        "POST",
        PUBLISH,
        422,
        "the schemas together are over",
        body=publish(schemas={f"r{number}": {"config_schema": {"title": "é" * 40_000}} for number in range(6)}),
        loc=("body",),
    ),
    Refused(
        "POST",
        PUBLISH,
        422,
        "required on a provider's first version",
        body=publish(name="acme/new", metadata=...),
        loc=("body", "metadata"),
        rule=True,
    ),
    Refused(
        "POST",
        CONSOLE_PUBLISH,
        422,
        "required on every platform version",
        "console_machine",
        publish(name="platform/cloud", metadata=...),
        loc=("body", "metadata"),
        rule=True,
    ),
    Refused("POST", CONSOLE_PUBLISH, 422, who="console_machine", body={}, loc=("body", "name")),
    *[
        Refused(
            "POST",
            "/console/runtime/versions",
            422,
            who="console_machine",
            body={"version": "1.0", "image_url": "image:1", **change},
            loc=("body", *change),
        )
        for change in ({"version": ""}, {"version": "a/b"}, {"version": ".."}, {"image_url": ""}, {"image_url": "a b"})
    ],
]

OVER_QUOTA = [
    Refused("POST", "/providers/install", 429, "has 10 installations", "full", {"provider_name": "platform/cloud"}),
]

BIG = b'{"provider_name": "' + b"x" * 1024 * 1024 + b'"}'
TOO_LARGE = [
    Refused("POST", "/providers/install", 413, "the body is over 1048576 bytes", raw=BIG),
    Refused("POST", PUBLISH, 413, "the body is over 1048576 bytes", raw=BIG),
    Refused("PATCH", WEATHER, 413, "the body is over 1048576 bytes", raw=BIG),
]

REFUSALS = [*NOT_AUTHENTICATED, *FORBIDDEN, *NOT_FOUND, *CONFLICTS, *INVALID, *OVER_QUOTA, *TOO_LARGE]
