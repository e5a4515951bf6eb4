"""The last lines of a failed pod, for a function that hardly ever asks: it loads no cluster's client before."""

import threading
from typing import TYPE_CHECKING

from provider_hub.actions.register import LastLines
from provider_hub.domain.installation import Installation
from provider_hub.settings.cluster import Cluster

if TYPE_CHECKING:
    from provider_hub.actions.cluster import Clusters


def last_lines(settings: Cluster) -> LastLines:
    """What the newest pod of a row's generation printed last; nothing is loaded or called yet."""
    lock = threading.Lock()
    connected: list[Clusters] = []

    def read(row: Installation) -> tuple[str, ...]:
        from provider_hub.actions.last_lines import last_lines  # noqa: PLC0415 - a third of this function's imports
        from provider_hub.adapters import kubernetes  # noqa: PLC0415

        with lock:
            if not connected:
                connected.append(kubernetes.connect(settings))
        return last_lines(connected[0], row)

    return read
