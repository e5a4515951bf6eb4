"""The canonical form of a wheel's URL, and the refusal of what has none.

One spelling per wheel: the stored URL is compared (the same version again is the same request) and handed
to runtimes, so what this module lets through must mean the same to every client.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, unquote, urljoin

import idna

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.wheels.errors import WheelRefused

MAX_URL_CHARACTERS = 2048
_MAX_HOST_CHARACTERS = 253
_DEFAULT_PORT = 443

_BARE_HOST = re.compile(
    r"(?:(?=[^/?#@:\[\]]+\.[^/?#@:\[\]])[^/?#@:\[\]]++(?::[0-9]+)?|[^/?#@:\[\]]++:[0-9]+|\[[^/?#@\]]++\](?::[0-9]+)?)/"
)
_PARTS = re.compile(r"https://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/:@!$&'()*+,;=%-._~"
_QUERY_SAFE = _PATH_SAFE + "?[]"


@dataclass(frozen=True, slots=True)
class WheelUrl:
    """A canonical https URL in its parts; `host` is ASCII and without brackets, `query` has its `?` or is empty."""

    host: str
    port: int
    path: str
    query: str

    @property
    def address(self) -> str:
        """`host:port`, as the settings write it."""
        return f"{self._written_host}:{self.port}"

    @property
    def target(self) -> str:
        """What the request line asks for."""
        return self.path + self.query

    @property
    def file_name(self) -> str:
        """The last part of the path, percent-decoded: the wheel's file name."""
        return unquote(self.path.rpartition("/")[2])

    @property
    def _written_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORT else f":{self.port}"
        return f"https://{self._written_host}{port}{self.path}{self.query}"


def parse_wheel_url(raw: str) -> WheelUrl:
    """The canonical form of a wheel's https URL; `str()` of it is its one spelling.

    Scheme and host in lower case, IDNA host, no default port, no dot segments, percent-encoding normalised,
    no fragment; the query stays as it is. A URL without a scheme gets `https://`. Parsing `str()` of the result
    gives the same result.

    Raises WheelRefused with the value and the remedy.
    """
    url = parse_https_url(_with_scheme(raw))
    if not url.path.endswith(".whl"):
        raise WheelRefused(f"{shown(raw)} is not a wheel: the path of a wheel's URL ends in .whl")
    return url


def follow(url: WheelUrl, location: str) -> WheelUrl:
    """Where a redirect from `url` leads; its path may end in anything.

    Raises WheelRefused, which does not name the place: only the host may know it, not the caller.
    """
    try:
        _check_characters(location)
        return parse_https_url(urljoin(str(url), location))
    except (WheelRefused, ValueError) as error:
        raise WheelRefused("the wheel's URL redirects to what is no plain https URL: give the one it is at") from error


def parse_https_url(raw: str) -> WheelUrl:
    """An https URL in canonical parts. Raises WheelRefused."""
    _check_characters(raw)
    scheme, colon, rest = raw.partition(":")
    if not colon or scheme.lower() != "https":
        raise WheelRefused(f"{shown(raw)} is not an https URL: give one that begins with https://")
    match = _PARTS.fullmatch(f"https:{rest}")
    if not match:
        raise WheelRefused(f"{shown(raw)} is not a complete URL: write it as https://host/path")
    authority, path, query = match[1], match[2], match[3] or ""
    host, port = _host_and_port(authority, raw)
    url = WheelUrl(host, port, _canonical_path(path, raw), _canonical_query(query))
    if len(str(url)) > MAX_URL_CHARACTERS:
        raise WheelRefused(f"{shown(raw)} is over {MAX_URL_CHARACTERS} characters once encoded: use a shorter one")
    return url


def shown(raw: str) -> str:
    """`raw` as an error may show it: quoted, cut, and without what is secret in a URL (password, signed query)."""
    visible = re.split(r"[?#]", raw, maxsplit=1)[0]
    visible = ascii(re.sub(r"^([A-Za-z]+://)?.*@", r"\1***@", visible, flags=re.DOTALL))
    return visible if len(visible) <= 200 else f"{visible[:200]}…'"


def _with_scheme(raw: str) -> str:
    if raw.startswith("//"):
        return f"https:{raw}"
    return f"https://{raw}" if _BARE_HOST.match(raw) else raw


def _check_characters(raw: str) -> None:
    if len(raw) > MAX_URL_CHARACTERS:
        raise WheelRefused(f"{shown(raw)} is over {MAX_URL_CHARACTERS} characters: use a shorter URL")
    if "\\" in raw:
        raise WheelRefused(f"{shown(raw)} has a backslash: a URL separates with /")
    # Lone surrogates are in no UTF-8 text; JSON can spell them all the same.
    if any(character.isspace() or not _is_text(character) for character in raw):
        raise WheelRefused(f"{shown(raw)} has white space or a control character: percent-encode it or leave it out")


def _is_text(character: str) -> bool:
    code = ord(character)
    return code >= 0x20 and not 0x7F <= code < 0xA0 and not 0xD800 <= code < 0xE000


def _host_and_port(authority: str, raw: str) -> tuple[str, int]:
    if "@" in authority:
        raise WheelRefused(
            f"{shown(raw)} has a user name or password: a wheel's URL is stored and shown, so leave it out"
        )
    match = _AUTHORITY.fullmatch(authority)
    if not match:
        raise WheelRefused(
            f"{shown(raw)} has no valid host and port: write https://host/path or https://host:port/path"
        )
    port = int(match[2] or _DEFAULT_PORT)
    if not 1 <= port <= 65535:
        raise WheelRefused(f"{shown(raw)} has a port that is not in 1-65535")
    host = _ipv6(match[1]) if match[1].startswith("[") else _canonical_host(match[1])
    if host is None:
        raise WheelRefused(f"{shown(raw)} has no valid host: write a host name, or an address in its usual form")
    return host, port


def _ipv6(bracketed: str) -> str | None:
    try:
        address = IPv6Address(bracketed[1:-1])
    except ValueError:
        return None
    return None if address.scope_id else str(address)


def _canonical_host(host: str) -> str | None:
    """The host in ASCII, lower case, without the root's dot; None where it is neither a name nor a plain IPv4."""
    host = _ascii(host.lower() if host.isascii() else host)
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        return _ipv4(host)
    return host


def _ascii(host: str) -> str:
    if host.isascii() or len(host) > _MAX_HOST_CHARACTERS:
        return host
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _ipv4(host: str) -> str | None:
    # Whatever ends in a number is an address to some resolver: 127.1, 2130706433, 0x7f.1, 0177.0.0.1. Only the
    # plain dotted form means the same to all of them.
    try:
        return str(IPv4Address(host))
    except ValueError:
        return None


def _canonical_path(path: str, raw: str) -> str:
    def normal(match: re.Match[str]) -> str:
        if not match[1]:
            raise WheelRefused(f"{shown(raw)} has a % that begins no escape: write it as %25")
        character = chr(int(match[1], 16))
        if ord(character) < 0x20 or ord(character) == 0x7F or character == "\\":
            raise WheelRefused(f"{shown(raw)} has an escaped control character or backslash: leave it out")
        return character if character in _UNRESERVED else f"%{match[1].upper()}"

    return _without_dot_segments(quote(_PERCENT.sub(normal, path), safe=_PATH_SAFE))


def _canonical_query(query: str) -> str:
    # A signature may cover the query's exact bytes: only what no request line can carry is encoded.
    return "" if query == "?" else quote(query, safe=_QUERY_SAFE)


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
