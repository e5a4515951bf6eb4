"""Which cell a cluster is, as the cluster itself says.

Settings may exchange the endpoints of two cells. An organization has a namespace in its own cell's cluster alone, so no
namespace in the other one would refuse its objects, and its tenants' programs would run twice. So this hub makes one
namespace in each cluster that says which cell the cluster is, and believes it over the settings.
"""

import hashlib
import logging
import threading
from collections.abc import Callable

from provider_hub.adapters.kubernetes.api import KubernetesApi
from provider_hub.adapters.kubernetes.ownership import HUB_ID, MANAGED_BY, Hub, Object, annotation
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.manifests import MANAGER, Manifest

log = logging.getLogger(__name__)

CELL = "provider-hub/cell"
_NEVER_A_VERSION = "1"
_TRUST_SECONDS = 600.0


class CellMark:
    """The mark of one cell in its cluster. It is read again ten minutes after it was read or made."""

    def __init__(self, api: KubernetesApi, hub: Hub, cell: str, clock: Callable[[], float]) -> None:
        """`clock` gives seconds. Connects to nothing."""
        self._api = api
        self._cell = cell
        self._clock = clock
        self._trusted_until = 0.0
        self._lock = threading.Lock()
        self._wanted = _mark(hub, cell)

    def refuse_other_cell(self) -> None:
        """Raise TemporaryError where the cluster says that it is another cell. One without a mark passes."""
        if self._is_trusted():
            return
        found = self._read()
        if found is not None and annotation(found, CELL):
            self._trust()

    def ensure(self) -> None:
        """As `refuse_other_cell`, and mark a cluster that has no mark, such as one of before there were marks.

        Raises Conflicted where another process makes the mark at the same time.
        """
        if self._is_trusted():
            return
        found = self._read()
        if found is None or annotation(found, CELL) is None:
            # An apply over what another process made since this look is a conflict: it may have made another cell's.
            version = found["metadata"]["resourceVersion"] if found else _NEVER_A_VERSION
            metadata = {**self._wanted["metadata"], "resourceVersion": version}
            self._api.apply({**self._wanted, "metadata": metadata}, MANAGER)
        self._trust()

    def _read(self) -> Object | None:
        """The namespace that is the mark; None where there is none. Raises TemporaryError for another cell's."""
        name = self._wanted["metadata"]["name"]
        found = self._api.get("Namespace", None, name)
        cell = annotation(found, CELL) if found else None
        if cell is None or cell == self._cell:
            return found
        sentence = (
            f"the cluster that the settings name for the cell {self._cell!r} is the cell {cell!r}, as its namespace "
            f"{name} says: the hub's operator has to give each cell its own cluster again"
        )
        log.error("%s", sentence, extra={"event": "cells_mixed_up"})
        raise TemporaryError(sentence)

    def _is_trusted(self) -> bool:
        with self._lock:
            return self._trusted_until > self._clock()

    def _trust(self) -> None:
        with self._lock:
            self._trusted_until = self._clock() + _TRUST_SECONDS


def _mark(hub: Hub, cell: str) -> Manifest:
    """The namespace. Each hub of a cluster has its own: its id may have characters that no name may have."""
    digest = hashlib.sha256(hub.id.encode()).hexdigest()[:10]
    metadata = {
        "name": hub.namespace(f"provider-hub-{digest}"),
        "labels": {HUB_ID: hub.id, MANAGED_BY: MANAGER},
        "annotations": {CELL: cell},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
