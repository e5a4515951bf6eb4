"""Wheels as publishers give them: a URL to make canonical, bytes to fetch and verify, metadata to read."""

from provider_hub.adapters.wheels.errors import (
    DigestMismatch,
    WheelError,
    WheelInvalid,
    WheelRefused,
    WheelUnreachable,
)
from provider_hub.adapters.wheels.fetching import FetchedWheel, FetchPolicy, fetch_wheel
from provider_hub.adapters.wheels.inspection import WheelContents, inspect_wheel
from provider_hub.adapters.wheels.urls import canonical_wheel_url
from provider_hub.adapters.wheels.versions import same_version

__all__ = [
    "DigestMismatch",
    "FetchPolicy",
    "FetchedWheel",
    "WheelContents",
    "WheelError",
    "WheelInvalid",
    "WheelRefused",
    "WheelUnreachable",
    "canonical_wheel_url",
    "fetch_wheel",
    "inspect_wheel",
    "same_version",
]
