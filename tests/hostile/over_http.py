"""Tokens, URLs, configs, requests and headers, sent to the stack's own port."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local_stack.issuer import Realm
from tests.hostile.inputs import CLOSED, REFUSED, Ground, Hostile, encoded

UNAUTHENTICATED = frozenset({CLOSED, 400, 401, 403, 431})
HARMLESS = REFUSED | {200, 201, 204}
BIG = "x" * 60_000


def tokens() -> Iterator[Hostile]:
    """Forged, stale, foreign and broken tokens."""
    for name, token in _TEXTS.items():
        yield Hostile("token", name, "installations", _with(lambda _ground, token=token: token), UNAUTHENTICATED)
    for name, make in _FORGERIES.items():
        yield Hostile("token", name, "installations", _with(make), UNAUTHENTICATED)
    for claim, values in _CLAIMS.items():
        for number, value in enumerate(values):
            yield Hostile("token", f"{claim}-{number}", "installations", _claiming(claim, value), UNAUTHENTICATED)


def _with(make: Callable[[Ground], str]) -> Callable[[Ground], int]:
    return lambda ground: ground.send("GET", "/providers/installed", make(ground))


def _claiming(claim: str, value: Any) -> Callable[[Ground], int]:
    def attempt(ground: Ground) -> int:
        claims = {"sub": "user_acme", "org_id": "org_acme", "org_slug": "acme", "o": None, claim: value}
        return _with(lambda ground: ground.tenants.issuer._mint(Realm.CUSTOMER, claims, 600))(ground)

    return attempt


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned(header: dict[str, Any]) -> Callable[[Ground], str]:
    def make(ground: Ground) -> str:
        payload = ground.tenants.user.split(".")[1]
        return f"{_part({'typ': 'JWT', **header})}.{payload}."

    return make


def _by_public_key(ground: Ground) -> str:
    """HS256 keyed with the realm's public key, which everybody has."""
    private = ground.tenants.issuer._key(Realm.CUSTOMER)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = jwt.get_unverified_header(ground.tenants.user)["kid"]
    text = f"{_part({'alg': 'HS256', 'kid': kid})}.{ground.tenants.user.split('.')[1]}"
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(public, text.encode(), hashlib.sha256)).decode().rstrip('=')}"


def _by_another_key(ground: Ground) -> str:
    key = rsa.generate_private_key(65537, 2048)
    header = jwt.get_unverified_header(ground.tenants.user)
    payload = jwt.decode(ground.tenants.user, options={"verify_signature": False})
    return jwt.encode(payload, key, algorithm="RS256", headers={"kid": header["kid"]})


def _tampered(ground: Ground) -> str:
    header, payload, signature = ground.tenants.user.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==="))
    return f"{header}.{_part({**claims, 'org_id': 'org_other', 'org_slug': 'other', 'o': None})}.{signature}"


_TEXTS = {
    "empty": "", "space": " ", "dots": "..", "many-dots": "." * 5000, "word": "token", "long": "a" * 7000,
    "three-words": "a.b.c", "not-base64": "!!!.???.***", "opaque": "mt_" + "a" * 40, "opaque-long": "mt_" + "a" * 7000,
    "opaque-path": "mt_../../etc/passwd", "non-ascii": "é.é.é", "two": "a b", "percent": "%00.%00.%00",
    "deep": "W1tb" * 1500 + ".e30.AA", "huge-number": _part({"alg": "RS256", "kid": 10**400}) + ".e30.AA",
    "array-header": "W10.e30.AA", "null-header": "bnVsbA.e30.AA", "no-signature": "eyJhbGciOiJSUzI1NiJ9.e30.",
}  # fmt: skip
_FORGERIES: dict[str, Callable[[Ground], str]] = {
    **{f"alg-{name}": _unsigned({"alg": name}) for name in ("none", "None", "NONE", "HS256", "RS384", "ES256",
    "PS256", "")},
    "crit": _unsigned({"alg": "RS256", "crit": ["b64"], "b64": False}),
    "jku": _unsigned({"alg": "RS256", "jku": "https://evil.example/jwks.json", "kid": "x"}),
    "jwk": _unsigned({"alg": "RS256", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}),
    "kid-path": _unsigned({"alg": "RS256", "kid": "../../../dev/null"}),
    "kid-sql": _unsigned({"alg": "RS256", "kid": "' OR 1=1 --"}),
    "kid-list": _unsigned({"alg": "RS256", "kid": ["k"]}),
    "public-key": _by_public_key,
    "another-key": _by_another_key,
    "tampered": _tampered,
    "expired": lambda ground: ground.tenants.expired,
    "console-user": lambda ground: ground.tenants.console_user,
    "console-machine": lambda ground: ground.tenants.console_machine,
    "google": lambda ground: ground.tenants.issuer.service_account("x@y.example", "z"),
    "no-organization": lambda ground: ground.tenants.homeless,
    "platform": lambda ground: ground.tenants.misnamed,
    "squatter": lambda ground: ground.tenants.squatter,
    "century": lambda ground: ground.tenants.token(org_id="org_acme", org_slug="acme", exp=int(time.time()) + 10**9),
    "future": lambda ground: ground.tenants.token(org_id="org_acme", org_slug="acme", nbf=int(time.time()) + 10**6),
}  # fmt: skip
_CLAIMS: dict[str, tuple[Any, ...]] = {
    "sub": (None, 5, "", "root", "user_", "user_../x", "user_" + "x" * 300, ["user_1"], "mch_\n"),
    "org_id": ("", "org/other", "..", "__x__", 5, ["org_acme"], "x" * 200, "org other", "org\n"),
    "org_slug": ("", "a/b", "..", 5, {"a": 1}, "x" * 200, "\u202e"),
    "o": ({"id": "org_other", "slg": "other"}, [], "org_other", {"id": 5, "slg": "x"}, {"id": "org_acme"}),
    "exp": (None, True, "tomorrow", 0, -1, 1e30, [1]),
    "iat": ("now", 10**12, [1]),
    "iss": ("", "https://evil.example", " ", "x" * 5000),
    "sts": ("pending",),
}


