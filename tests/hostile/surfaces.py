"""The surfaces beside the first ones: forms, uploads, objects, token exchange, publishers, console, sign-in."""

import base64
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tests.hostile.artifacts import wheel
from tests.hostile.inputs import CLOSED, REFUSED, Ground, Hostile, encoded
from tests.hostile.over_http import BIG

READ = REFUSED | {200, 302, 304, 307}
TAKEN = REFUSED | {200, 201, 202, 204}
FORM = "multipart/form-data; boundary=x"
_FILE = "hostile-1.0.0-py3-none-any.whl"


def _part(name: str, content: bytes, *, file: str | None = None, head: bytes = b"") -> bytes:
    named = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    return b"--x\r\n" + named.encode("utf-8", "surrogateescape") + b"\r\n" + head + b"\r\n" + content + b"\r\n"


_ACTION = _part(":action", b"file_upload")
_END = b"--x--\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join((_ACTION, *parts, _END))


_FORMS: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "empty": (lambda: b"", {}),
    "no-end": (lambda: _ACTION + _part("content", b"x" * 1000, file=_FILE)[:-2], {}),
    "no-file": (_form, {}),
    "text-as-file": (lambda: _form(_part("content", b"x")), {}),
    "not-a-wheel": (lambda: _form(_part("content", b"x" * 100_000, file=_FILE)), {}),
    "name-traversal": (lambda: _form(_part("content", wheel(), file="../../" + _FILE)), {}),
    "name-nul": (lambda: _form(_part("content", wheel(), file="a\0" + _FILE)), {}),
    "name-long": (lambda: _form(_part("content", wheel(), file="a" * 50_000 + "-" + _FILE)), {}),
    "name-tags": (lambda: _form(_part("content", wheel(), file="a-1-" + ".".join(["p"] * 9000) + "-none-any.whl")), {}),
    "sources": (lambda: _form(_part("filetype", b"sdist"), _part("content", b"x", file="a-1.tar.gz")), {}),
    "digest": (lambda: _form(_part("sha256_digest", b"0" * 64), _part("content", wheel(), file=_FILE)), {}),
    "digest-long": (lambda: _form(_part("sha256_digest", b"0" * 10**6), _part("content", wheel(), file=_FILE)), {}),
    "action-twice": (lambda: _form(_part(":action", b"remove"), _part("content", wheel(), file=_FILE)), {}),
    "1001-fields": (lambda: _form(_part("classifiers", b"x") * 1001), {}),
    "100000-fields": (lambda: _form(_part("a", b"") * 100_000), {}),
    "100000-files": (lambda: _form(_part("a", b"", file="b") * 100_000), {}),
    "text-5-mib": (lambda: _form(_part("description", b"x" * 5 * 1024**2)), {}),
    "text-in-pieces": (lambda: _form(_part("description", b"x" * 50_000) * 100), {}),
    "head-megabytes": (lambda: _form(_part("a", b"", head=b"X: " + b"y" * 4_000_000 + b"\r\n")), {}),
    "heads-many": (lambda: _form(_part("a", b"", head=b"X: y\r\n" * 300_000)), {}),
    "head-folded": (lambda: _form(_part("a", b"", head=b"X: y\r\n" + b" z\r\n" * 300_000)), {}),
    "line-ends": (lambda: _form(_part("content", b"\r\n" * 2_000_000, file=_FILE)), {}),
    "carriage-returns": (lambda: _form(_part("content", b"\r" * 6_000_000, file=_FILE)), {}),
    "near-boundaries": (lambda: _form(_part("content", b"\r\n--" * 1_500_000, file=_FILE)), {}),
    "half-boundaries": (lambda: _form(_part("content", b"\r\n--x-" * 1_000_000, file=_FILE)), {}),
    "zeros": (lambda: _form(_part("content", bytes(25 * 1024**2), file=_FILE)), {}),
    "no-boundary": (_form, {"Content-Type": "multipart/form-data"}),
    "boundary-empty": (_form, {"Content-Type": "multipart/form-data; boundary="}),
    "boundary-long": (_form, {"Content-Type": "multipart/form-data; boundary=" + "x" * 7000}),
    "boundary-pattern": (_form, {"Content-Type": 'multipart/form-data; boundary="(a+)+$"'}),
    "urlencoded": (
        lambda: b"%3Aaction=file_upload&" + b"a=b&" * 500_000,
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "urlencoded-keys": (
        lambda: b"&".join(b"k%d=v" % number for number in range(200_000)),
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "json": (lambda: encoded({":action": "file_upload"}), {"Content-Type": "application/json"}),
    "compressed": (lambda: _form(_part("content", wheel(), file=_FILE)), {"Content-Encoding": "gzip"}),
    "charset": (
        lambda: _form(_part("summary", b"\xff\xfe", head=b"Content-Type: text/plain; charset=utf-7\r\n")),
        {},
    ),
    "encoded-part": (
        lambda: _form(_part("content", b"eA==", file=_FILE, head=b"Content-Transfer-Encoding: base64\r\n")),
        {},
    ),
}


def forms() -> Iterator[Hostile]:
    """What the upload form's parser is sent in the place of a wheel."""
    for name, (make, headers) in _FORMS.items():
        # A form may say more than it has to: the first word counts.
        expected = REFUSED | {200} if name == "action-twice" else REFUSED
        yield Hostile("form", name, "publishing", _uploaded(make, headers), expected)
    for name, value in _LOGINS.items():
        yield Hostile("form", f"login-{name}", "publishing", _logged_in(value))


def _uploaded(make: Callable[[], bytes], headers: Mapping[str, str]) -> Callable[[Ground], int]:
    given = {"Content-Type": FORM, **headers}
    return lambda ground: ground.send("POST", "/upload/", ground.tenants.machine, raw=make(), headers=given)


_LOGINS = {
    "no-colon": base64.b64encode(b"__token__").decode(), "not-base64": "!" * 100, "long": "QUFB" * 1500,
    "other-user": base64.b64encode(b"root:x").decode(), "not-utf-8": base64.b64encode(b"\xff:\xfe").decode(),
    "empty": "", "colons": base64.b64encode(b":" * 3000).decode(),
}  # fmt: skip


def _logged_in(value: str) -> Callable[[Ground], int]:
    headers = {"Authorization": f"Basic {value}", "Content-Type": FORM}
    return lambda ground: ground.send("POST", "/upload/", raw=_form(), headers=headers)


def uploads() -> Iterator[Hostile]:
    """Uploads that are announced and would be too large, too many, or of another name."""
    for number, fields in enumerate(_UPLOADS):
        body = {"filename": _FILE, "size": 1000, "sha256": "a" * 64, **fields}
        yield Hostile("upload", str(number), "publishing", _posted("/uploads", body), TAKEN)
    for number, upload_id in enumerate(("0" * 26, "../x", "__x__", "a" * 5000, "", None, 5, {"a": 1})):
        yield Hostile("upload", f"id-{number}", "publishing", _published(upload_id))


_UPLOADS: tuple[dict[str, Any], ...] = (
    {"size": 0}, {"size": -1}, {"size": 2**63}, {"size": 10**400}, {"size": 1.5}, {"size": 256 * 1024**2 + 1},
    {"filename": "../" + _FILE}, {"filename": "a\0.whl"}, {"filename": "x" * 50_000 + ".whl"}, {"filename": ""},
    {"filename": "a-1-" + ".".join(f"p{n}" for n in range(300)) + "-none-any.whl"}, {"filename": "a/b/" + _FILE},
    {"filename": "\u202e-1-py3-none-any.whl"}, {"sha256": "A" * 64}, {"sha256": "../" + "a" * 61}, {"sha256": None},
)  # fmt: skip


def _posted(path: str, body: Any, *, method: str = "POST") -> Callable[[Ground], int]:
    return lambda ground: ground.send(method, path, ground.tenants.user, raw=encoded(body))


def _published(upload_id: Any) -> Callable[[Ground], int]:
    body = {"name": "acme/hostile", "version": "1.0.0", "metadata": {"display_name": "x", "description": "y"}}
    return _posted("/provider-versions", {**body, "upload_id": upload_id})


def objects() -> Iterator[Hostile]:
    """What is asked of the bucket by a URL that is signed by nobody, or for something else."""
    for number, path in enumerate(_OBJECTS):
        for method in ("GET", "PUT", "DELETE"):
            yield Hostile("signed-url", f"{number}-{method}", "publishing", _asked_of_bucket(method, path))


_SIGNED = {
    "X-Goog-Algorithm": "GOOG4-RSA-SHA256", "X-Goog-Credential": "x@y/20260101/auto/storage/goog4_request",
    "X-Goog-Date": "20260101T000000Z", "X-Goog-Expires": "604800", "X-Goog-SignedHeaders": "host",
    "X-Goog-Signature": "ab" * 256,
}  # fmt: skip
_KEPT = f"/sha256/aa/{'a' * 64}/{_FILE}"
_OBJECTS = (
    "", "/", _KEPT, f"{_KEPT}?{urlencode(_SIGNED)}", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/uploads/",
    f"{_KEPT}?{urlencode({**_SIGNED, 'X-Goog-Expires': '9' * 400})}", f"/uploads/x/{_FILE}?upload_id=x",
    f"{_KEPT}?{urlencode({**_SIGNED, 'X-Goog-Date': 'x' * 3000})}", "/" + "a" * 5000, "/%00", "?list-type=2",
    f"{_KEPT}?{urlencode({**_SIGNED, 'X-Goog-Signature': 'zz'})}",
)  # fmt: skip


def _asked_of_bucket(method: str, path: str) -> Callable[[Ground], int]:
    def attempt(ground: Ground) -> int:
        netloc, bucket = _bucket(ground)
        trusted = ssl.create_default_context(cafile=ground.stack.info.ca_file)
        return _answer(HTTPSConnection(netloc, timeout=30, context=trusted), method, f"/{bucket}{path}")

    return attempt


@cache
def _bucket(ground: Ground) -> tuple[str, str]:
    """`host:port` and name of the bucket, as whoever begins an upload is told."""
    body = {"filename": _FILE, "size": 1000, "sha256": "a" * 64}
    begun = ground.tenants.deployed.call("POST", "/uploads", ground.tenants.machine, body=body)
    url = urlsplit(begun.json["url"])
    return url.netloc, url.path.split("/")[1]


def _answer(
    connection: HTTPConnection, method: str, path: str, body: bytes | None = None, kind: str = "text/plain"
) -> int:
    try:
        connection.request(method, path, body, {"Content-Type": kind})
        return connection.getresponse().status
    except (HTTPException, OSError, ValueError):
        return CLOSED
    finally:
        connection.close()


def exchanges() -> Iterator[Hostile]:
    """CI tokens that are none, and tokens of trusted publishers that never were."""
    for number, body in enumerate(_EXCHANGES):
        for verb in ("mint-token", "burn-token"):
            raw = body if isinstance(body, bytes) else encoded(body)
            yield Hostile("exchange", f"{verb}-{number}", "identity", _sent("POST", f"/_/oidc/{verb}", raw), TAKEN)
    for number, token in enumerate(("hubpub_", "hubpub_" + "A" * 43, "hubpub_" + "é" * 43, "hubpub_" + "A" * 7000)):
        yield Hostile("exchange", f"minted-{number}", "publishing", _sent("POST", "/uploads", b"{}", token))


_UNSIGNED = "eyJhbGciOiJub25lIn0.e30."
_EXCHANGES: tuple[Any, ...] = (
    {}, [], None, {"token": ""}, {"token": 5}, {"token": BIG}, {"token": "a.b.c"}, {"token": _UNSIGNED},
    {"token": "W1tb" * 4000 + ".e30.AA"}, {"token": _UNSIGNED, "provider": "../.."}, {"token": "x", "provider": 5},
    {"token": "e30.e30.e30"}, {"token": "." * 16_000}, {"token": "hubpub_" + "A" * 43}, b"{" * 100_000, b"\xff",
    {"token": "eyJhbGciOiJSUzI1NiIsImp3ayI6e319.eyJpc3MiOiJodHRwOi8vMTY5LjI1NC4xNjkuMjU0LyJ9.AA"},
)  # fmt: skip


def _sent(method: str, path: str, raw: bytes | None, token: str | None = None) -> Callable[[Ground], int]:
    return lambda ground: ground.send(method, path, token, raw=raw)


def publishers() -> Iterator[Hostile]:
    """Trusted publishers that would match too much, or take long to be matched."""
    for number, fields in enumerate(_PUBLISHERS):
        body = {"platform": "github", "repository": "acme/x", "workflow": "a.yml", **fields}
        yield Hostile("publisher", str(number), "catalog", _posted("/providers/acme/radio/publishers", body))
    for number, path in enumerate(("other/secret", "platform/cloud", "__x__/y", "acme/..%2f..")):
        body = {"platform": "github", "repository": "acme/x", "workflow": "a.yml"}
        yield Hostile("publisher", f"of-{number}", "catalog", _posted(f"/providers/{path}/publishers", body))


_PUBLISHERS: tuple[dict[str, Any], ...] = (
    {"platform": "other"}, {"repository": "*"}, {"repository": "a/b/c"}, {"repository": "a/" * 150 + "b"},
    {"repository": "../.."}, {"repository": "a/b\n"}, {"repository": ".a/" + "a" * 50_000}, {"workflow": "../x.sh"},
    {"workflow": "a" * 50_000 + ".yml"}, {"workflow": "*.yml\0"}, {"ref": "**" * 200}, {"ref": "refs/" + "*a" * 200},
    {"ref": "(a+)+$"}, {"issuer": "file:///etc/passwd"}, {"issuer": "https://evil.example"},
    {"issuer": "http://169.254.169.254/"}, {"environment": "\0"}, {"environment": "x" * 5000}, {"repository_id": "-1"},
    {"repository_id": "9" * 5000}, {"owner_id": ["1"]}, {"called_workflow": "a/b/" + "/" * 5000 + ".yml"},
)  # fmt: skip


def details() -> Iterator[Hostile]:
    """Locks, bills of materials, wheels and the index, of names that lead elsewhere."""
    for number, path in enumerate(_DETAILS):
        yield Hostile("detail", str(number), "catalog", _read(path), READ)


def _read(path: str) -> Callable[[Ground], int]:
    return lambda ground: ground.send("GET", path, ground.tenants.user)


_DETAILS = (
    *(f"/providers/{name}/versions/{version}/{what}" for what in ("lock", "sbom", "wheel", "relock")
      for name, version in (("acme/weather", "9" * 3000), ("acme/weather", "..%2f..%2fx"), ("other/secret", "1.0.0"),
                            ("__x__/__y__", "1.0.0"), ("acme/weather", "%00"))),
    "/simple/", "/simple/..%2f..%2fetc/", "/simple/" + "a" * 5000 + "/", "/simple/%00/", "/simple/other-secret/",
)  # fmt: skip


def secrets() -> Iterator[Hostile]:
    """Secret config values that are none, or are meant to be shown."""
    for number, config in enumerate(_SECRETS):
        yield Hostile("secret", str(number), "installations", lambda ground, c=config: ground.install(config=c))
        path = "/providers/installed/acme/weather"
        yield Hostile("secret", f"change-{number}", "installations", _posted(path, {"config": config}, method="PATCH"))


_SECRETS: tuple[Any, ...] = (
    {"A": {}}, {"A": {"secret": []}}, {"A": {"secret": {"secret": "x"}}}, {"A": {"secret": "x" * 40_000}},
    {"A": {"secret": "x\0"}}, {"A": {"secret": "\ud800"}}, {"PRAGMA_TOKEN": {"secret": "x"}},
    {"LD_PRELOAD": {"secret": "x"}}, {f"K{number}": {"secret": "x"} for number in range(65)},
    {f"K{number}": {"secret": "x" * 1000} for number in range(40)}, {"A": {"secret": 10**400}},
    {"a b": {"secret": "x"}},
)  # fmt: skip


def changes() -> Iterator[Hostile]:
    """Changes of what is another's or never was, and versions that are none."""
    for verb in ("rollback", "upgrade", "downgrade", "deploy"):
        for number, (name, body) in enumerate(_CHANGES):
            path = f"/providers/installed/{name}/{verb}"
            yield Hostile("change", f"{verb}-{number}", "installations", _posted(path, body))


_CHANGES: tuple[tuple[str, Any], ...] = (
    ("other/secret", {"target_version": "1.0.0"}), ("acme/none", {"target_version": "1.0.0"}), ("..%2f../x", {}),
    ("acme/leaving", {"version": BIG, "target_version": BIG}), ("__x__/__y__", {"target_version": "1.0.0"}),
)  # fmt: skip


def console() -> Iterator[Hostile]:
    """The platform's own routes, tried by a tenant, by a narrow machine, and with bodies that are none."""
    for number, (method, path, body) in enumerate(_CONSOLE):
        function = "publishing" if "versions" in path and "providers" not in path else "catalog"
        for who in ("user", "machine", "narrow"):
            yield Hostile("console", f"{number}-{who}", function, _by(who, method, path, body))
    for number, fields in enumerate(_RUNTIMES):
        body = {"version": "9.9.9", "image_url": "example.com/x@sha256:" + "a" * 64, **fields}
        attempt = _by("console_machine", "POST", "/console/runtime/versions", body)
        yield Hostile("runtime", str(number), "publishing", attempt)


def _by(who: str, method: str, path: str, body: Any) -> Callable[[Ground], int]:
    return lambda ground: ground.send(method, path, getattr(ground.tenants, who), raw=encoded(body))


_CONSOLE: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/console/provider-versions", {"name": "platform/x", "version": "1.0.0"}),
    ("POST", "/console/runtime/versions", {"version": "9.9.9", "image_url": "x"}),
    ("POST", "/console/uploads", {"filename": _FILE, "size": 5, "sha256": "a" * 64}),
    ("PATCH", "/console/providers/other/secret", {"description": "mine"}),
    ("DELETE", "/console/providers/other/secret", None),
    ("POST", "/console/providers/other/secret/versions/1.0.0/yank", {"reason": "x"}),
    ("POST", "/console/organizations/org_other/suspend", {"reason": "x"}),
    ("GET", "/console/organizations/org_other", None),
    ("PATCH", "/console/organizations/org_other", {"allowed_bytes": 0}),
    ("POST", "/console/organizations/org_other/release-slug", None),
    ("GET", "/console/audit?organization=org_other", None),
    ("GET", "/console/dead-letter", None),
    ("POST", "/console/dead-letter/x/retry", None),
)  # fmt: skip
_RUNTIMES: tuple[dict[str, Any], ...] = (
    {"image_url": "x" * 50_000}, {"image_url": ""}, {"image_url": "a b@c"}, {"image_url": "\0"}, {"image_url": ["x"]},
    {"version": "../x"}, {"version": "__x__"}, {"version": "9" * 5000}, {"version": {"a": 1}},
    {"changelog": "x" * 900_000}, {"python_version": "(" * 1000}, {"platform": "x" * 5000},
)  # fmt: skip


