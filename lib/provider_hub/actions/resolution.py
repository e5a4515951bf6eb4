"""The port of the resolver, which finds the wheels that meet requirements; the adapter runs uv."""

from datetime import datetime, timedelta
from typing import Protocol

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.runtimes import RuntimeImage


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a resolver is asked for: these requirements (PEP 508), installed in that image.

    `own` are the normalised names of distributions that are taken however new they are: those of the same prefix. `at`
    is the time that the age of all others is counted from. Each `prefix` has one resolution at a time, which ends
    after `within`, or sooner.
    """

    requirements: tuple[str, ...]
    image: RuntimeImage
    own: frozenset[str]
    at: datetime
    prefix: str = ""
    within: timedelta = timedelta(minutes=1)


class Resolver(Protocol):
    """Finds the wheels that meet requirements, on the indexes of this deployment."""

    def resolve(self, wanted: Dependencies) -> DependencyLock:
        """The lock.

        Raises LockRefused if no wheels meet them, and TemporaryError if the resolver could not find out.
        """