def urls() -> Iterator[Hostile]:
    """Wheel URLs that lead inside, elsewhere, or nowhere."""
    for number, url in enumerate(_URLS):
        yield Hostile("url", str(number), "publishing", lambda ground, url=url: ground.publish(url))


_FILE = "hostile-1.0.0-py3-none-any.whl"
_HOSTS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "0.0.0.0",  # noqa: S104 - it is asked for, and nothing listens there
    "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25eth0]",
    "169.254.169.254", "metadata", "metadata.google.internal", "METADATA.GOOGLE.INTERNAL.", "localhost", "localhost.",
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "kubernetes.default.svc", "①②⑦.⓪.⓪.①", "127。0。0。1", "xn--", "a" * 300, "-", ".", "a..b",
)  # fmt: skip
_URLS = (
    *(f"https://{host}/{_FILE}" for host in _HOSTS),
    *(
        f"{scheme}{_FILE}"
        for scheme in (
            "http://wheels.invalid/", "ftp://wheels.invalid/", "file:///etc/", "gopher://127.0.0.1/", "javascript:",
            "data:,", "//", "https:/", "https:", "HTTPS:\\\\wheels.invalid\\", "https://user:password@wheels.invalid/",
            "https://wheels.invalid:0/", "https://wheels.invalid:99999/", "https://wheels.invalid:22x/",
            "https://wheels.invalid@127.0.0.1/", "https://127.0.0.1#@wheels.invalid/",
            "https://wheels.invalid\\@127.0.0.1/",
            "https://wheels.invalid/%00/", "https://wheels.invalid/%0d%0aHost:%20x/",
            "https://wheels.invalid/%2e%2e%5c/",
            "https://wheels.invalid/\r\nX: y/", "https://wheels.invalid/\u2028/", "https://wheels.invalid/%/", "",
        )
    ),
    "https://wheels.invalid/" + "a/" * 1000 + _FILE,
    "https://wheels.invalid/x.tar.gz?f=.whl",
    "https://wheels.invalid/%2ewhl",
    "https://wheels.invalid/hostile-1.0.0-" + "-".join(".".join(f"{p}{n}" for n in range(100)) for p in "pal") + ".whl",
    "https://wheels.invalid/hostile-1.0.0-" + ".".join(f"p{number}" for number in range(300)) + "-none-any.whl",
    "https://wheels.invalid/hostile-" + "1." * 900 + "0-py3-none-any.whl",
)  # fmt: skip


def configs() -> Iterator[Hostile]:
    """Configs that reach into the pod, or into the hub."""
    for number, config in enumerate(_CONFIGS):
        yield Hostile(
            "config", str(number), "installations", lambda ground, config=config: ground.install(config=config)
        )


def _configured(config: Any) -> Callable[[Ground], int]:
    return lambda ground: ground.install(config=config)


_CONFIGS: tuple[Any, ...] = (
    *({key: "x"} for key in ("", " ", "a b", "1A", "A-B", "A=B", "Ä", "A\n", "A\0", "x" * 40_000, "PRAGMA_TOKEN",
    "../A")),
    *({key: "/x"} for key in ("LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PATH",
    "HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "OPENSSL_CONF",
    "GCONV_PATH", "BASH_ENV", "GIT_SSH_COMMAND", "GLIBC_TUNABLES", "UV_INDEX_URL", "MALLOC_PERTURB_")),
    {"A": "x\0y"}, {"A": None}, {"A": 5}, {"A": ["x"]}, {"A": {"secret": 5}}, {"A": "x" * 40_000},
    {f"K{number}": "x" for number in range(65)}, {f"K{number}": "x" * 1000 for number in range(40)},
    [], "A=x", 5, True, {"A": "\ud800"},
)  # fmt: skip


