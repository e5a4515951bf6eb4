"""What each operation costs: the units of a whole stack's functions counted on the wire, and their list price."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import grpc
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from local_stack.running import Stack
from local_stack.stack_file import keys_dir
from provider_hub.actions import keys
from provider_hub.adapters.firestore import store as firestore
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.messages import check_in_token
from provider_hub.domain.names import ProviderName
from tests.bench import prices
from tests.bench.counting.function import COUNTS_DIR
from tests.bench.figures import Figure, Spread
from tests.bench.ground import wait_until
from tests.bench.tenants import PROVIDER, Platform

ROUNDS = 2
UNITS = {
    "reads": "Firestore reads",
    "writes": "Firestore writes",
    "deletes": "Firestore deletes",
    "deliveries": "Pub/Sub messages",
    "calls": "function calls",
    "tasks": "task operations",
}
_REPOSITORY = Path(__file__).parents[2]
_COUNTED_UP = (sys.executable, "-m", "tests.bench.counting.up")
_QUIET_SECONDS = 1.0

Units = Counter[str]


def counts() -> Iterator[Figure]:
    """The units of an install, an upgrade, the check-ins and an uninstall, and what a thousand of each cost."""
    with TemporaryDirectory(prefix="provider-hub-bench-") as folder:
        meter = Meter(Path(folder, "counts"))
        meter.folder.mkdir()
        environment = {COUNTS_DIR: str(meter.folder), "PYTHONPATH": str(_REPOSITORY)}
        with Stack(command=_COUNTED_UP, environment=environment, deadline=120) as stack:
            platform = Platform(stack)
            for version in ("1.0.0", "1.1.0"):
                platform.publish(version, Path(folder))
            watcher = Watcher(stack)
            lives = [_life(platform, watcher, meter, f"counts-{number}") for number in range(ROUNDS)]
    for operation in lives[0]:
        rounds = [life[operation] for life in lives]
        for unit, name in UNITS.items():
            yield Figure(f"{operation}: {name}", "", Spread.of([units[unit] for units in rounds]))
        yield Figure(f"1,000 × {operation}", "$", Spread.of([1000 * prices.of(units) for units in rounds]))


@dataclass(frozen=True)
class Meter:
    """The counted functions' files."""

    folder: Path
    seen: Units = field(default_factory=Counter)

    def lap(self) -> Units:
        """The units since the last lap, once nothing has been counted for a while."""
        size = -1
        while size != (size := self._size()):
            time.sleep(_QUIET_SECONDS)
        total = self._total()
        lap = total - self.seen
        self.seen.clear()
        self.seen.update(total)
        return lap

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir())

    def _total(self) -> Units:
        total: Units = Counter()
        for file in self.folder.iterdir():
            for line in file.read_text().splitlines():
                counted = json.loads(line)
                total[counted["unit"]] += counted["amount"]
        return total


class Watcher:
    """Looks at rows past the functions, so that waiting for them costs nothing that is counted."""

    def __init__(self, stack: Stack) -> None:
        with patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": stack.info.firestore_emulator_host}):
            self._store = firestore.connect(stack.info.project, "(default)")

    def row(self, slug: str) -> Installation | None:
        return self._store.get(keys.installation(f"org_{slug}", ProviderName.parse(PROVIDER)))

    def wait_until_ready(self, slug: str, version: str) -> None:
        def is_ready() -> bool:
            row = self.row(slug)
            return row is not None and row.lifecycle_state is LifecycleState.READY and row.current_version == version

        wait_until(is_ready, f"{slug} is not READY on {version}")

    def wait_until_gone(self, slug: str) -> None:
        wait_until(lambda: self.row(slug) is None, f"{slug} still has a row")


def _life(platform: Platform, watcher: Watcher, meter: Meter, slug: str) -> dict[str, Units]:
    """One installation from its install to its end, and what each operation took."""
    path = f"/providers/installed/{PROVIDER}"
    # The organization's own making, and its place in a cell, are not the install's.
    platform.install(slug, "1.0.0")
    watcher.wait_until_ready(slug, "1.0.0")
    platform.of(slug, "DELETE", f"{path}?cascade=true")
    watcher.wait_until_gone(slug)
    meter.lap()
    platform.install(slug, "1.0.0")
    watcher.wait_until_ready(slug, "1.0.0")
    found = {"install": meter.lap()}
    platform.of(slug, "POST", f"{path}/upgrade", {"version": "1.1.0"})
    watcher.wait_until_ready(slug, "1.1.0")
    found["upgrade"] = meter.lap()
    row = watcher.row(slug)
    if row is None:
        raise AssertionError(f"{slug} lost its row")
    for operation, health in (("check-in, nothing new", "healthy"), ("check-in, written", "degraded")):
        _check_in(platform.stack, row, health)
        found[operation] = meter.lap()
    platform.of(slug, "DELETE", f"{path}?cascade=true")
    watcher.wait_until_gone(slug)
    found["uninstall"] = meter.lap()
    return found


def _check_in(stack: Stack, row: Installation, health: str) -> None:
    key = (keys_dir(stack.state_dir) / "check-in").read_bytes()
    body = {
        "organization_id": row.organization_id,
        "provider": row.canonical,
        "version": row.installed_version,
        "generation": row.generation,
        "token": check_in_token(key, row.organization_id, row.installation_id, row.generation),
        "health": health,
        "instance_id": row.instances[0].instance_id,
        "active_resources": row.instances[0].active_resources,
        "resource_types": row.resource_types,
    }
    with grpc.insecure_channel(stack.info.pubsub_emulator_host) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        topic = f"projects/{stack.info.project}/topics/runtime-check-ins"
        publisher.publish(topic=topic, messages=[PubsubMessage(data=json.dumps(body).encode())])
