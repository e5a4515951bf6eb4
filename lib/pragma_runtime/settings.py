"""What the control plane tells a runtime, read once from the environment."""

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from pragma_runtime.errors import SettingsError
from pragma_runtime.handover import TOKEN_VARIABLE
from pragma_runtime.lock import Lock, read_lock

_Number = TypeVar("_Number", int, float)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROVIDER = re.compile(r"[^/\s]+/[^/\s]+")
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - the pod's own network, behind its NetworkPolicy


class Settings(NamedTuple):
    """Each field is the environment variable `PRAGMA_<FIELD>` in capitals."""

    organization_id: str
    provider: str  # canonical, `prefix/name`
    version: str
    installation_id: str
    generation: int
    instance_id: str  # the pod's name
    wheel_url: str  # https, its path ends in the wheel's file name; may carry a signed query
    wheel_sha256: str  # 64 lowercase hexadecimal digits
    package_name: str  # dotted, chosen at publishing; "" where an entrypoint or the SDK's worker knows what to import
    check_in_topic: str  # `projects/P/topics/T`
    pubsub_endpoint: str  # https = Google's, with OAuth; http = an emulator, without
    check_in_token: str
    work_dir: Path  # the only writable directory
    check_in_seconds: float = 300.0
    health_seconds: float = 10.0  # between two calls of health(), and the longest one may take
    start_seconds: float = 480.0  # from the first line to the first check-in; less than the deploy's own deadline
    handshake_seconds: float = 120.0  # for a worker to load its provider, on the smallest tier's share of a CPU
    grace_seconds: float = 25.0  # from SIGTERM to the end, at most
    listen_address: str = _EVERY_ADDRESS
    port: int = 8080  # 0 = any free one
    ca_file: Path | None = None  # trusted for the wheels' hosts, beside the system's
    artifacts_url: str = ""  # https, of the bucket in which the hub keeps wheels; "" where it keeps none of these
    wheel_object: str = ""  # the name of the provider's own wheel in that bucket; "" where the hub does not know one
    disk_bytes: int = 0  # of the volume that has `work_dir`; 0 where the Deployment does not say, as older ones
    lock: Lock | None = None  # what is installed beside the wheel; None for what was published without a lock

    def __repr__(self) -> str:
        """Without the token, which no message may show."""
        return f"Settings of {self.provider} {self.version}, installation {self.installation_id}"


def read_settings(environment: Mapping[str, str], check_in_token: str) -> Settings:
    """Parse `environment`; raises SettingsError with the variable's name, its value and what is expected.

    The token comes apart, for by now it is out of the environment, and no message ever shows it.
    """
    reader = _Reader(environment)
    if not check_in_token.strip():
        raise SettingsError(f"{TOKEN_VARIABLE} is missing; the control plane sets it in the installation's Secret.")
    return Settings(
        organization_id=reader.text("ORGANIZATION_ID"),
        provider=reader.matching("PROVIDER", _PROVIDER, "prefix/name"),
        version=reader.text("VERSION"),
        installation_id=reader.text("INSTALLATION_ID"),
        generation=reader.number("GENERATION", int, at_least=1),
        instance_id=reader.text("INSTANCE_ID"),
        wheel_url=reader.wheel_url("WHEEL_URL"),
        wheel_sha256=reader.matching("WHEEL_SHA256", _DIGEST, "64 lowercase hexadecimal digits"),
        package_name=reader.optional("PACKAGE_NAME"),
        check_in_topic=reader.matching("CHECK_IN_TOPIC", _TOPIC, "projects/PROJECT/topics/TOPIC"),
        pubsub_endpoint=reader.endpoint("PUBSUB_ENDPOINT"),
        check_in_token=check_in_token,
        work_dir=reader.work_dir("WORK_DIR"),
        check_in_seconds=reader.number("CHECK_IN_SECONDS", float, default="300", at_least=0.1),
        health_seconds=reader.number("HEALTH_SECONDS", float, default="10", at_least=0.1),
        start_seconds=reader.number("START_SECONDS", float, default="480", at_least=1),
        handshake_seconds=reader.number("HANDSHAKE_SECONDS", float, default="120", at_least=0.1),
        grace_seconds=reader.number("GRACE_SECONDS", float, default="25", at_least=1),
        listen_address=reader.address("LISTEN_ADDRESS", default=_EVERY_ADDRESS),
        port=reader.number("PORT", int, default="8080", at_least=0, at_most=65535),
        ca_file=reader.file("CA_FILE"),
        artifacts_url=reader.optional_https("ARTIFACTS_URL"),
        wheel_object=reader.optional("WHEEL_OBJECT"),
        disk_bytes=reader.number("DISK_BYTES", int, default="0", at_least=0, at_most=2**60),
        lock=reader.lock("LOCK"),
    )


def public_url(url: str) -> str:
    """`url` as it may be shown: without user, password, query and fragment, where secrets travel."""
    parts = urlsplit(url)
    return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "").geturl()


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def optional(self, name: str, default: str = "") -> str:
        return self._environment.get(f"PRAGMA_{name}", "").strip() or default

    def text(self, name: str, default: str = "") -> str:
        value = self.optional(name, default)
        if not value:
            raise SettingsError(f"PRAGMA_{name} is missing; the control plane sets it in the Deployment.")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], shape: str) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise _malformed(name, value, shape)
        return value

    def number(
        self, name: str, parse: Callable[[str], _Number], *, at_least: float, at_most: float = 1e9, default: str = ""
    ) -> _Number:
        value = self.text(name, default)
        try:
            number = parse(value)
        except ValueError:
            raise _malformed(name, value, "a number") from None
        if not at_least <= number <= at_most:
            raise _malformed(name, value, f"a number from {at_least:g} to {at_most:g}")
        return number

    def wheel_url(self, name: str) -> str:
        value = self.text(name)
        parts = _split(name, value)
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise _malformed(name, public_url(value), "an https:// URL without a user or password")
        return value

    def endpoint(self, name: str) -> str:
        value = self.text(name).rstrip("/")
        parts = _split(name, value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or "@" in parts.netloc:
            raise _malformed(name, public_url(value), "https://HOST, or http://HOST:PORT of an emulator")
        return value

    def optional_https(self, name: str) -> str:
        return self.wheel_url(name).rstrip("/") if self.optional(name) else ""

    def address(self, name: str, default: str) -> str:
        value = self.optional(name, default)
        try:
            ip_address(value)
        except ValueError:
            raise _malformed(name, value, "an IPv4 or IPv6 address") from None
        return value

    def work_dir(self, name: str) -> Path:
        path = Path(self.text(name)).absolute()
        if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
            raise _malformed(name, str(path), "an existing directory that this process may write to")
        return path

    def lock(self, name: str) -> Lock | None:
        """The lock whose digest the Deployment names; its text comes in the generation's Secret."""
        if not self.optional(f"{name}_SHA256"):
            return None
        return read_lock(self.text(name), self.matching(f"{name}_SHA256", _DIGEST, "64 lowercase hexadecimal digits"))

    def file(self, name: str) -> Path | None:
        value = self.optional(name)
        if not value:
            return None
        path = Path(value).absolute()
        if not path.is_file():
            raise _malformed(name, str(path), "an existing file with PEM certificates, or nothing")
        return path


def _split(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # parsed only when asked for
    except ValueError:
        raise SettingsError(f"PRAGMA_{name} is not a URL.") from None
    return parts


def _malformed(name: str, value: str, expected: str) -> SettingsError:
    return SettingsError(f"PRAGMA_{name} is {value!r}; expected {expected}.")
