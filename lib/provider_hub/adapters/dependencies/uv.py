"""The resolver: `uv pip compile` in a limited child, for the runtime's Python and platform, of wheels alone.

uv reads what anybody may have put on an index. It runs with limits on time, memory and files, in a folder of its own
that is gone afterwards, and sees none of this process's secrets but the indexes' credentials, which it reads from a
file and which no message repeats.
"""

import logging
import os
import re
import signal
import ssl
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.turns import Turns
from provider_hub.adapters.limited_child import MIB, Limits
from provider_hub.adapters.limited_program import Ended, run_program
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies.choice import lock_of
from provider_hub.domain.dependencies.lock import DependencyLock, LockRefused
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.runtimes import RuntimeImage
from provider_hub.settings.wheels import Indexes, UploadTimes

log = logging.getLogger(__name__)

WALL_SECONDS = 60.0
# Two at once, with their folders, have to fit into an instance whose files are memory too. The limit is of address
# space. uv 0.13 had 273 MiB of it for langchain[all], llama-index and crewai together, 136 of them in use, and 522
# with 260 in use for apache-airflow[all], after the minute that it may take.
_LIMITS = Limits(
    cpu_seconds=45, wall_seconds=WALL_SECONDS, memory_bytes=640 * MIB, output_bytes=64 * MIB, open_files=512
)
_FOLDER_BYTES = 192 * MIB
# glibc reserves 64 MiB of address space for each of uv's threads, and jemalloc returns none that it had: the same trees
# had 1.4 GiB and more of it, with as little in use, and were refused. Neither costs time that can be measured.
_LITTLE_ADDRESS_SPACE = {"MALLOC_ARENA_MAX": "1", "_RJEM_MALLOC_CONF": "retain:false"}
_LONGEST_REASON = 560
# How uv ends: 1 where the requirements cannot be met, 2 where it could not find out or could not read them.
_UNRESOLVABLE = 1
# uv tells it in a hint beside "was not found", and ends as if the requirements could not be met.
_LOGIN_REFUSED = re.compile(r"could not be queried due to a lack of valid authentication credentials")
# A requirement that Python's tools read and uv does not, and a file that is over the limit (EFBIG).
_FAULT_OF_THE_WHEEL = re.compile(r"Couldn't parse requirement|\(os error 27\)")
# As uv tells that a release has no wheel for that Python or platform. It heeds no upper bound of a Requires-Python.
_BY_PYTHON = re.compile(r"no (usable )?wheels|wheels are usable")
# From outside: by whoever ends this process, or a machine without memory.
_ENDED_FROM_OUTSIDE = frozenset({-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP})
_TOO_MUCH = (
    "to resolve the wheel's dependencies takes more memory or files than one resolution may use: ask for narrower "
    "versions of them"
)
_LATER = "an index of the dependencies does not answer as it should: publish again later"
_NETWORK_VARIABLES = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
_BOX = re.compile(r"[│╰─▶├×]+")
_NO_UPLOAD_TIME = re.compile(r"missing an upload (date|time)")
_PLATFORM = re.compile(r"(manylinux|musllinux)_(\d)_(\d+)_(\w+)")
# What uv knows of glibc, by the minor version; of musl it knows one.
_GLIBC = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)


@dataclass(frozen=True, slots=True)
class IndexPolicy:
    """Which indexes are asked, and how new a file on them may be.

    `urls` are simple indexes (PEP 503 or 691), the first one asked last. `credentials` maps an index's host to user and
    password. `ca_file` is trusted beside the system's certificates, "" = those alone.
    """

    urls: Sequence[str]
    cooldown: timedelta
    upload_times: UploadTimes = UploadTimes.REFUSE
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    ca_file: str = ""

    @classmethod
    def from_settings(cls, settings: Indexes) -> Self:
        """The policy of this deployment."""
        return cls(
            urls=settings.index_urls,
            cooldown=timedelta(days=settings.index_cooldown_days),
            upload_times=settings.index_upload_times,
            credentials=settings.index_logins,
            ca_file=settings.index_ca_file,
        )


