"""Numbers of installations that a list shows, kept for a minute."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic

from provider_hub.domain.names import ProviderName

COUNTS_AT_A_TIME = 4
KEPT_SECONDS = 60.0
# About a megabyte of names and numbers. What is over it is counted again.
_KEPT_AT_MOST = 10_000


@dataclass
class KeptCounts:
    """What `count` said of each provider within the last minute.

    A count costs what it counts: a page of popular providers would walk every tenant's rows for each visitor.
    """

    count: Callable[[ProviderName], int]
    clock: Callable[[], float] = field(default=monotonic, repr=False)
    _kept: dict[ProviderName, tuple[float, int]] = field(default_factory=dict, repr=False)

    def of(self, providers: Sequence[ProviderName]) -> list[int]:
        """The numbers in the order of `providers`; what is not kept is counted, several at a time."""
        now = self.clock()
        kept = dict(self._kept)
        stale = [name for name in dict.fromkeys(providers) if name not in kept or kept[name][0] <= now]
        numbers = {name: number for name, (_, number) in kept.items()} | self._counted(stale)
        self._keep({name: (now + KEPT_SECONDS, numbers[name]) for name in stale})
        return [numbers[name] for name in providers]

    def _counted(self, names: Sequence[ProviderName]) -> dict[ProviderName, int]:
        if not names:
            return {}
        with ThreadPoolExecutor(COUNTS_AT_A_TIME, thread_name_prefix="counts") as pool:
            return dict(zip(names, pool.map(self.count, names), strict=True))

    def _keep(self, fresh: dict[ProviderName, tuple[float, int]]) -> None:
        if len(self._kept) + len(fresh) > _KEPT_AT_MOST:
            self._kept.clear()
        self._kept.update(fresh)
