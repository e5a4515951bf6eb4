"""What a case of the contract is: a request that is refused, or one that succeeds."""

from dataclasses import dataclass, field
from typing import Any

from provider_hub.domain.names import ProviderName
from provider_hub.domain.rollout import RolloutState

SHOP = ProviderName("shop", "weather")
WEATHER = "/providers/installed/acme/weather"
METADATA = {"display_name": "Weather", "description": "Readings of weather stations"}


@dataclass(frozen=True)
class Refused:
    """A request, and what it gets: `detail` is the sentence, or a part of it; `loc` is where it is invalid.

    `rule` says that the request is of its schema and a rule refuses it: clients then get one sentence to show.
    """

    method: str
    path: str
    status: int
    detail: str = ""
    who: str | None = "user"
    body: Any = None
    loc: tuple[str | int, ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    rule: bool = False

    def __str__(self) -> str:
        told = self.detail[:30] or "/".join(map(str, self.loc or ()))
        return f"{self.method} {self.path[:40]} {self.status} {told}"


@dataclass(frozen=True)
class Step:
    """A request that succeeds: `shows` are fields of its answer, of an array's first item, or of a page's.

    With `until`, it is asked again until the answer shows them. A `body` that is a function is made for the tenants.
    """

    method: str
    path: str
    status: int = 200
    shows: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    who: str = "machine"
    until: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True)
class Publish:
    """Registering a version by its real wheel."""

    path: str
    provider: str
    version: str
    status: int
    who: str = "machine"


@dataclass(frozen=True)
class Form:
    """Publishing a real wheel by the upload form; `shows` are fields of the version."""

    version: str
    status: int
    shows: dict[str, Any] = field(default_factory=dict)
    path: str = "/upload/"


@dataclass(frozen=True)
class Stands:
    """What no caller can do: a rollout of a version is in a state, and takes no step by itself."""

    version: str
    state: RolloutState
