"""How long a container that keeps ending waits before its next start."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BackoffPolicy:
    """Seconds. A run that lasts `reset_after` resets the count of crashes."""

    base: float = 10.0
    limit: float = 300.0
    reset_after: float = 600.0


class CrashBackoff:
    """The first restart comes at once, the next after `base` seconds, then twice as long each time."""

    def __init__(self, policy: BackoffPolicy) -> None:
        self._policy = policy
        self._delay = 0.0

    def next_delay(self, ran_for: float) -> float:
        """Seconds to wait after a run of `ran_for` seconds, counted from its end."""
        if ran_for >= self._policy.reset_after:
            self._delay = 0.0
        delay = self._delay
        self._delay = min(max(self._policy.base, 2 * delay), self._policy.limit)
        return delay
