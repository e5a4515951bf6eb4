"""Each Python of this machine is a runtime version, pods run with theirs, and first-party providers are served."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from kubernetes import client, config

from local_stack.interpreters import Interpreter, find_interpreters, own_interpreter
from local_stack.running import Stack
from provider_hub.domain.runtimes import RuntimeImage
from tests.e2e.tenant import Tenant
from tests.registry_wheels import wheel_of
from tests.runtime_harness import make_wheel

INSTALL_SECONDS = 240
FIRST_PARTY_VERSION = "6.2.0"
SOURCE = """
import platform
def health():
    return f"runs with {platform.python_version()}"
"""
INTERPRETERS = find_interpreters(os.environ)


def name_of(interpreter: Interpreter) -> str:
    return RuntimeImage(interpreter.image, interpreter.version, "").default_name


def newest_of_each_series() -> list[Interpreter]:
    return list({one.release[:2]: one for one in reversed(INTERPRETERS)}.values())


@pytest.mark.parametrize("interpreter", newest_of_each_series(), ids=lambda one: one.version)
def test_a_pod_runs_with_the_python_that_its_wheel_asks_for(
    stack: Stack, tmp_path: Path, interpreter: Interpreter
) -> None:
    major, minor = interpreter.release[:2]
    tenant = Tenant(stack, f"python-{major}-{minor}")
    needs = f"Requires-Python: >={major}.{minor},<{major}.{minor + 1}"
    wheel = make_wheel(tmp_path, {"picky/__init__.py": SOURCE}, name="picky", version=f"1.{minor}.0", metadata=[needs])

    published = tenant.publish("picky", f"1.{minor}.0", wheel)
    assert published["runtime_version"].startswith(f"python{major}.{minor}-")
    tenant.install("picky")
    row = tenant.until("picky", lambda row: row["health_message"] is not None, INSTALL_SECONDS)

    assert re.fullmatch(rf"runs with {major}\.{minor}\.\d+", row["health_message"])
    assert f"-python{major}.{minor}@" in tenant.until_available("picky")["image"]


def test_the_newest_python_is_the_default_and_any_other_can_be_named(stack: Stack, tmp_path: Path) -> None:
    tenant = Tenant(stack, "python-default")
    wheel = make_wheel(tmp_path, {"plain/__init__.py": SOURCE}, name="plain")
    assert tenant.publish("plain", "1.0.0", wheel)["runtime_version"] == name_of(INTERPRETERS[0])
    own = name_of(own_interpreter())
    assert tenant.publish("named", "1.0.0", wheel, runtime_version=own)["runtime_version"] == own


def test_a_wheel_that_no_python_of_this_machine_fits_is_refused_with_what_there_is(
    stack: Stack, tmp_path: Path
) -> None:
    tenant = Tenant(stack, "python-none")
    wheel = make_wheel(tmp_path, {"future/__init__.py": ""}, name="future", metadata=["Requires-Python: >=3.99"])
    added = stack.add_wheel(wheel)
    body = {
        "name": "python-none/future",
        "version": "1.0.0",
        "wheel_url": added.url,
        "metadata": {
            "display_name": "Future",
            "description": "",
        },
    }
    refusal = tenant.call("POST", "/provider-versions", body, expect=422)
    assert "needs Python >=3.99" in refusal["detail"]
    assert all(one.version in refusal["detail"] for one in INTERPRETERS)


def downloaded(distribution: str) -> Path:
    """The wheel of a first-party provider; skips where this machine's package index does not have it."""
    try:
        return wheel_of(f"{distribution}=={FIRST_PARTY_VERSION}")
    except subprocess.CalledProcessError:
        pytest.skip(f"{distribution} {FIRST_PARTY_VERSION} cannot be had from this machine's package index")


def hub(stack: Stack, slug: str, *arguments: str) -> str:
    """What the command printed; fails the test with its refusal."""
    command = [sys.executable, "-m", "hub_cli.main", *arguments]
    environment = {
        **os.environ,
        "HUB_API_URL": stack.info.api_url,
        "HUB_CA_FILE": stack.info.ca_file,
        "HUB_TOKEN": stack.tokens.machine(slug),
    }
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def followed_log(stack: Stack, slug: str) -> urllib3.BaseHTTPResponse:
    """What the organization's only pod writes, up to its end."""
    core = client.CoreV1Api(config.new_client_from_config(stack.info.kubeconfig))
    namespace = stack.info.namespace(slug)
    [pod] = core.list_namespaced_pod(namespace).items
    followed: urllib3.BaseHTTPResponse = core.read_namespaced_pod_log(
        pod.metadata.name, namespace, follow=True, _preload_content=False
    )
    return followed


@pytest.mark.skipif(INTERPRETERS[0].release < (3, 13), reason="first-party providers need Python 3.13")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("short_name", "resource_type"), [("github", "repository"), ("pragma", "secret"), ("supabase", "project")]
)
def test_a_first_party_provider_is_served_by_its_pod_until_it_is_uninstalled(
    stack: Stack, short_name: str, resource_type: str
) -> None:
    tenant = Tenant(stack, f"first-party-{short_name}")
    wheel = downloaded(f"pragmatiks-{short_name}-provider")
    hub(stack, tenant.slug, "publish", str(wheel), "--wheel-url", stack.add_wheel(wheel).url, "--name", short_name)

    tenant.install(short_name)
    row = tenant.until(short_name, lambda row: row["lifecycle_state"] in {"ready", "failed"}, seconds=INSTALL_SECONDS)

    assert row["lifecycle_state"] == "ready", row["failure_message"]
    assert resource_type in row["resource_types"]
    log = followed_log(stack, tenant.slug)
    tenant.call("DELETE", tenant.path(short_name), expect=202)
    assert '"event": "worker_shutdown_requested"' in log.read().decode()
    tenant.until_gone(short_name)
