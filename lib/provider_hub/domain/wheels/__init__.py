"""What the hub knows about wheels without fetching one: the canonical form of their URLs, and what their files say.

Nothing here opens a connection or a file: `inspect_wheel` reads a binary file object that its caller opened.
"""

from provider_hub.domain.wheels.errors import (
    DigestMismatch,
    WheelError,
    WheelInvalid,
    WheelRefused,
    WheelUnreachable,
)
from provider_hub.domain.wheels.inspection import WheelContents, inspect_wheel
from provider_hub.domain.wheels.package import PackageRefused, Packages, PackageUnclear
from provider_hub.domain.wheels.urls import WheelUrl, parse_wheel_url
from provider_hub.domain.wheels.versions import same_version

__all__ = [
    "DigestMismatch",
    "PackageRefused",
    "PackageUnclear",
    "Packages",
    "WheelContents",
    "WheelError",
    "WheelInvalid",
    "WheelRefused",
    "WheelUnreachable",
    "WheelUrl",
    "inspect_wheel",
    "parse_wheel_url",
    "same_version",
]
