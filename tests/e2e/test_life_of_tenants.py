"""What happens around an installation: auto-upgrades, health, forgeries, meddling in the cluster."""

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest
import urllib3
from kubernetes import client, config

from local_stack.running import Stack
from provider_hub.domain.names import ProviderName
from tests.e2e.tenant import METADATA, Tenant


def _publish_platform(stack: Stack, name: str, version: str, wheel: Path) -> None:
    added = stack.add_wheel(wheel)
    body = {"name": f"platform/{name}", "version": version, "wheel_url": added.url, "metadata": METADATA}
    headers = {"Authorization": f"Bearer {stack.tokens.console_machine()}"}
    url = f"{stack.info.api_url}/console/provider-versions"
    response = urllib3.request("POST", url, json=body, headers=headers, timeout=30)
    assert response.status == 201, response.data


def test_a_platform_version_reaches_the_tenants_that_want_it(
    stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    _publish_platform(stack, "auto", "5.0.0", sample.build_wheel("5.0.0", tmp_path))
    tenants = [Tenant(stack, f"auto-{number}") for number in range(3)]
    for number, each in enumerate(tenants):
        wish = {"provider_name": "platform/auto", "upgrade_policy": "manual" if number == 2 else "auto"}
        each.call("POST", "/providers/install", wish, expect=201)
    path = "/providers/installed/platform/auto"
    for each in tenants:
        each.until_ready(path, "5.0.0")
    _publish_platform(stack, "auto", "5.1.0", sample.build_wheel("5.1.0", tmp_path))
    for each in tenants[:2]:
        row = each.until_ready(path, "5.1.0")
        assert row["failure_message"] is None
    assert tenants[2].call("GET", path)["current_version"] == "5.0.0"
    causes = {entry["cause"] for entry in tenants[0].call("GET", f"{path}/events")["items"]}
    assert "auto-upgrade" in causes


def test_a_degraded_provider_says_why(tenant: Tenant, sample: ModuleType, tmp_path: Path) -> None:
    tenant.publish("weather", "6.0.0", sample.build_wheel("6.0.0", tmp_path, variant="degraded"))
    tenant.install("weather")
    row = tenant.until("weather", lambda row: row["health"] == "degraded")
    assert row["lifecycle_state"] == "ready"
    assert row["health_message"] == sample.DEGRADED_MESSAGE


def test_a_forged_check_in_changes_nothing(stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path) -> None:
    tenant.publish("quiet", "6.1.0", sample.build_wheel("6.1.0", tmp_path, variant="never-checks-in"))
    row = tenant.install("quiet")
    forged = {
        "organization_id": f"org_{tenant.slug}",
        "provider": row["canonical"],
        "version": "6.1.0",
        "generation": 1,
        "instance_id": "nobody",
        "token": "guessed",
        "health": "healthy",
    }
    _publish_check_in(stack, json.dumps(forged).encode())
    _publish_check_in(stack, b"not even JSON")
    _publish_check_in(stack, json.dumps({**forged, "token": "x" * 10_000}).encode())
    log = Path(stack.info.logs_dir) / "registration.log"
    until_logged(
        log, "token refused", "no CheckIn that can be read: check body", "no CheckIn that can be read: check token"
    )
    assert tenant.row("quiet")["lifecycle_state"] in ("pending", "processing")
    assert "guessed" not in log.read_text()


def test_a_deployment_deleted_behind_our_back_is_repaired(
    stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    tenant.publish("weather", "6.2.0", sample.build_wheel("6.2.0", tmp_path))
    tenant.install("weather")
    tenant.until_state("weather", "ready")
    connection = config.new_client_from_config(stack.info.kubeconfig)  # type: ignore[no-untyped-call]
    name = ProviderName(tenant.slug, "weather").object_name
    client.AppsV1Api(connection).delete_namespaced_deployment(name, stack.info.namespace(tenant.slug))
    timeline = tenant.until(
        "weather", lambda page: page["items"][0]["event"] == "drift repaired", seconds=90, rest="/events"
    )
    assert timeline["items"][0]["reason"] == f"Deployment {name}"
    tenant.until_available("weather")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_shows_what_runs(stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path) -> None:
    tenant.publish("weather", "6.3.0", sample.build_wheel("6.3.0", tmp_path))
    tenant.install("weather")
    tenant.until_available("weather")
    namespace = stack.info.namespace(tenant.slug)
    command = ["kubectl", "--kubeconfig", stack.info.kubeconfig, "-n", namespace, "get", "deployments"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "1/1" in shown.stdout


def until_logged(log: Path, *sentences: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while missing := [sentence for sentence in sentences if sentence not in log.read_text()]:
        assert time.monotonic() < deadline, f"not in {log} after {seconds} s: {missing}"
        time.sleep(0.1)


def _publish_check_in(stack: Stack, data: bytes) -> None:
    topic = f"projects/{stack.info.project}/topics/runtime-check-ins"
    url = f"http://{stack.info.pubsub_emulator_host}/v1/{topic}:publish"
    body = {"messages": [{"data": base64.b64encode(data).decode(), "orderingKey": "forged"}]}
    response = urllib3.request("POST", url, json=body, timeout=10)
    assert response.status == 200, response.data
