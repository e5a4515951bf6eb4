"""What was read in a wheel."""

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.wheels.package import Packages


@dataclass(frozen=True, slots=True)
class WheelContents:
    """What a wheel says of itself: `distribution` and `version` as its METADATA spells them.

    `requires_python` and `summary` are None where not given. `requirements` are the Requires-Dist lines, as written.
    `schemas_text` is the file with the schemas that the provider's package offers (`offered_schemas`), not parsed yet.
    `metadata` is the METADATA itself, at most `inspection.MAX_METADATA_BYTES`.
    """

    distribution: str
    version: str
    packages: Packages
    requires_python: str | None
    summary: str | None
    requirements: tuple[str, ...] = ()
    schemas_text: str | None = None
    metadata: bytes = b""