def sign_ins() -> Iterator[Hostile]:
    """The sign-in page of the local issuer: foreign pages that would be led a code to."""
    for number, fields in enumerate(_SIGN_INS):
        for method in ("GET", "POST"):
            yield Hostile("sign-in", f"{number}-{method}", "identity", _signing_in(method, fields))
    for number, raw in enumerate(_TOKEN_REQUESTS):
        yield Hostile("sign-in", f"token-{number}", "identity", _token_asked(raw))


_TOKEN_REQUESTS = (
    b"", b"grant_type=password&username=a", b"grant_type=authorization_code&code=x", b"\xff" * 1000, b"%ff=%fe",
    b"grant_type=refresh_token&refresh_token=" + b"x" * 60_000,
)  # fmt: skip
_ASKED = {"client_id": "console", "response_type": "code", "code_challenge": "a" * 43, "code_challenge_method": "S256"}
_SIGN_INS: tuple[dict[str, str], ...] = (
    {"redirect_uri": "https://evil.example/"}, {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "//evil"},
    {"redirect_uri": "http://127.0.0.1:1/app/"}, {"redirect_uri": "x" * 5000}, {"client_id": "other"}, {},
    {"redirect_uri": "http://127.0.0.1@evil.example/app/"}, {"redirect_uri": "http://localhost\\@evil.example/app/"},
)  # fmt: skip


def _signing_in(method: str, fields: Mapping[str, str]) -> Callable[[Ground], int]:
    query = urlencode({**_ASKED, **fields}, quote_via=quote)

    def attempt(ground: Ground) -> int:
        return _answer(_issuer(ground), method, f"/customer/authorize?{query}", b"slug=acme", _TYPED)

    return attempt


_TYPED = "application/x-www-form-urlencoded"


def _token_asked(raw: bytes) -> Callable[[Ground], int]:
    return lambda ground: _answer(_issuer(ground), "POST", "/customer/token", raw, _TYPED)


def _issuer(ground: Ground) -> HTTPConnection:
    return HTTPConnection(urlsplit(ground.stack.info.issuer_url).netloc, timeout=30)
