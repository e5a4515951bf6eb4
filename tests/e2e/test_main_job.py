"""From a wheel to a READY provider and back, over the whole stack."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from local_stack.residue_check import documents_of, objects_of
from local_stack.running import Stack
from local_stack.stack_file import wheels_dir
from provider_hub.domain.names import ProviderName
from tests.e2e.tenant import DEADLINE_SECONDS, Tenant
from tests.registry_wheels import wheel_of

AWKWARD = {
    "QUOTES": """'single' "double" `back`""",
    "LINES": "first\nsecond\r\n\ttabbed\n",
    "SHELL": "$(rm -rf /) ${HOME} $HOME $$ %PATH% \\n",
    "UNICODE": "snø, 雪, ❄",
    "__DUNDER__": "=equals",
    "EMPTY": "",
    "LARGE": "x" * (30 * 1024),
}


@pytest.fixture(scope="module", autouse=True)
def doomed(stack: Stack, sample: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tenant, dict[str, str]]:
    """A tenant with wheels that cannot run, and the cause of each; their deadline passes while other tests run."""
    tenant = Tenant(stack, "wheels-that-cannot-run")
    causes = {
        "import-fails": f"No module named '{sample.MISSING_MODULE}'",
        "exits-at-once": sample.LAST_WORDS,
        "never-checks-in": "deadline passed without a check-in",
    }
    built = tmp_path_factory.mktemp("doomed")
    for patch, variant in enumerate(causes, start=1):
        version = f"3.0.{patch}"
        tenant.publish(variant, version, sample.build_wheel(version, built, variant=variant))
        tenant.install(variant)
    return tenant, causes


def test_a_healthy_provider_is_installed_upgraded_and_removed(
    stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    tenant.publish("weather", "1.0.0", sample.build_wheel("1.0.0", tmp_path))
    created = tenant.install("weather")
    assert (created["lifecycle_state"], created["current_version"]) == ("pending", None)
    ready = tenant.until_state("weather", "ready")
    assert (ready["current_version"], ready["health"], ready["generation"]) == ("1.0.0", "healthy", 1)
    status = tenant.until_available("weather")
    assert (status["version"], status["ready_replicas"], status["healthy"]) == ("1.0.0", 1, True)

    tenant.publish("weather", "1.1.0", sample.build_wheel("1.1.0", tmp_path))
    # From here on the publisher's host has neither wheel: what is deployed comes from the hub's own bucket.
    for wheel in wheels_dir(stack.state_dir).glob("weather_provider-1.[01].0-*"):
        wheel.unlink()
    assert tenant.row("weather")["upgrade_available"] is True
    tenant.call("POST", tenant.path("weather", "/upgrade"))
    upgraded = tenant.until("weather", lambda row: row["current_version"] == "1.1.0")
    assert (upgraded["lifecycle_state"], upgraded["generation"]) == ("ready", 2)
    tenant.call("POST", tenant.path("weather", "/downgrade"), {"target_version": "1.0.0"})
    tenant.until("weather", lambda row: row["current_version"] == "1.0.0")

    tenant.call("DELETE", tenant.path("weather"), expect=202)
    tenant.until_gone("weather")
    name = ProviderName(tenant.slug, "weather")
    assert objects_of(Path(stack.info.kubeconfig), stack.info.namespace(tenant.slug), name) == []
    assert documents_of(stack.info.firestore_emulator_host, stack.info.project, f"org_{tenant.slug}", name) == []

    tenant.install("weather", version="1.1.0")
    again = tenant.until_state("weather", "ready")
    assert again["current_version"] == "1.1.0"


def test_a_wheel_whose_dependency_no_index_has_is_not_published(
    tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    wheel = sample.build_wheel("3.0.0", tmp_path, variant="missing-dependency")
    refused = tenant.publish("needy", "3.0.0", wheel, expect=422)
    assert f"{sample.MISSING_DISTRIBUTION} was not found" in refused["detail"]
    assert tenant.call("GET", f"/providers/{tenant.slug}/needy", expect=404)["detail"]


def test_a_failing_upgrade_goes_back_by_itself_and_the_old_runtime_keeps_serving(
    tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    tenant.publish("weather", "1.0.0", sample.build_wheel("1.0.0", tmp_path))
    tenant.publish("weather", "2.0.0", sample.build_wheel("2.0.0", tmp_path, variant="import-fails"))
    tenant.install("weather", version="1.0.0")
    tenant.until_state("weather", "ready")
    tenant.until_available("weather")
    tenant.call("POST", tenant.path("weather", "/upgrade"))
    served = []

    def back(row: dict[str, object]) -> bool:
        served.append(tenant.call("GET", tenant.path("weather", "/deployment"))["ready_replicas"])
        return row["generation"] == 3 and row["lifecycle_state"] == "ready"

    row = tenant.until("weather", back)
    assert (row["installed_version"], row["current_version"]) == ("1.0.0", "1.0.0")
    assert "2.0.0 failed" in row["failure_message"]
    assert "restored 1.0.0" in row["failure_message"]
    assert min(served) >= 1
    events = [entry["event"] for entry in tenant.call("GET", tenant.path("weather", "/events"))["items"]]
    assert events[:4] == ["check-in", "taken by the installer", "rollback", "deploy failed"]


def test_config_arrives_in_the_process_byte_for_byte(
    stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    tenant.publish("echo", "4.0.0", sample.build_wheel("4.0.0", tmp_path, variant="echo-config"))
    tenant.install("echo", config=AWKWARD)
    tenant.until_state("echo", "ready")
    for written in stack.state_dir.rglob("environment.json"):
        seen = {name: bytes.fromhex(value) for name, value in json.loads(written.read_text()).items()}
        if "QUOTES" in seen:
            break
    else:
        pytest.fail("no pod wrote its environment")
    assert {key: seen[key] for key in AWKWARD} == {key: value.encode() for key, value in AWKWARD.items()}
    assert not [name for name in seen if "TOKEN" in name]


@pytest.mark.parametrize("function", ["installations", "installer", "registration"])
def test_an_install_survives_the_death_of_a_function(
    function: str, stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    name = f"weather-{function}"
    tenant.publish(name, "1.0.0", sample.build_wheel("1.0.0", tmp_path / function))
    tenant.install(name)
    stack.kill(function)
    assert tenant.until_state(name, "ready", 90)["current_version"] == "1.0.0"


def test_a_wheel_from_the_package_registry_becomes_ready(tenant: Tenant) -> None:
    tenant.publish("six", "1.17.0", wheel_of("six==1.17.0"))
    tenant.install("six")
    assert tenant.until_state("six", "ready")["health"] == "healthy"


def test_wheels_that_cannot_run_end_failed_with_the_cause(doomed: tuple[Tenant, dict[str, str]]) -> None:
    """Last, since one of them fails by its deadline alone."""
    tenant, causes = doomed
    for variant, cause in causes.items():
        row = tenant.until_state(variant, "failed", DEADLINE_SECONDS + 30)
        assert cause in row["failure_message"], variant
        assert row["current_version"] is None
        status = tenant.call("GET", tenant.path(variant, "/deployment"))
        assert (status["status"], status["healthy"]) == ("failed", False)
        assert status["message"]
