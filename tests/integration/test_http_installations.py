"""Installations over HTTP: what each route does, shows and tells the installer (contract, section 3)."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import ACME, WEATHER, version
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import RADIO, Tenants

from provider_hub.actions import keys
from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.installation import InstallationRequest, RequestKind
from provider_hub.domain.messages import decode
from provider_hub.domain.records import Topic

INSTALLED = "/providers/installed/acme/weather"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ROW_FIELDS = {
    "prefix", "name", "canonical", "installed_version", "current_version", "upgrade_policy", "resource_tier", "config",
    "installed_at", "created_at", "updated_at", "lifecycle_state", "health", "health_message", "failure_message",
    "rollback_on_failure", "allow_major_upgrades", "latest_version", "upgrade_available", "generation",
    "resource_types", "secret_config", "relock_available", "lock_sha256", "advisories", "advisories_as_of", "mended_by",
}  # fmt: skip
STATUS_FIELDS = {
    "deployment_name", "status", "available_replicas", "ready_replicas", "version", "image", "updated_at", "message",
    "healthy",
}  # fmt: skip
BACKTRACKING = '{"properties": {"A": {"pattern": "^(a+)+$"}}}'
DOUBLING = json.dumps(
    {
        "$ref": "#/$defs/0",
        "$defs": {str(step): {"allOf": [{"$ref": f"#/$defs/{step + 1}"}] * 2} for step in range(60)} | {"60": {}},
    }
)


def requested(tenants: Tenants) -> InstallationRequest:
    """The one message that the installer got."""
    (message,) = tenants.deployed.topics.pull(Topic.INSTALLATION_EVENTS)
    return decode(InstallationRequest, message.data)


def change(tenants: Tenants, method: str, path: str, body: Any = None) -> dict[str, Any]:
    response = tenants.deployed.call(method, path, tenants.user, body=body)
    assert response.status_code in (200, 202), response.text
    row: dict[str, Any] = response.json
    return row


def test_an_install_is_201_the_row_and_its_place(tenants: Tenants) -> None:
    body = {"provider_name": "acme/radio", "config": {"__x__": "a'b\n$(c)"}, "surprise": "ignored"}
    response = tenants.deployed.call("POST", "/providers/install", tenants.machine, body=body)
    assert (response.status_code, response.headers["Content-Type"]) == (201, "application/json")
    assert response.headers["Location"] == "/providers/installed/acme/radio"
    row = response.json
    assert set(row) == ROW_FIELDS
    assert (row["canonical"], row["lifecycle_state"], row["generation"]) == ("acme/radio", "pending", 1)
    assert (row["installed_version"], row["current_version"], row["latest_version"]) == ("1.0.0", None, "1.0.0")
    assert (row["resource_tier"], row["upgrade_policy"], row["config"]) == ("standard", "manual", body["config"])
    assert (row["health"], row["health_message"], row["upgrade_available"]) == ("healthy", None, False)
    assert all(TIME.fullmatch(row[field]) for field in ("installed_at", "created_at", "updated_at"))
    assert tenants.deployed.call("GET", response.headers["Location"], tenants.user).json == row


def test_null_stands_for_a_default(tenants: Tenants) -> None:
    fields = ("version", "resource_tier", "upgrade_policy", "config", "rollback_on_failure", "allow_major_upgrades")
    body = {"provider_name": "acme/radio", **dict.fromkeys(fields)}
    row = tenants.deployed.call("POST", "/providers/install", tenants.machine, body=body).json
    assert (row["resource_tier"], row["upgrade_policy"], row["config"]) == ("standard", "manual", {})


def test_an_install_asks_the_installer_once_and_owes_nothing(tenants: Tenants) -> None:
    tenants.deployed.call("POST", "/providers/install", tenants.user, body={"provider_name": "acme/radio"})
    request = requested(tenants)
    assert (request.kind, request.generation, request.version) == (RequestKind.INSTALL, 1, "1.0.0")
    assert tenants.deployed.documents.under("outbox") == {}


def test_a_public_provider_may_be_installed_by_anyone_at_a_named_version(tenants: Tenants) -> None:
    body = {"provider_name": "platform/cloud", "version": "1.0.0", "resource_tier": "performance"}
    for token in (tenants.user, tenants.other):
        assert tenants.deployed.call("POST", "/providers/install", token, body=body).status_code == 201


def test_config_may_have_64_keys_of_32_kib_in_all(tenants: Tenants) -> None:
    config = {f"K{number:02}": "x" * (512 - 3) for number in range(64)}
    body = {"provider_name": "acme/radio", "config": config}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert (response.status_code, response.json["config"]) == (201, config)


def test_a_version_with_build_metadata_is_installed_as_written(tenants: Tenants) -> None:
    tenants.release(version("1.0.0+build.5", RADIO))
    body = {"provider_name": "acme/radio", "version": "1.0.0+build.5"}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert (response.status_code, response.json["installed_version"]) == (201, "1.0.0+build.5")


def test_the_quota_is_429_with_when_to_come_back_and_stores_nothing(around: StandIns) -> None:
    with deployed_on(around, HUB_INSTALLATION_QUOTA="3") as deployed:
        tenants = Tenants(deployed)
        tenants.furnish()
        before = deployed.documents.all()
        response = deployed.call("POST", "/providers/install", tenants.user, body={"provider_name": "acme/radio"})
        assert (response.status_code, set(response.json)) == (429, {"detail"})
        assert int(response.headers["Retry-After"]) > 0
        assert "has 3 installations" in response.json["detail"]
        assert deployed.documents.all() == before
        other = deployed.call("POST", "/providers/install", tenants.other, body={"provider_name": "platform/cloud"})
        assert other.status_code == 201


def test_a_tenants_list_is_its_own(tenants: Tenants) -> None:
    listed = tenants.deployed.call("GET", "/providers/installed", tenants.user).json
    assert {row["canonical"] for row in listed} == {"acme/weather", "acme/leaving", "acme/busy"}
    others = tenants.deployed.call("GET", "/providers/installed", tenants.other).json
    assert [row["canonical"] for row in others] == ["other/secret"]
    assert set(listed[0]) == ROW_FIELDS


def test_a_row_tells_of_a_newer_version(tenants: Tenants) -> None:
    row = tenants.deployed.call("GET", INSTALLED, tenants.user).json
    assert (row["installed_version"], row["latest_version"], row["upgrade_available"]) == ("1.1.0", "1.2.0", True)
    assert not {"deployment_name", "service_name", "current_image", "organization_id", "installation_id"} & set(row)


@pytest.mark.parametrize("body", [None, {}, {"version": None}, {"version": "1.2.0"}])
def test_an_upgrade_is_to_the_named_version_or_the_latest(tenants: Tenants, body: Any) -> None:
    row = change(tenants, "POST", f"{INSTALLED}/upgrade", body)
    assert (row["installed_version"], row["lifecycle_state"], row["generation"]) == ("1.2.0", "pending", 2)
    request = requested(tenants)
    assert (request.kind, request.generation, request.version) == (RequestKind.UPGRADE, 2, "1.2.0")


def test_a_downgrade_writes_the_same_request(tenants: Tenants) -> None:
    row = change(tenants, "POST", f"{INSTALLED}/downgrade", {"target_version": "1.0.0"})
    assert (row["installed_version"], row["lifecycle_state"]) == ("1.0.0", "pending")
    assert requested(tenants).kind is RequestKind.UPGRADE


def test_a_newer_wish_supersedes_one_under_way(tenants: Tenants) -> None:
    change(tenants, "POST", f"{INSTALLED}/upgrade")
    row = change(tenants, "POST", f"{INSTALLED}/downgrade", {"target_version": "1.0.0"})
    assert (row["installed_version"], row["lifecycle_state"], row["generation"]) == ("1.0.0", "pending", 3)


def test_a_rollback_brings_back_version_tier_and_config_that_were_ready_last(tenants: Tenants) -> None:
    key = keys.installation(ACME.organization_id, WEATHER)
    furnished = tenants.deployed.store.get(key)
    assert furnished is not None
    tenants.deployed.put(key, replace(furnished, ready_revision=furnished.revision))
    before = tenants.deployed.call("GET", INSTALLED, tenants.user).json
    refused = tenants.deployed.call("POST", f"{INSTALLED}/rollback", tenants.user)
    assert (refused.status_code, "1.1.0 is what was ready last" in refused.json["detail"]) == (409, True)
    change(tenants, "PATCH", INSTALLED, {"config": {"STATIONS": "none"}, "resource_tier": "performance"})
    change(tenants, "POST", f"{INSTALLED}/upgrade")
    row = change(tenants, "POST", f"{INSTALLED}/rollback")
    assert (row["lifecycle_state"], row["generation"]) == ("pending", before["generation"] + 3)
    restored = ("installed_version", "resource_tier", "config")
    assert [row[name] for name in restored] == [before[name] for name in restored]


def test_what_was_never_ready_has_nothing_to_go_back_to(tenants: Tenants) -> None:
    tenants.deployed.call("POST", "/providers/install", tenants.user, body={"provider_name": "acme/radio"})
    refused = tenants.deployed.call("POST", "/providers/installed/acme/radio/rollback", tenants.user)
    assert (refused.status_code, refused.json["detail"]) == (
        409,
        "acme/radio was never ready: there is nothing to go back to",
    )


@pytest.mark.parametrize(("body", "wanted"), [(None, "1.1.0"), ({}, "1.1.0"), ({"version": "1.0.0"}, "1.0.0")])
def test_deploying_again_answers_with_the_deployments_status(tenants: Tenants, body: Any, wanted: str) -> None:
    status = change(tenants, "POST", f"{INSTALLED}/deploy", body)
    assert set(status) == STATUS_FIELDS
    assert (status["status"], status["healthy"], status["ready_replicas"]) == ("pending", False, 0)
    assert status["deployment_name"] == WEATHER.object_name
    assert requested(tenants).version == wanted


def test_what_runs_may_be_deployed_again_after_it_was_yanked(tenants: Tenants) -> None:
    tenants.release(version("1.1.0", status=VersionStatus.YANKED))
    assert change(tenants, "POST", f"{INSTALLED}/deploy")["status"] == "pending"


def test_the_deployment_of_what_the_installer_has_not_seen_is_pending(tenants: Tenants) -> None:
    status = tenants.deployed.call("GET", f"{INSTALLED}/deployment", tenants.user).json
    assert set(status) == STATUS_FIELDS
    assert (status["status"], status["message"]) == ("pending", "waiting for the installer to apply 1.1.0")


def test_a_reserved_config_key_is_refused_with_a_sentence(tenants: Tenants) -> None:
    body = {"provider_name": "acme/radio", "config": {"PATH": "hunter2"}}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert response.status_code == 422
    assert response.json["detail"].startswith("key 'PATH' is reserved")
    assert response.json["errors"][0]["loc"] == ["body", "config"]
    assert "hunter2" not in response.text


def test_another_tier_or_config_is_deployed(tenants: Tenants) -> None:
    body = {"resource_tier": "free", "config": {"A": "1"}}
    row = change(tenants, "PATCH", INSTALLED, body)
    assert (row["resource_tier"], row["config"], row["generation"]) == ("free", {"A": "1"}, 2)
    assert row["lifecycle_state"] == "pending"
    assert requested(tenants).version == "1.1.0"


def test_the_policies_alone_change_nothing_that_runs(tenants: Tenants) -> None:
    body = {"upgrade_policy": "auto", "rollback_on_failure": False}
    row = change(tenants, "PATCH", INSTALLED, body)
    assert (row["upgrade_policy"], row["rollback_on_failure"]) == ("auto", False)
    assert (row["lifecycle_state"], row["generation"]) == ("ready", 1)
    assert tenants.deployed.topics.pull_now(Topic.INSTALLATION_EVENTS) == []


def test_a_patch_of_what_is_so_already_writes_nothing(tenants: Tenants) -> None:
    before = tenants.deployed.documents.all()
    row = change(tenants, "PATCH", INSTALLED, {"resource_tier": "standard", "config": {}, "upgrade_policy": "manual"})
    assert row["generation"] == 1
    assert tenants.deployed.documents.all() == before


def test_an_uninstall_is_202_and_the_row_deleting(tenants: Tenants) -> None:
    response = tenants.deployed.call("DELETE", INSTALLED, tenants.user)
    assert (response.status_code, response.json["lifecycle_state"], response.json["generation"]) == (202, "deleting", 2)
    assert requested(tenants).kind is RequestKind.UNINSTALL
    assert tenants.deployed.call("GET", INSTALLED, tenants.user).json["lifecycle_state"] == "deleting"


@pytest.mark.parametrize("yes", ["true", "1", "True"])
def test_cascade_removes_what_still_manages_resources(tenants: Tenants, yes: str) -> None:
    response = tenants.deployed.call("DELETE", f"/providers/installed/acme/busy?cascade={yes}", tenants.user)
    assert response.status_code == 202


def test_the_timeline_is_newest_first_in_pages(tenants: Tenants) -> None:
    for text in ("1.2.0", "1.0.0"):
        change(tenants, "POST", f"{INSTALLED}/deploy", {"version": text})
    first = tenants.deployed.call("GET", f"{INSTALLED}/events?limit=1", tenants.user).json
    (event,) = first["items"]
    assert (event["event"], event["from_state"], event["to_state"]) == ("change requested", "pending", "pending")
    assert (event["generation"], event["version"], event["cause"]) == (3, "1.0.0", "user_acme")
    assert event["reason"] == "1.2.0 to 1.0.0"
    assert TIME.fullmatch(event["at"])
    rest = tenants.deployed.call("GET", f"{INSTALLED}/events?page_token={first['next_page_token']}", tenants.user).json
    assert [event["generation"] for event in rest["items"]] == [2]
    assert rest["next_page_token"] is None


def test_the_cause_of_a_machine_is_the_machine(tenants: Tenants) -> None:
    tenants.deployed.call("POST", f"{INSTALLED}/upgrade", tenants.machine)
    events = tenants.deployed.call("GET", f"{INSTALLED}/events", tenants.user).json["items"]
    assert events[0]["cause"] == "mch_acme"


def test_config_is_held_against_the_providers_schema_without_being_repeated(tenants: Tenants) -> None:
    schema = '{"properties": {"PORT": {"type": "integer"}}, "required": ["PORT"]}'
    tenants.deployed.put(keys.version(RADIO, "1.0.0"), version("1.0.0", RADIO, config_schema=schema))
    for config in ({}, {"PORT": "hunter2"}):
        body = {"provider_name": "acme/radio", "config": config}
        response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
        assert response.status_code == 422
        assert response.json["errors"][0]["loc"][:2] == ["body", "config"]
        assert "PORT" in response.json["detail"]
        assert "hunter2" not in response.text
    body = {"provider_name": "acme/radio", "config": {"PORT": "80"}}
    assert tenants.deployed.call("POST", "/providers/install", tenants.user, body=body).status_code == 201


@pytest.mark.parametrize(
    ("schema", "config", "status"),
    [
        ('{"properties": {"A": true}}', {"A": "x"}, 201),
        ('{"properties": {"A": false}}', {"A": "x"}, 422),
        ('{"properties": {"A": {"type": ["integer", "null"]}}}', {"A": "x"}, 422),
        ('{"properties": {"A": {"$ref": "#/nowhere"}}}', {"A": "x"}, 422),
        ('{"$ref": "#"}', {"A": "x"}, 422),
        ('{"properties": {"A": {"type": "array"}}}', {"A": "[" * 20_000}, 422),
        ('{"properties": {"A": {"type": "integer"}}}', {"A": "9" * 20_000}, 422),
        ('{"properties": {"A": {"type": "number", "multipleOf": 0.1}}}', {"A": "1e400"}, 422),
        ('{"properties": {"A": {"type": "number", "multipleOf": 0.1}}}', {"A": "NaN"}, 422),
        ('{"properties": {"A": {"type": "number"}}}', {"A": "-Infinity"}, 422),
        ('{"properties": {"A": {"type": "array"}}}', {"A": "[NaN]"}, 422),
        ('{"properties": {"A": {"type": "number", "multipleOf": NaN}}}', {"A": "1"}, 422),
        ('{"properties": {"A": {"pattern": "^[0-9]+$"}}}', {"A": "5"}, 201),
        ('{"properties": {"A": {"pattern": "^[0-9]+$"}}}', {"A": "x"}, 422),
    ],
)
def test_no_schema_and_no_config_together_are_a_fault_of_ours(
    tenants: Tenants, schema: str, config: dict[str, str], status: int
) -> None:
    tenants.deployed.put(keys.version(RADIO, "1.0.0"), version("1.0.0", RADIO, config_schema=schema))
    body = {"provider_name": "acme/radio", "config": config}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert response.status_code == status, response.text


@pytest.mark.parametrize("schema", [BACKTRACKING, DOUBLING], ids=["backtracking", "doubling"])
def test_a_schema_that_asks_for_years_of_work_is_given_up(tenants: Tenants, schema: str) -> None:
    tenants.deployed.put(keys.version(RADIO, "1.0.0"), version("1.0.0", RADIO, config_schema=schema))
    body = {"provider_name": "acme/radio", "config": {"A": "a" * 100 + "!"}}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert response.status_code == 422
    assert response.json["detail"] == "cannot be checked against the provider's config_schema"
