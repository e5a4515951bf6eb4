"""The wheels that publishing asks for: fetched under one policy, each refusal as the field that it concerns."""

from provider_hub.actions.ports import Wheel
from provider_hub.adapters.wheels.fetching import FetchPolicy, fetch_wheel
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.wheels import DigestMismatch, WheelError, WheelUrl, same_version
from provider_hub.domain.wheels.versions import is_ranked_otherwise


class VerifiedWheels:
    """Wheels at public HTTPS addresses (`actions.ports.Wheels`)."""

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy

    def fetch(self, url: WheelUrl, sha256: str | None, provider: ProviderName, version: str) -> Wheel:
        """Fetch and inspect the wheel of `version`. Raises Invalid at the field of the body that is wrong."""
        try:
            wheel = fetch_wheel(url, expected_sha256=sha256, policy=self._policy)
        except DigestMismatch as error:
            raise Invalid.at("body", "sha256", msg=str(error)) from error
        except WheelError as error:
            raise Invalid.at("body", "wheel_url", msg=str(error)) from error
        contents = wheel.contents
        if not same_version(version, contents.version):
            mismatch = f"the wheel says that it is version {contents.version}, not {version} of {provider}"
            raise Invalid.at("body", "version", msg=f"{mismatch}{_remedy(contents.version)}")
        return Wheel(
            sha256=wheel.sha256,
            version=contents.version,
            packages=contents.packages,
            distribution=contents.distribution,
            summary=contents.summary,
            requires_python=contents.requires_python,
            file_name=url.file_name,
            size=wheel.size,
            requirements=contents.requirements,
        )


def _remedy(wheel_version: str) -> str:
    if not is_ranked_otherwise(wheel_version):
        return ""
    return (
        ", and no semantic version can say the same: build it as MAJOR.MINOR.PATCH, a fix of 1.0.0 as 1.0.1 and not as "
        "1.0.0.post1"
    )
