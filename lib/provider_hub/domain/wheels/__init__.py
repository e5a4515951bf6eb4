"""What the hub knows about wheels without fetching one: the canonical form of their URLs, and what their files say.

Nothing here opens a connection or a file. `inspection`, which reads a wheel, is not imported here: the functions leave
that to a child process (`adapters.wheel_inspection`).
"""

from provider_hub.domain.wheels.contents import WheelContents
from provider_hub.domain.wheels.errors import (
    DigestMismatch,
    WheelError,
    WheelInvalid,
    WheelRefused,
    WheelUnreachable,
)
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
    "parse_wheel_url",
    "same_version",
]
