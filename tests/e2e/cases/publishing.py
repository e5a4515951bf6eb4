"""Cases of publishing."""

from typing import Any

from urllib3 import encode_multipart_formdata

from tests.builders import RUNTIME
from tests.e2e.cases.kinds import METADATA, Form, Publish, Refused, Step

_PUBLISH = "/provider-versions"
_CONSOLE_PUBLISH = "/console/provider-versions"
_RUNTIMES = "/console/runtime/versions"
_FORM = "/upload"
_UPLOADS = "/uploads"
_CONSOLE_UPLOADS = "/console/uploads"
_ANNOUNCED = {"filename": "weather-2.0.0-py3-none-any.whl", "size": 5, "sha256": "a" * 64}
_RUNTIME_NINE = {"version": "9", "image_url": "i:9"}
_WHEEL = "https://wheels.example/weather-2.0.0-py3-none-any.whl"
_VERSION = {"name": "acme/weather", "version": "2.0.0", "wheel_url": _WHEEL, "metadata": METADATA}
_DEEP: dict[str, Any] = {}
for _ in range(190):
    _DEEP = {"not": _DEEP}


def publish(**body: Any) -> dict[str, Any]:
    """The body of a publish; a field that is given as `...` is left out."""
    given = {**_VERSION, **body}
    return {key: value for key, value in given.items() if value is not ...}


def form(file_name: str, content: bytes = b"no wheel", **fields: str) -> tuple[bytes, str]:
    """The upload form as tools send it: its body and its type. A field that is given replaces the usual one."""
    usual = {"_action": "file_upload", "filetype": "bdist_wheel", **fields}
    named = {name.replace("_action", ":action"): value for name, value in usual.items()}
    return encode_multipart_formdata({**named, "content": (file_name, content)})


def _refused_form(detail: str, made: tuple[bytes, str]) -> tuple[str, dict[str, str], bytes]:
    return detail, {"Content-Type": made[1]}, made[0]


