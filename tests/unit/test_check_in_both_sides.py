"""A check-in is one message with two authors: what the runtime sends is what the hub reads, field by field."""

import base64
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from pragma_runtime.check_in import CheckIns, Vitals
from pragma_runtime.handshake import LONGEST_RESOURCE_TYPE, MOST_RESOURCE_TYPES
from pragma_runtime.pubsub import Publisher
from pragma_runtime.settings import Settings
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.installation import Health
from provider_hub.domain.messages import decode

_TYPES = tuple(f"{number:03}".ljust(LONGEST_RESOURCE_TYPE, "x") for number in range(MOST_RESOURCE_TYPES))


class _Recorder(Publisher):
    """Keeps what would be published."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "projects/p/topics/t", None)
        self.sent: list[bytes] = []

    def publish(self, data: bytes, *, ordering_key: str, attributes: Mapping[str, str], timeout: float) -> str:
        self.sent.append(data)
        return "1"


def _failed_start(vitals: Vitals) -> bytes:
    """The check-in of a start that failed, which needs no thread; every other one is made by the same code."""
    recorder = _Recorder()
    settings = Settings(
        organization_id="org_acme",
        provider="acme/weather",
        version="1.0.0",
        installation_id="01J",
        generation=3,
        instance_id="weather-1",
        wheel_url="https://wheels.example/w-1.0.0-py3-none-any.whl",
        wheel_sha256="a" * 64,
        package_name="weather",
        check_in_topic="projects/p/topics/t",
        pubsub_endpoint="http://127.0.0.1:1",
        check_in_token=base64.b64encode(b"token").decode(),
        work_dir=Path(),
    )
    check_ins = CheckIns(settings, recorder, lambda: None)
    check_ins.say_failed(vitals.message or "", 1)
    return recorder.sent[0]


def test_the_hub_knows_every_field_that_a_runtime_sends_and_the_other_way_round() -> None:
    sent = json.loads(_failed_start(Vitals()))

    assert set(sent) == {field.name for field in fields(CheckIn)}


def test_a_runtimes_check_in_is_read_back_alike() -> None:
    read = decode(CheckIn, _failed_start(Vitals(message="no  such\nmodule")))

    assert (read.organization_id, read.provider, read.installation_id) == ("org_acme", "acme/weather", "01J")
    assert (read.health, read.message, read.failed) == (Health.DEGRADED, "no such module", True)
    assert (read.active_resources, read.resource_types, read.stopping) == (0, (), False)


def test_the_most_resource_types_that_a_runtime_sends_are_taken() -> None:
    sent = {**json.loads(_failed_start(Vitals())), "resource_types": _TYPES}

    assert decode(CheckIn, json.dumps(sent).encode()).resource_types == _TYPES
