"""What a parameter in a route's path is; those that the routes of several modules have."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import MAX_CANONICAL, SHORT_PATTERN, SLUG_PATTERN
from provider_hub.domain.versions import MAX_LENGTH as MAX_VERSION
from provider_hub.domain.versions import PATTERN as VERSION_PATTERN


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in a path. `constraints` hold its text, as keywords of JSON Schema."""

    description: str
    example: str
    constraints: Mapping[str, Any] = field(default_factory=lambda: {"minLength": 1})


PROVIDER: Mapping[str, Parameter] = {
    "org": Parameter(
        "The provider's namespace: `platform`, or an organization's slug.",
        example="acme",
        constraints={"pattern": f"^{SLUG_PATTERN}$"},
    ),
    "name": Parameter(
        "The provider's name.",
        example="weather",
        constraints={"pattern": f"^{SHORT_PATTERN}$", "maxLength": MAX_CANONICAL},
    ),
}
VERSION: Mapping[str, Parameter] = {
    "version": Parameter(
        "A semantic version; a `+` in it may be written as it is.",
        example="1.4.0",
        constraints={"pattern": f"^{VERSION_PATTERN}$", "maxLength": MAX_VERSION},
    ),
}

ROLLOUT: Mapping[str, Parameter] = {
    "rollout_id": Parameter(
        "A rollout's id: the version; of one that was locked again `VERSION@` and the lock's first 12 digits.",
        example="1.4.0",
        constraints={"pattern": f"^{VERSION_PATTERN}(@[0-9a-f]{{12}})?$", "maxLength": MAX_VERSION + 13},
    ),
}
