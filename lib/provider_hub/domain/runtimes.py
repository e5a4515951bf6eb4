"""Versions of the runtime: images with a Python in them, each registered once under a name."""

import re
from datetime import datetime
from hashlib import sha256

from provider_hub.domain.dataclass import dataclass

PYTHON_PATTERN = r"^3\.[0-9]{1,2}(\.[0-9]{1,2})?$"
PLATFORM_PATTERN = r"^(manylinux_2_[0-9]{1,2}|musllinux_1_[0-9]{1,2})_(x86_64|aarch64)$"

# What a pod runs where its version names no entrypoint.
DEFAULT_ENTRYPOINT = ("python", "-m", "pragma_runtime.entrypoint")

_DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class RuntimeImage:
    """What a pod starts from: the image's reference, the CPython in it (`3.13` or `3.13.2`), and its platform.

    `platform` is the newest platform tag of a wheel that the image can load, such as `manylinux_2_36_x86_64`.
    """

    image_url: str
    python_version: str
    platform: str

    @property
    def default_name(self) -> str:
        """The name of this image's runtime version if nobody gave one: each image has its own."""
        digest = _DIGEST.search(self.image_url)
        series = ".".join(self.python_version.split(".")[:2])
        return f"python{series}-{(digest[1] if digest else sha256(self.image_url.encode()).hexdigest())[:12]}"


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """A registered image of the runtime. Only `changelog` changes: what is pinned to a version stays what it was."""

    version: str
    image_url: str
    python_version: str
    platform: str
    changelog: str | None
    released_at: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def image(self) -> RuntimeImage:
        """The part of it that never changes."""
        return RuntimeImage(self.image_url, self.python_version, self.platform)


def registered_default(image: RuntimeImage, now: datetime) -> RuntimeVersion:
    """The runtime version that a deployment registers for the image of its own settings."""
    return RuntimeVersion(
        image.default_name,
        image.image_url,
        image.python_version,
        image.platform,
        changelog=None,
        released_at=now,
        created_at=now,
        updated_at=now,
    )


def described(runtime: RuntimeVersion) -> str:
    """Name, Python and platform, as a refusal shows them to an author."""
    return f"{runtime.version} (CPython {runtime.python_version}, {runtime.platform})"
