"""What every pod of a node shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from local_kubernetes.node.addresses import AddressPool
from local_kubernetes.node.backoff import BackoffPolicy
from local_kubernetes.node.client import ApiClient
from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.images import DEFAULT_UNAVAILABLE, Images
from local_kubernetes.node.processes import OrphanKiller


@dataclass(frozen=True)
class NodeServices:
    """Handed to pods and containers; `session` is for probes and keeps no connection open.

    `instance` is the directory of this run of the node. `ended` is where the logs of pods are kept that are gone.
    """

    client: ApiClient
    recorder: EventRecorder
    session: aiohttp.ClientSession
    instance: Path
    ended: Path
    images: Images
    allocatable: Mapping[str, str]
    addresses: AddressPool = field(default_factory=AddressPool)
    orphan_killer: OrphanKiller = field(default_factory=OrphanKiller)
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    unavailable_images: Sequence[str] = DEFAULT_UNAVAILABLE
