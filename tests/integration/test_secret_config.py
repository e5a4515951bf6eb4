"""A secret config value reaches the pods and nothing else: no answer, no document, no log."""

import os
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import ACME, OTHER, RUNTIME, WEATHER, provider, version
from tests.integration.backend import Backend
from tests.integration.one_tenant import World
from tests.integration.tenants import Tenants

from provider_hub.actions import change, keys
from provider_hub.actions.install import request_install
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.adapters.sealing import Envelope
from provider_hub.adapters.sealing.key_file import KeyFile
from provider_hub.domain.catalog import in_scope
from provider_hub.domain.errors import Invalid, QuotaExceeded
from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.scope import Scope

PASSWORD = "correct-horse-battery"
INSTALL = {"provider_name": "acme/radio", "version": "1.0.0"}
INSTALLED = "/providers/installed/acme/radio"


def secret(value: str | None = PASSWORD) -> dict[str, str | None]:
    return {"secret": value}


@pytest.fixture
def world(backend: Backend, tmp_path: Path) -> World:
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    backend.envelope = Envelope(KeyFile(str(key)))
    world = World(backend)
    wish = InstallWish(provider_name=WEATHER, version="1.0.0", config={"MODE": "a", "PASSWORD": secret()})  # type: ignore[dict-item]
    request_install(backend.services, ACME, wish, "user_1")
    world.installer.handle(world.request())
    world.check_in()
    return world


def in_pods(world: World) -> dict[str, str]:
    """The environment that the newest generation's Secret gives to its pods, without the check-in token."""
    name = f"{WEATHER.object_name}-g{world.row.generation}"
    (manifest,) = (item for (_, kind, of), item in world.cluster.objects.items() if (kind, of) == ("Secret", name))
    found = {key: b64decode(value).decode() for key, value in manifest["data"].items()}
    return {key: value for key, value in found.items() if not key.startswith("PRAGMA_")}


def patch(world: World, **config: Any) -> None:
    change.change_settings(world.backend.services, ACME, WEATHER, SettingsWish(config=config), "user_1")
    world.installer.handle(world.request())
    world.check_in()


def test_pods_get_the_value_and_documents_hold_it_sealed_alone(world: World) -> None:
    assert in_pods(world) == {"MODE": "a", "PASSWORD": PASSWORD}
    assert PASSWORD not in repr(world.backend.documents.all())
    assert world.row.revision.config == {"MODE": "a"}


def test_a_new_config_keeps_the_secrets_that_it_does_not_name(world: World) -> None:
    patch(world, MODE="b")
    assert in_pods(world) == {"MODE": "b", "PASSWORD": PASSWORD}
    patch(world, MODE="b", PASSWORD=secret("another"), API_KEY=secret("k"))
    assert in_pods(world) == {"MODE": "b", "PASSWORD": "another", "API_KEY": "k"}
    patch(world, PASSWORD="no secret any more", API_KEY=secret(None))
    assert in_pods(world) == {"PASSWORD": "no secret any more"}
    assert world.row.revision.secrets == {}


def test_an_upgrade_and_its_rollback_and_drift_repair_keep_the_value(world: World) -> None:
    change.upgrade(world.backend.services, ACME, WEATHER, "2.0.0", "user_1")
    world.installer.handle(world.request())
    assert in_pods(world)["PASSWORD"] == PASSWORD
    world.backend.clock.turn(hours=1)
    world.deadline()
    world.installer.handle(world.request())
    world.check_in()
    assert (world.row.installed_version, world.row.lifecycle_state) == ("1.0.0", LifecycleState.READY)
    assert in_pods(world)["PASSWORD"] == PASSWORD
    world.cluster.objects.clear()
    world.sweeper.drift.repair_slices()
    assert in_pods(world) == {"MODE": "a", "PASSWORD": PASSWORD}


def test_a_rollback_brings_back_the_secret_of_its_time(world: World) -> None:
    new = SettingsWish(config={"PASSWORD": secret("wrong")})  # type: ignore[dict-item]
    change.change_settings(world.backend.services, ACME, WEATHER, new, "user_1")
    world.installer.handle(world.request())
    assert in_pods(world)["PASSWORD"] == "wrong"
    world.backend.clock.turn(hours=1)
    world.deadline()
    world.installer.handle(world.request())
    assert in_pods(world) == {"MODE": "a", "PASSWORD": PASSWORD}


