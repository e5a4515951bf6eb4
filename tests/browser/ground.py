"""What the console's tests and pictures find: a publisher with a catalog, a tenant, and what went wrong."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.running import Stack
from local_stack.sample_wheels import build_wheel
from provider_hub.actions import keys
from provider_hub.domain.names import ProviderName
from provider_hub.domain.rollout import RolloutState
from tests.builders import dead_letter, rollout
from tests.e2e.contract_stack import cluster_options, store_of
from tests.e2e.tenant import Tenant

PUBLISHER = "acme"
WEATHER = f"{PUBLISHER}/weather"
INSTALLED = "1.1.0"
BROKEN = "1.2.0"
VARIANTS = {"1.0.0": "healthy", INSTALLED: "healthy", BROKEN: "import-fails"}
DEAD_LETTER = "01JZK3V8M4Q2T7Y9B5N6C1D0EF"

README = """\
# Weather

Counts the hours of sunlight at your stations, from sunrise to sunset, **without asking anybody**.

## Begin

1. Install it, with your `STATIONS`.
2. Ask for a `station` at a latitude and a longitude.

```python
station = Station(latitude=60.39, longitude=5.32)
```

| station | sunlight in June |
|---|---|
| Bergen | 19 h |
| Tromsø | 24 h |

> Stations may lie at sea.

See [the almanac](https://weather.example/almanac). <script>alert("never")</script>
"""
CONFIG_SCHEMA = {
    "type": "object",
    "required": ["STATIONS"],
    "properties": {
        "STATIONS": {
            "type": "string",
            "title": "Stations",
            "description": "Names of stations, with commas between them.",
            "minLength": 3,
        },
        "API_TOKEN": {"type": "string", "title": "API token", "description": "Of your weather service, if any."},
        "INTERVAL": {"type": "integer", "title": "Interval", "description": "Seconds.", "minimum": 10, "default": 60},
        "UNITS": {"type": "string", "title": "Units", "enum": ["metric", "imperial"], "default": "metric"},
    },
    "additionalProperties": False,
}
STATION_SCHEMAS = {
    "station": {
        "provider": "weather",
        "resource": "station",
        "description": "A place whose sunlight is counted.",
        "config_schema": {
            "type": "object",
            "required": ["latitude", "longitude"],
            "properties": {
                "latitude": {"type": "number", "minimum": -90, "maximum": 90, "description": "Degrees north."},
                "longitude": {"type": "number", "minimum": -180, "maximum": 180, "description": "Degrees east."},
            },
        },
        "outputs_schema": {"type": "object", "properties": {"sunlight_hours": {"type": "number"}}},
    }
}
METADATA = {
    "display_name": "Weather",
    "description": "Hours of sunlight at your stations, counted from sunrise to sunset.",
    "tags": ["weather", "sensors"],
    "scope": "public",
}
NEIGHBOURS = {
    "tides": ("Tides", "High and low water at the coasts of Europe.", ["weather", "sea"]),
    "ledger": ("Ledger", "Books every payment twice, and finds the one that is missing.", ["money"]),
    "postbox": ("Postbox", "Sends letters that arrive, and says when they were read.", ["mail"]),
}


@contextmanager
def running_stack() -> Iterator[Stack]:
    """The whole system, furnished, with waits that a person in a hurry accepts."""
    environment = {"HUB_CHECK_IN_SECONDS": "2", "HUB_DEPLOY_DEADLINE_SECONDS": "25"}
    options = ("--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options())
    with TemporaryDirectory() as directory, ThreadPoolExecutor(1) as meanwhile:
        wheels = meanwhile.submit(_build, Path(directory))
        with Stack(*options, environment=environment, deadline=240) as stack:
            furnish(stack, wheels.result())
            yield stack


def _build(into: Path) -> dict[str, Path]:
    return {version: build_wheel(version, into, variant=variant) for version, variant in VARIANTS.items()}


def furnish(stack: Stack, wheels: Mapping[str, Path]) -> None:
    """Publish a weather provider, whose last version is broken, and three others; install it; break something else."""
    publisher = Tenant(stack, PUBLISHER)
    # In turn: two publishes of one organization at once hold each other up at the emulator, for up to seven seconds.
    _publish_weather(publisher, wheels)
    _publish_neighbours(publisher, wheels)
    _trust(publisher)
    _go_wrong(stack)
    publisher.until_state("weather", "ready")


def _publish_weather(publisher: Tenant, wheels: Mapping[str, Path]) -> None:
    """With an installation of the publisher's own, which starts while the broken version is published."""
    more = {"config_schema": CONFIG_SCHEMA, "schemas": STATION_SCHEMAS, "metadata": METADATA}
    for version, wheel in wheels.items():
        publisher.publish("weather", version, wheel, **more)
        if version == INSTALLED:
            config = {"STATIONS": "Bergen,Oslo,Tromsø", "API_TOKEN": {"secret": "hush"}}
            publisher.install("weather", version=version, config=config)
    publisher.call("PATCH", f"/providers/{WEATHER}", {"readme": README})


def _publish_neighbours(publisher: Tenant, wheels: Mapping[str, Path]) -> None:
    for name, (display_name, description, tags) in NEIGHBOURS.items():
        metadata = {**METADATA, "display_name": display_name, "description": description, "tags": tags}
        publisher.publish(name, "1.0.0", wheels["1.0.0"], metadata=metadata)


def _trust(publisher: Tenant) -> None:
    """Let a workflow publish the weather provider."""
    workflow = {"platform": "github", "repository": WEATHER, "workflow": "release.yml", "environment": "release"}
    publisher.call("POST", f"/providers/{WEATHER}/publishers", workflow, expect=201)


def _go_wrong(stack: Stack) -> None:
    """What nobody can make by a call: an event that was given up, a rollout that was halted, one that waits."""
    tides, ledger = ProviderName(PUBLISHER, "tides"), ProviderName(PUBLISHER, "ledger")
    now = datetime.now(UTC)
    letter = dead_letter(DEAD_LETTER, tides, failed_at=now, expires_at=now + timedelta(days=30))
    counts = {"candidates": 40, "wave": 2, "started": 4, "succeeded": 1, "failed": 3}
    reason = "3 of 4 failed in wave 2: No module named 'almanac'"
    halted = rollout(
        "1.0.0",
        tides,
        state=RolloutState.HALTED,
        halted_reason=reason,
        due_at=None,
        created_at=now,
        updated_at=now,
        **counts,
    )
    waiting = rollout(
        "1.0.0",
        ledger,
        state=RolloutState.WAITING,
        candidates=12,
        due_at=now + timedelta(hours=1),
        created_at=now,
        updated_at=now,
    )
    with store_of(stack.info) as store:
        store.transact(lambda transaction: transaction.write(keys.dead_letter(DEAD_LETTER), letter))
        store.transact(lambda transaction: transaction.write(keys.rollout(tides, "1.0.0"), halted))
        store.transact(lambda transaction: transaction.write(keys.rollout(ledger, "1.0.0"), waiting))