class UvResolver:
    """Locks by uv (`actions.resolution.Resolver`). `uv` is the program, None for the one installed beside Python."""

    def __init__(self, policy: IndexPolicy, uv: str | None = None) -> None:
        self._policy = policy
        self._uv = uv
        self._turns = Turns(at_once=2, waiting=8, wait_seconds=20, work="resolutions of dependencies")

    def resolve(self, wanted: Dependencies) -> DependencyLock:
        """Lock what is wanted. Raises LockRefused with uv's own reason, or TemporaryError."""
        if not all(line.isprintable() for line in wanted.requirements):
            # uv would read the rest of such a line as options. A wheel of before they were refused may have one.
            raise LockRefused("a requirement of the wheel has unprintable characters: publish a version without them")
        with self._turns.turn(wanted.prefix or None):
            ends_at = time.monotonic() + min(_LIMITS.wall_seconds, wanted.within.total_seconds())
            ended = self._ended(wanted, ends_at, keeps_cooldown=True)
            if ended.code and _NO_UPLOAD_TIME.search(ended.errors):
                if self._policy.upload_times is UploadTimes.REFUSE:
                    raise LockRefused(_without_upload_times(self._policy.cooldown))
                log.warning("an index tells no upload times: its files are locked whatever their age")
                ended = self._ended(wanted, ends_at, keeps_cooldown=False)
        if ended.code:
            self._raise_cause(ended, wanted.image)
        return lock_of(ended.output, wanted.image, self._policy.credentials)

    def _raise_cause(self, ended: Ended, image: RuntimeImage) -> None:
        """Raise what uv's end means: LockRefused where the wheel is its cause, TemporaryError for all else."""
        if _LOGIN_REFUSED.search(_plain(ended.errors)):
            log.error("an index of the dependencies refuses the hub's login: HUB_INDEX_CREDENTIALS has to be set right")
            raise TemporaryError(_LATER)
        if ended.code == _UNRESOLVABLE or _FAULT_OF_THE_WHEEL.search(ended.errors):
            raise LockRefused(
                self._reason(ended.errors, image), may_fit_elsewhere=bool(_BY_PYTHON.search(_plain(ended.errors)))
            )
        log.warning("uv ended with %s: %s", ended.code, _masked(_plain(ended.errors)))
        if ended.code < 0 and ended.code not in _ENDED_FROM_OUTSIDE:
            raise LockRefused(_TOO_MUCH)
        raise TemporaryError(_LATER)

    def _reason(self, errors: str, image: RuntimeImage) -> str:
        told = _plain(errors)
        for url in self._policy.urls:
            told = told.replace(url.rstrip("/"), "(an index)")
        return _reason(told, image)

    def _ended(self, wanted: Dependencies, ends_at: float, *, keeps_cooldown: bool) -> Ended:
        with TemporaryDirectory(prefix="dependencies-") as name:
            directory = Path(name)
            ended = run_program(
                self._command(wanted, keeps_cooldown=keeps_cooldown),
                replace(_LIMITS, wall_seconds=max(0.0, ends_at - time.monotonic())),
                text="\n".join(wanted.requirements),
                environment=self._environment(directory),
                directory=directory,
                folder_bytes=_FOLDER_BYTES,
            )
        if ended.timed_out:
            raise TemporaryError(
                f"the wheel's dependencies are not resolved within {WALL_SECONDS:.0f} s: ask for narrower versions of "
                "them, or publish again later"
            )
        if ended.filled_folder:
            raise LockRefused(_TOO_MUCH)
        return ended

    def _command(self, wanted: Dependencies, *, keeps_cooldown: bool) -> list[str]:
        default, *further = self._policy.urls
        command = [
            self._uv or _beside_python(), "pip", "compile", "-",
            "--format", "pylock.toml",
            "--python-version", wanted.image.python_version,
            "--python-platform", platform_for_uv(wanted.image.platform),
            "--python", sys.executable,
            "--no-python-downloads",
            "--only-binary", ":all:",
            "--default-index", default,
            *(part for url in further for part in ("--index", url)),
            "--no-config", "--no-header", "--no-annotate", "--no-progress", "--color", "never",
        ]  # fmt: skip
        if keeps_cooldown and self._policy.cooldown:
            newest = f"{wanted.at - self._policy.cooldown:%Y-%m-%dT%H:%M:%SZ}"
            command += ["--exclude-newer", newest]
            command += [f"--exclude-newer-package={name}=false" for name in sorted(wanted.own)]
        return command

    def _environment(self, directory: Path) -> dict[str, str]:
        network = {name: os.environ[name] for name in _NETWORK_VARIABLES if os.environ.get(name)}
        if self._policy.ca_file:
            network["SSL_CERT_FILE"] = str(_bundle(Path(self._policy.ca_file), directory))
        netrc = directory / "netrc"
        netrc.touch(mode=0o600)
        logins = self._policy.credentials.items()
        netrc.write_text("".join(f"machine {host} login {user} password {word}\n" for host, (user, word) in logins))
        return {
            **network,
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "UV_CACHE_DIR": str(directory / "cache"),
            "NETRC": str(netrc),
            **_LITTLE_ADDRESS_SPACE,
            # Who publishes tries again; a request that waits holds one of the few turns.
            "UV_HTTP_RETRIES": "1",
        }


def platform_for_uv(platform: str) -> str:
    """What uv calls a platform: the newest that it knows and that is not newer."""
    match = _PLATFORM.fullmatch(platform)
    if match is None:
        raise AssertionError(f"{platform} is no platform of a runtime")
    family, _, minor, machine = match.groups()
    if family == "musllinux":
        return f"{machine}-unknown-linux-musl"
    known = next((glibc for glibc in _GLIBC if glibc <= int(minor)), _GLIBC[-1])
    return f"{machine}-manylinux_2_{known}"


def _beside_python() -> str:
    """The uv that was installed into this interpreter's environment, and no other that a PATH may have."""
    from uv import find_uv_bin  # noqa: PLC0415 - a function that resolves nothing starts without it

    return str(find_uv_bin())


def _bundle(extra: Path, directory: Path) -> Path:
    """A file with the system's certificates and the extra ones: uv takes one file in the place of its own."""
    system = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    together = directory / "certificates.pem"
    parts = [Path(system).read_text() if system else "", extra.read_text()]
    together.write_text("\n".join(parts))
    return together


def _reason(told: str, image: RuntimeImage) -> str:
    remedy = " Depend on a release that has a wheel." if "building from source is disabled" in told else ""
    short = told if len(told) <= _LONGEST_REASON else f"{told[: _LONGEST_REASON - 1].rstrip()}…"
    return (
        f"the wheel's dependencies cannot be installed on CPython {image.python_version}, {image.platform}: "
        f"{_masked(short)}{remedy}"
    )


def _plain(errors: str) -> str:
    """uv's words on one line, without the boxes that it draws around them."""
    return " ".join(_BOX.sub(" ", errors).split())


def _without_upload_times(cooldown: timedelta) -> str:
    return (
        f"an index of the dependencies tells no upload times, so nothing shows that its files are {cooldown.days} days "
        "old: the operator of this hub names an index that tells them, or allows one that does not"
    )


def _masked(text: str) -> str:
    from provider_hub.domain.masking import mask  # noqa: PLC0415 - it compiles its patterns, and few locks fail

    return mask(text)