def test_a_value_that_does_not_open_fails_the_installation_and_is_named_alone(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key").write_bytes(os.urandom(32))
    world.backend.envelope = Envelope(KeyFile(str(tmp_path / "key")))
    again = World(world.backend)
    change.deploy(world.backend.services, ACME, WEATHER, None, "user_1")
    again.installer.handle(again.request())
    assert "another key file" in str(again.row.failure_message)
    assert PASSWORD not in caplog.text


def test_the_schema_sees_a_new_secret_and_what_is_kept_counts_as_set(world: World) -> None:
    schema = (
        '{"type": "object", "required": ["PASSWORD", "MODE"], "properties": {"PASSWORD": {"minLength": 8}, '
        '"MODE": {"enum": ["a", "b"]}}, "additionalProperties": false}'
    )
    world.backend.put(keys.version(WEATHER, "1.0.0"), version(config_schema=schema, runtime_version=RUNTIME.version))
    patch(world, MODE="b")
    for config, why in (
        ({"MODE": "b", "PASSWORD": secret("short")}, "minLength"),
        ({"MODE": "c"}, "enum"),
        ({"MODE": "a", "PASSWORD": secret(None)}, "'PASSWORD' is a required property"),
        ({"MODE": "a", "MORE": secret("x")}, "additionalProperties"),
    ):
        with pytest.raises(Invalid, match=why) as refused:
            patch(world, **config)
        assert "short" not in str(refused.value)


def test_the_secrets_that_stay_count_among_the_keys_and_bytes(world: World) -> None:
    with pytest.raises(Invalid, match="over 64 keys with the secrets that stay: PASSWORD"):
        patch(world, **{f"K{number}": "x" for number in range(64)})
    patch(world, BIG=secret("x" * 20_000))
    with pytest.raises(Invalid, match="over 32768 bytes with the secrets that stay: BIG, PASSWORD"):
        patch(world, OTHER="x" * 20_000)


def test_no_answer_shows_a_secret_and_no_document_holds_it(tenants: Tenants, caplog: pytest.LogCaptureFixture) -> None:
    call = tenants.deployed.call
    body = {**INSTALL, "config": {"MODE": "a", "PASSWORD": secret()}}
    for _ in range(2):
        answer = call("POST", "/providers/install", tenants.user, body=body, headers={"Idempotency-Key": "guessable"})
        assert answer.status_code == 201, answer.text
        assert (answer.json["config"], answer.json["secret_config"]) == ({"MODE": "a"}, ["PASSWORD"])
    seen = [call("GET", path, tenants.user).text for path in (INSTALLED, "/providers/installed", f"{INSTALLED}/events")]
    patched = call("PATCH", INSTALLED, tenants.user, body={"config": {"MODE": "b"}})
    assert (patched.json["config"], patched.json["secret_config"]) == ({"MODE": "b"}, ["PASSWORD"])
    assert PASSWORD not in "".join([*seen, patched.text, caplog.text, repr(tenants.deployed.documents.all())])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"secret": 5}, "string"),
        ({"secret": "a\0b"}, "NUL"),
        ({"secret": "x", "more": 1}, "must be a string, or"),
        ({}, "must be a string, or"),
        ({"secret": None}, "there is none yet"),
        (["x"], "string"),
    ],
)
def test_what_is_no_secret_is_refused_at_its_place(tenants: Tenants, value: Any, why: str) -> None:
    answer = tenants.deployed.call("POST", "/providers/install", tenants.user, body={**INSTALL, "config": {"A": value}})
    assert answer.status_code == 422
    (problem,) = answer.json["detail"]
    assert problem["loc"][:2] == ["body", "config"]
    assert why in problem["msg"]


def test_an_organization_calls_the_key_service_so_often_and_another_still_may(world: World) -> None:
    services = replace(world.backend.services, sealing_budget=RequestBudget(1, "changes of secret values"))
    change.change_settings(services, ACME, WEATHER, SettingsWish(config={"PASSWORD": secret()}), "user_1")  # type: ignore[dict-item]
    with pytest.raises(QuotaExceeded, match="changes of secret values a minute"):
        change.change_settings(services, ACME, WEATHER, SettingsWish(config={"PASSWORD": secret()}), "user_1")  # type: ignore[dict-item]
    change.change_settings(services, ACME, WEATHER, SettingsWish(config={"MODE": "b"}), "user_1")
    world.backend.put(keys.provider(WEATHER), in_scope(provider(WEATHER), Scope.PUBLIC))
    wish = InstallWish(provider_name=WEATHER, version="1.0.0", config={"PASSWORD": secret()})  # type: ignore[dict-item]
    request_install(services, OTHER, wish, "user_2")