def requests() -> Iterator[Hostile]:
    """Bodies, paths and headers."""
    for number, raw in enumerate(_BODIES):
        for function, path in (("publishing", "/provider-versions"), ("installations", "/providers/install")):
            yield Hostile("body", f"{function}-{number}", function, _posted(path, raw))
    for number, path in enumerate(_PATHS):
        yield Hostile("path", str(number), "catalog", lambda ground, path=path: ground.send("GET", path), HARMLESS)
    for number, since in enumerate(_SINCE):
        yield Hostile("since", str(number), "installations", _logs_since(since), REFUSED | {200})
    for number, headers in enumerate(_HEADERS):
        yield Hostile("header", str(number), "installations", _headed(headers), HARMLESS)


def _logs_since(since: str) -> Callable[[Ground], int]:
    query = urlencode({"since": since, "limit": 1})
    return lambda ground: ground.send("GET", f"/providers/installed/acme/none/logs?{query}", ground.tenants.user)


def _posted(path: str, raw: bytes) -> Callable[[Ground], int]:
    return lambda ground: ground.send("POST", path, ground.tenants.user, raw=raw)


def _headed(headers: dict[str, str]) -> Callable[[Ground], int]:
    return lambda ground: ground.send("GET", "/providers/installed", ground.tenants.user, headers=headers)


_BODIES = (
    b"", b"{", b"[]", b"null", b"5", b'"x"', b"{" * 100_000, b"[" * 500_000, b'{"a":' * 100_000, b"\xff\xfe",
    b"\0" * 1000,
    b"1" * 1_000_000, b'{"a":' + b"9" * 900_000 + b"}", b"[" + b"{}," * 300_000 + b"{}]", b'{"\\u0000": 1}',
    encoded({f"k{number}": number for number in range(50_000)}), b"x" * (1024 * 1024 + 1),
    encoded({"provider_name": "a/" * 100, "name": "a/" * 100}), encoded({"provider_name": BIG, "name": BIG}),
    encoded({"provider_name": "acme/../other", "name": "acme/../other"}), b'{"a":1e999999}',
)  # fmt: skip
_PATHS = (
    "/providers?q=" + "x" * 5000, "/providers?q=%00", "/providers?limit=-1", "/providers?limit=100000000000000000000",
    "/providers?offset=999999999999", "/providers?q=" + "%F0%9F%98%80" * 300,
    "/providers?tags=" + "&tags=".join("a" * 500),
    "/providers/acme/..%2f..%2fother", "/providers/__x__/__y__", "/providers/acme/%2e%2e", "/providers/a%00b/c",
    "/providers//", "/providers/acme/weather/versions/__x__", "/providers/acme/weather/versions/" + "9" * 3000,
    "/providers/acme/weather/versions/1.0.0%0a", "/providers/other/secret", "/providers/%ff/%fe",
    "/providers/a/b/c/d/e/f",
    "/providers/" + "a" * 3000 + "/x", "/providers?" + "a=b&" * 1500, "/providers?q=a%20AND%201=1",
    "/providers?q=%25%25%25",
)  # fmt: skip
_SINCE = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-01-01T00:00:00Z", "2026-W01-1", "-" * 8000,
    _part([1, None, False, {f"p-{number}": [0, 0, 0, None] for number in range(24)}]),
    _part([1, 10**400, False, {}]), _part([1, None, False, {"p": [0, 2**31, -1, None]}]), "W" * 8000,
)  # fmt: skip

_HEADERS: tuple[dict[str, str], ...] = (
    {"X-Request-Id": "x" * 5000}, {"X-Request-Id": "é"}, {"If-None-Match": "x," * 2000}, {"If-None-Match": '"' * 5000},
    {"X-Cloud-Trace-Context": "x" * 5000}, {"X-Cloud-Trace-Context": "/;o="}, {"Content-Length": "-1"},
    {"Content-Length": "99999999999999"}, {"Transfer-Encoding": "chunked, chunked"}, {"Transfer-Encoding": "xchunked"},
    {"Host": "evil.example"}, {"Host": ""}, {"X-Forwarded-For": "1," * 3000}, {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https," * 500}, {"Cookie": "a=b;" * 1500}, {"Accept": "*/*;q=" + "9" * 3000},
    {"Range": "bytes=" + "0-1," * 1500}, {"Expect": "100-continue"}, {"Upgrade": "h2c", "Connection": "Upgrade"},
    {"Idempotency-Key": "x" * 5000}, {"Idempotency-Key": "\x01"}, {"Origin": "https://evil.example"},
    {f"X-{number}": "y" for number in range(99)}, {"X-Long": "z" * 7500}, {"X-HTTP-Method-Override": "DELETE"},
)  # fmt: skip
