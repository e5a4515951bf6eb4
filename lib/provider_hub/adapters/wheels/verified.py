"""The wheels that operations ask for: fetched under one policy, refusals told as what is wrong with the request."""

from provider_hub.actions.ports import Wheel
from provider_hub.adapters.wheels.errors import DigestMismatch, WheelError
from provider_hub.adapters.wheels.fetching import FetchPolicy, fetch_wheel
from provider_hub.adapters.wheels.urls import canonical_wheel_url
from provider_hub.adapters.wheels.versions import same_version
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName


class VerifiedWheels:
    """Wheels at public HTTPS addresses (`operations.ports.Wheels`)."""

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy

    def canonical_url(self, raw: str) -> str:
        try:
            return canonical_wheel_url(raw)
        except WheelError as error:
            raise Invalid.at("body", "wheel_url", msg=str(error)) from error

    def fetch(self, url: str, sha256: str | None, provider: ProviderName, version: str) -> Wheel:
        try:
            wheel = fetch_wheel(url, expected_sha256=sha256, policy=self._policy)
        except DigestMismatch as error:
            raise Invalid.at("body", "sha256", msg=str(error)) from error
        except WheelError as error:
            raise Invalid.at("body", "wheel_url", msg=str(error)) from error
        if not same_version(version, wheel.version):
            told = f"the wheel says that it is version {wheel.version}, not {version} of {provider}"
            raise Invalid.at("body", "version", msg=told)
        return Wheel(wheel.sha256, wheel.version)
