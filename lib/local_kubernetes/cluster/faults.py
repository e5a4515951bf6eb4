"""Faults on purpose: a share of requests answered by an error, or held back, for tests of what depends on the API."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .status import ApiError, bad_request

_REASONS = {
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True)
class Fault:
    """What a request meets: it hangs for `hang_seconds`, then fails with `status`, or goes on when that is 0."""

    status: int = 0
    hang_seconds: float = 0.0
    retry_after: int = 1

    def error(self) -> ApiError | None:
        """What the request is answered with; None for a fault that only delays or hangs."""
        if not self.status:
            return None
        retry = {"Retry-After": str(self.retry_after)} if self.status in (429, 503) else {}
        details = {"retryAfterSeconds": self.retry_after} if retry else {}
        return ApiError(self.status, _REASONS.get(self.status, ""), "a fault on purpose", details, headers=retry)


Faults = Callable[[str, str], Fault | None]


class FaultSwitch:
    """Faults that are turned on for a time, as `POST /_faults` does; a `Faults` itself."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._fault = Fault()
        self._fraction = 0.0
        self._until = 0.0

    def set(self, wanted: Mapping[str, Any]) -> None:
        """From `{"status": 500, "fraction": 0.5, "hang_seconds": 0, "seconds": 10}`; raises a 400 ApiError.

        Without `fraction` every request is meant; `seconds: 0` ends a fault that is on.
        """
        try:
            status, fraction = int(wanted.get("status", 0)), float(wanted.get("fraction", 1))
            hang, seconds = float(wanted.get("hang_seconds", 0)), float(wanted["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(f"a fault needs seconds, and numbers for all it states: {error!r}") from error
        if (status and not 400 <= status <= 599) or not 0 <= fraction <= 1 or hang < 0 or seconds < 0:
            raise bad_request("status lies in 400 to 599 or is 0, fraction in 0 to 1, and no time is negative")
        self._fault = Fault(status, hang)
        self._fraction = fraction
        self._until = self._clock() + seconds

    def __call__(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets, or None."""
        if self._clock() >= self._until or self._chance() >= self._fraction:
            return None
        return self._fault
