"""What every pod of a node shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from provider_hub.local.node.addresses import AddressPool
from provider_hub.local.node.backoff import BackoffPolicy
from provider_hub.local.node.client import ApiClient
from provider_hub.local.node.events import EventRecorder
from provider_hub.local.node.images import DEFAULT_UNAVAILABLE
from provider_hub.local.node.processes import Sweeper


@dataclass(frozen=True)
class NodeServices:
    """Handed to pods and containers; `session` is for probes and keeps no connection open."""

    client: ApiClient
    recorder: EventRecorder
    session: aiohttp.ClientSession
    instance: Path
    interpreter: Path
    image_environment: Mapping[str, str]
    allocatable: Mapping[str, str]
    addresses: AddressPool = field(default_factory=AddressPool)
    sweeper: Sweeper = field(default_factory=Sweeper)
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    unavailable_images: Sequence[str] = DEFAULT_UNAVAILABLE
