"""The lock of a version: every distribution that its wheel needs, each by one wheel and that wheel's digest.

It is written as `pylock.toml` (PEP 751). The same wheels give the same text, byte for byte, so the digest of the text
stands for everything that an installation runs beside the provider's own wheel.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Self
from zlib import compress

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError
from provider_hub.domain.runtimes import RuntimeImage

LOCK_VERSION = "1.0"
CREATED_BY = "provider-hub"
MAX_WHEELS = 500
# A pod gets its lock as one environment variable, and Linux takes at most 128 KiB of one.
MAX_PACKED_BYTES = 96 * 1024


class LockRefused(HubError):
    """The dependencies cannot be locked; `str()` is a sentence for the version's author.

    `may_fit_elsewhere` says that the runtime's Python or platform has a part in it, so that another one might do.
    """

    def __init__(self, sentence: str, *, may_fit_elsewhere: bool = False) -> None:
        super().__init__(sentence)
        self.may_fit_elsewhere = may_fit_elsewhere


class LockMalformed(HubError):
    """A text that is not a lock of the hub."""


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """One wheel of a lock: `name` is the distribution's normalised name, `size` in bytes, None where unknown."""

    name: str
    version: str
    file_name: str
    url: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True)
class DependencyLock:
    """The wheels by name, and the Python and platform that they were chosen for.

    The provider's own wheel is never among them.
    """

    python_version: str
    platform: str
    wheels: tuple[LockedWheel, ...]

    @classmethod
    def of(cls, image: RuntimeImage, wheels: tuple[LockedWheel, ...]) -> Self:
        """The lock for an image. Raises LockRefused for more wheels than a pod's environment can hold."""
        if len(wheels) > MAX_WHEELS:
            raise LockRefused(f"the wheel needs {len(wheels)} distributions: at most {MAX_WHEELS} can be locked")
        made = cls(image.python_version, image.platform, tuple(sorted(wheels, key=lambda wheel: wheel.name)))
        if len(made.packed) > MAX_PACKED_BYTES:
            raise LockRefused(
                f"the lock of the wheel's {len(wheels)} dependencies is over {MAX_PACKED_BYTES // 1024} KiB: "
                "depend on fewer distributions"
            )
        return made

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `text` wrote. Raises LockMalformed."""
        import tomllib  # noqa: PLC0415 - every function imports this module, and few read a lock

        try:
            document = tomllib.loads(text)
            target = document["tool"][CREATED_BY]
            wheels = tuple(_wheel(package) for package in document["packages"])
            return cls(str(target["python-version"]), str(target["platform"]), wheels)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise LockMalformed(f"no lock that can be read: {error!r}") from None

    @property
    def text(self) -> str:
        """The lock as `pylock.toml`."""
        machine = self.platform.split("_", 3)[-1]
        environment = (
            f"implementation_name == 'cpython' and sys_platform == 'linux' and platform_machine == '{machine}'"
        )
        series = ".".join(self.python_version.split(".")[:2])
        head = [
            f"lock-version = {_quoted(LOCK_VERSION)}",
            f"environments = [{_quoted(environment)}]",
            f"requires-python = {_quoted(f'=={series}.*')}",
            f"created-by = {_quoted(CREATED_BY)}",
        ]
        if not self.wheels:
            head.append("packages = []")
        tool = [
            f"[tool.{CREATED_BY}]",
            f"python-version = {_quoted(self.python_version)}",
            f"platform = {_quoted(self.platform)}",
        ]
        blocks = ["\n".join(head), *map(_block, self.wheels), "\n".join(tool)]
        return "\n\n".join(blocks) + "\n"

    @property
    def sha256(self) -> str:
        """The digest of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def packed(self) -> str:
        """The text as a pod gets it: compressed, in base 64."""
        return b64encode(compress(self.text.encode(), 9)).decode()


def _block(wheel: LockedWheel) -> str:
    lines = [
        "[[packages]]",
        f"name = {_quoted(wheel.name)}",
        f"version = {_quoted(wheel.version)}",
        "",
        "[[packages.wheels]]",
        f"name = {_quoted(wheel.file_name)}",
        f"url = {_quoted(wheel.url)}",
    ]
    if wheel.size is not None:
        lines.append(f"size = {wheel.size}")
    lines.append(f"hashes = {{ sha256 = {_quoted(wheel.sha256)} }}")
    return "\n".join(lines)


def _wheel(package: Mapping[str, Any]) -> LockedWheel:
    (wheel,) = package["wheels"]
    size = wheel.get("size")
    return LockedWheel(
        name=str(package["name"]),
        version=str(package["version"]),
        file_name=str(wheel["name"]),
        url=str(wheel["url"]),
        sha256=str(wheel["hashes"]["sha256"]),
        size=None if size is None else int(size),
    )


def _quoted(text: str) -> str:
    """A basic string of TOML, which escapes printable characters as JSON does."""
    if not text.isprintable():
        raise LockRefused(f"the index tells of a file with unprintable characters: {text[:100]!a}")
    return json.dumps(text, ensure_ascii=False)