# Why a form is refused, its headers and its body.
_FORMS = [
    ("the form that twine and uv send", {}, b""),
    ("the form that twine and uv send", {"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\n\r\n"),
    _refused_form("the form that twine and uv send", form("a-1.0.0-py3-none-any.whl", _action="verify")),
    _refused_form("as a wheel and not as its sources", form("a-1.0.0.tar.gz", filetype="sdist")),
    _refused_form("no wheel's file name", form("a-1.0.0.tar.gz")),
    _refused_form("the form says another", form("a-1.0.0-py3-none-any.whl", sha256_digest="0" * 64)),
    _refused_form("does not begin as a zip archive does", form("a-1.0.0-py3-none-any.whl")),
    _refused_form("is no semantic version", form("a-1.0.0.post1-py3-none-any.whl")),
    _refused_form("with other bytes", form("weather-1.0.0-py3-none-any.whl")),
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
    ("config_schema", _DEEP, ["config_schema"]),
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

REFUSED = [
    Refused("POST", _CONSOLE_PUBLISH, 403, "only a console machine", "console_user", publish(name="platform/cloud")),
    Refused("POST", _RUNTIMES, 403, "only a console machine", "console_user", {}),
    Refused("POST", _PUBLISH, 403, "publishes under acme/", body=publish(name="other/weather")),
    Refused("POST", _PUBLISH, 403, "publishes under acme/", body=publish(name="platform/weather")),
    Refused("POST", _PUBLISH, 403, "publishes under acme/", body=publish(organization_id="org_other")),
    Refused("POST", _PUBLISH, 403, "publishes under acme/", body=publish(name="weather", organization_id="org_other")),
    Refused("POST", _PUBLISH, 403, "write it as acme/<name>", body=publish(name="weather")),
    Refused(
        "POST", _CONSOLE_PUBLISH, 403, "publishes under platform/", "console_machine", publish(name="acme/weather")
    ),
    Refused(
        "POST",
        _CONSOLE_PUBLISH,
        403,
        "platform/<name>",
        "console_machine",
        publish(name="w", organization_id="org_acme"),
    ),
    Refused(
        "POST",
        _RUNTIMES,
        409,
        "runtime versions never change",
        "console_machine",
        {"version": RUNTIME.version, "image_url": "runtime:2"},
    ),
    Refused(
        "POST",
        _PUBLISH,
        409,
        "publish what you have under a new version",
        body=publish(version="1.0.0", sha256="b" * 64),
    ),
    Refused(
        "POST",
        _CONSOLE_PUBLISH,
        409,
        "publish what you have under a new version",
        "console_machine",
        publish(name="platform/cloud", version="1.0.0", sha256="b" * 64),
    ),
    *[
        Refused("POST", _PUBLISH, 422, body=publish(**{name: value}), loc=("body", *where))
        for name, value, where in NOT_PUBLISHABLE
    ],
    *[
        Refused("POST", _PUBLISH, 422, body=publish(**{name: value}), loc=("body", *where), rule=True)
        for name, value, where in REFUSED_BY_A_RULE
    ],
    Refused(
        "POST",
        _PUBLISH,
        422,
        "the schemas together are over",
        body=publish(schemas={f"r{number}": {"config_schema": {"title": "é" * 40_000}} for number in range(6)}),
        loc=("body",),
    ),
    Refused(
        "POST",
        _PUBLISH,
        422,
        "required on a provider's first version",
        body=publish(name="acme/new", metadata=...),
        loc=("body", "metadata"),
        rule=True,
    ),
    Refused(
        "POST",
        _CONSOLE_PUBLISH,
        422,
        "required on every platform version",
        "console_machine",
        publish(name="platform/cloud", metadata=...),
        loc=("body", "metadata"),
        rule=True,
    ),
    Refused("POST", _CONSOLE_PUBLISH, 422, who="console_machine", body={}, loc=("body", "name")),
    Refused("POST", _PUBLISH, 422, body=publish(upload_id="x"), loc=("body", "upload_id")),
    Refused(
        "POST",
        _PUBLISH,
        422,
        "you have no such upload",
        body=publish(wheel_url=..., upload_id="01JZK3V8M4Q2T7Y9B5N6C1D0EF"),
        loc=("body", "upload_id"),
        rule=True,
    ),
    *[
        Refused("POST", path, 422, who=who, body={**_ANNOUNCED, **change}, loc=("body", *change))
        for path, who in ((_UPLOADS, "user"), (_CONSOLE_UPLOADS, "console_machine"))
        for change in ({"filename": ""}, {"size": 0}, {"size": 10 * 1024**3}, {"sha256": "A" * 64})
    ],
    Refused(
        "POST",
        _UPLOADS,
        422,
        "no wheel's file name",
        body={**_ANNOUNCED, "filename": "../x.whl"},
        loc=("body", "filename"),
        rule=True,
    ),
    *[Refused("POST", _FORM, 400, detail, headers=headers, raw=raw) for detail, headers, raw in _FORMS],
    Refused("POST", f"{_FORM}/acme", 400, "the form that twine and uv send", raw=b""),
    Refused("POST", f"{_FORM}/other", 403, "upload to /upload/acme/", raw=b"no form"),
    *[
        Refused(
            "POST",
            _RUNTIMES,
            422,
            who="console_machine",
            body={"version": "1.0", "image_url": "image:1", **change},
            loc=("body", *change),
        )
        for change in ({"version": ""}, {"version": "a/b"}, {"version": ".."}, {"image_url": ""}, {"image_url": "a b"})
    ],
]
STEPS = [
    Step("POST", _UPLOADS, 201, {"headers": {}}, _ANNOUNCED),
    Step("POST", _CONSOLE_UPLOADS, 201, {"headers": {}}, _ANNOUNCED, "console_machine"),
    Form("1.0.0", 200, {"canonical": "shop/weather-provider", "status": "published"}),
    Form("1.0.0", 200, {"canonical": "shop/weather-provider", "status": "published"}, "/upload/shop/"),
    Step("POST", _RUNTIMES, 201, {"version": "9"}, _RUNTIME_NINE, "console_machine"),
    Step("POST", _RUNTIMES, 200, {"changelog": "c"}, {**_RUNTIME_NINE, "changelog": "c"}, "console_machine"),
    Publish(_CONSOLE_PUBLISH, "platform/shop", "1.0.0", 201, "console_machine"),
    Publish(_CONSOLE_PUBLISH, "platform/shop", "1.0.0", 200, "console_machine"),
    Publish(_PUBLISH, "shop/weather", "1.0.0", 201),
    Publish(_PUBLISH, "shop/weather", "1.0.0", 200),
    Publish(_PUBLISH, "shop/weather", "1.1.0", 201),
    Publish(_PUBLISH, "shop/short-lived", "1.0.0", 201),
    Publish(_PUBLISH, "shop/harmful", "1.0.0", 201),
]
