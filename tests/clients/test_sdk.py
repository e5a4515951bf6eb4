"""Published SDKs, unmodified, against the running stack: every method that they share with this API.

The seeds are of the time of SDK 3.0 to 5.0, which must work whole. SDK 18 publishes by another protocol and has another
word for an organization's status; it reads and changes what it shares with this API.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local_stack import sample_wheels
from local_stack.running import Stack
from tests.clients.environments import NoPython, environment_of
from tests.e2e.tenant import METADATA, Tenant

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
SCRIPT = Path(__file__).with_name("sdk_calls.py")
OF_THE_SEEDS = ("3.0.0", "4.0.0", "4.2.0", "5.0.0")
LATER = "18.0.0"

Call = Mapping[str, Any]


def ran(stack: Stack, version: str, tenant: Tenant, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """What each call came to, made by that SDK in its own environment."""
    try:
        environment = environment_of(f"sdk-{version}")
    except NoPython as missing:
        pytest.skip(str(missing))
    given = {"url": stack.info.api_url, "token": stack.tokens.user(tenant.slug), "calls": calls}
    process = subprocess.run(
        [environment / "bin" / "python", SCRIPT, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return [json.loads(line) for line in process.stdout.splitlines()]


def check_all_ok(outcomes: Sequence[Mapping[str, Any]]) -> None:
    failed = [outcome for outcome in outcomes if outcome["outcome"] == "failed"]
    assert not failed, json.dumps(failed, indent=1)


def documented(version: str) -> dict[str, str]:
    """What docs/clients.md says of each method of that SDK."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    column = cells[0].index(version)
    return {row[0].strip("`"): row[column] for row in cells[2:]}


def check_documented(version: str, outcomes: Sequence[Mapping[str, Any]]) -> None:
    marks = {"ok": "yes", "failed": "no", "absent": "-"}
    came = {outcome["method"]: marks[outcome["outcome"]] for outcome in outcomes}
    page = documented(version)
    assert came == {method: page.get(method) for method in came}


def published(tenant: Tenant, directory: Path) -> None:
    for text in ("1.0.0", "1.1.0"):
        tenant.publish("weather", text, sample_wheels.build_wheel(text, directory))


def life_of(name: str) -> list[Call]:
    """Reads, then an installation from its beginning to its end."""
    return [
        {"method": "is_healthy"},
        {"method": "get_me"},
        {"method": "list_providers"},
        {"method": "get_provider", "args": [name]},
        {"method": "list_provider_versions", "args": [name]},
        {"method": "update_provider", "args": [name, {"description": "Told by an SDK"}]},
        {"method": "install_provider", "args": [name], "kwargs": {"version": "1.0.0"}},
        {"until": [name, "available"]},
        {"method": "list_installations"},
        {"method": "get_deployment_status", "args": [name]},
        {"method": "upgrade_provider", "args": [name]},
        {"until": [name, "available"]},
        {"method": "downgrade_provider", "args": [name, "1.0.0"]},
        {"until": [name, "available"]},
        {"method": "deploy_provider", "args": [name]},
        {"method": "uninstall_provider", "args": [name], "kwargs": {"cascade": True}},
        {"until": [name, None]},
        {"method": "delete_provider", "args": [name]},
        {"method": "list_dead_letter_events"},
        {"method": "retry_all_dead_letter_events"},
        {"method": "delete_dead_letter_events", "kwargs": {"all": True}},
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [*OF_THE_SEEDS, LATER])
def test_an_sdk_reads_installs_changes_and_removes_a_provider(stack: Stack, tmp_path: Path, version: str) -> None:
    tenant = Tenant(stack, f"sdk-{version.replace('.', '-')}")
    published(tenant, tmp_path)
    outcomes = ran(stack, version, tenant, life_of(f"{tenant.slug}/weather"))
    check_all_ok(outcomes)
    check_documented(version, outcomes)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", OF_THE_SEEDS)
def test_an_sdk_of_the_seeds_time_reads_its_organization(stack: Stack, version: str) -> None:
    tenant = Tenant(stack, f"org-{version.replace('.', '-')}")
    calls = [{"method": "list_organizations"}, {"method": "get_organization", "args": ["me"]}]
    outcomes = ran(stack, version, tenant, calls)
    check_all_ok(outcomes)
    check_documented(version, outcomes)
    assert outcomes[1]["result"]["status"] == "active"


@pytest.mark.timeout(900)
def test_a_later_sdk_wants_another_word_for_an_organizations_status(stack: Stack) -> None:
    """Two generations contradict each other: the seeds' time reads `active`, SDK 6 and later read `ready`."""
    calls = [{"method": "list_organizations"}, {"method": "get_organization", "args": ["me"]}]
    outcomes = ran(stack, LATER, Tenant(stack, "org-later"), calls)
    assert (outcomes[0]["outcome"], "status" in outcomes[0]["error"]) == ("failed", True)
    check_documented(LATER, outcomes)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["4.0.0", "4.2.0", "5.0.0"])
def test_an_sdk_of_the_seeds_time_publishes_and_reads_the_answer(stack: Stack, tmp_path: Path, version: str) -> None:
    tenant = Tenant(stack, f"ci-{version.replace('.', '-')}")
    added = stack.add_wheel(sample_wheels.build_wheel("1.0.0", tmp_path))
    release = {
        "name": f"{tenant.slug}/weather",
        "version": "1.0.0",
        "wheel_url": added.url,
        "sha256": added.sha256,
        "schemas": {},
        "metadata": METADATA,
    }
    outcomes = ran(stack, version, tenant, [{"method": "register_provider_version", "kwargs": release}] * 2)
    check_all_ok(outcomes)
    check_documented(version, outcomes)
    assert outcomes[0]["result"] == outcomes[1]["result"]
    assert outcomes[0]["result"]["runtime_version"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [*OF_THE_SEEDS, LATER])
def test_an_sdk_finds_a_public_provider_of_another_organization_and_of_the_platform(
    stack: Stack, tmp_path: Path, version: str
) -> None:
    author = Tenant(stack, f"author-{version.replace('.', '-')}")
    author.publish(
        "weather", "1.0.0", sample_wheels.build_wheel("1.0.0", tmp_path), metadata={**METADATA, "scope": "public"}
    )
    name = f"{author.slug}/weather"
    calls = [{"method": "get_provider", "args": [name]}, {"method": "list_provider_versions", "args": [name]}]
    outcomes = ran(stack, version, Tenant(stack, f"reader-{version.replace('.', '-')}"), calls)
    check_all_ok(outcomes)
    assert outcomes[0]["result"]["scope"] == "public"
