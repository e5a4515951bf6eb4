"""What the console's tests and pictures find: a publisher with a catalog, a tenant, and what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
BROKEN = "1.2.0"
VARIANTS = {"1.0.0": "healthy", "1.1.0": "healthy", BROKEN: "import-fails"}
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
    with Stack(
        "--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options(), environment=environment, deadline=240
    ) as stack:
        furnish(stack)
        yield stack


def furnish(stack: Stack) -> None:
    """Publish a weather provider, whose last version is broken, and three others; keep a dead letter."""
    wheels = stack.state_dir / "built"
    publisher = Tenant(stack, PUBLISHER)
    for version in ("1.0.0", "1.1.0"):
        publish(publisher, version, wheels)
    publisher.call("PATCH", f"/providers/{WEATHER}", {"readme": README})
    # One after another: an organization may have two publishes under way.
    for name in NEIGHBOURS:
        _publish_neighbour(publisher, name, wheels)
    _go_wrong(stack)


def _publish_neighbour(publisher: Tenant, name: str, wheels: Path) -> None:
    display_name, description, tags = NEIGHBOURS[name]
    metadata = {**METADATA, "display_name": display_name, "description": description, "tags": tags}
    publisher.publish(name, "1.0.0", _wheel(wheels, "1.0.0"), metadata=metadata)


def _go_wrong(stack: Stack) -> None:
    """What nobody can make by a call: an event that was given up, and a rollout that was halted."""
    tides = ProviderName(PUBLISHER, "tides")
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
    with store_of(stack.info) as store:
        store.transact(lambda transaction: transaction.write(keys.dead_letter(DEAD_LETTER), letter))
        store.transact(lambda transaction: transaction.write(keys.rollout(tides, "1.0.0"), halted))


def publish(publisher: Tenant, version: str, wheels: Path, **fields: Any) -> None:
    """Register a version of the weather provider."""
    more = {"config_schema": CONFIG_SCHEMA, "schemas": STATION_SCHEMAS, "metadata": METADATA, **fields}
    publisher.publish("weather", version, _wheel(wheels, version), **more)


def _wheel(wheels: Path, version: str) -> Path:
    built = next(wheels.glob(f"*-{version}-*.whl"), None)
    return built or build_wheel(version, wheels, variant=VARIANTS.get(version, "healthy"))
