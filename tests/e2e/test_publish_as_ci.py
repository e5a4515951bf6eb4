"""A CI run publishes with no secret stored anywhere, and what it published becomes READY."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from uv import find_uv_bin

from local_stack.running import Stack
from provider_hub.domain.attestations import PUBLISH
from tests.e2e.tenant import Tenant

_HUB = [sys.executable, "-m", "hub_cli.main"]


def job(stack: Stack, repository: str, command: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """A command as a job of a workflow, on a machine that has no token of the hub's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUB_", "UV_"))}
    given = [*_HUB, "job", repository, "--state-dir", str(stack.state_dir), *options, "--", *command]
    return subprocess.run(given, env=kept, capture_output=True, text=True, timeout=100, check=False)


def test_a_run_publishes_by_hub_and_by_plain_uv_and_the_provider_becomes_ready(
    stack: Stack, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    repository, name = f"{tenant.slug}/sunlight", f"{tenant.slug}/weather-provider"
    wish = {"platform": "github", "repository": repository, "workflow": "release.yml", "ref": "refs/tags/*"}
    tenant.call("POST", f"/providers/{name}/publishers", wish, expect=201)

    hub = [*_HUB, "publish", str(sample.build_wheel("1.0.0", tmp_path))]
    published = job(stack, repository, hub)
    assert published.returncode == 0, published.stderr
    assert f"/{repository}/actions/runs/30433642" in published.stdout

    url = f"{stack.info.api_https_url}/upload/{tenant.slug}/"
    wheel = str(sample.build_wheel("1.1.0", tmp_path))
    uv = [find_uv_bin(), "publish", "--trusted-publishing", "always", "--publish-url", url, f"{wheel}*"]
    published = job(stack, repository, uv, "--attest", wheel)
    assert published.returncode == 0, published.stderr
    version = tenant.call("GET", f"/providers/{name}/versions/1.1.0")
    assert version["attestations"] == [PUBLISH], "it sends what its pattern finds beside the wheel"
    assert tenant.call("GET", version["provenance_path"])["attestation_bundles"][0]["publisher"]["kind"] == "GitHub"
    assert version["published_by"]["run_url"].endswith(f"/{repository}/actions/runs/30433642")

    tenant.install("weather-provider")
    assert tenant.until_state("weather-provider", "ready")["current_version"] == "1.1.0"
    for command in (hub, uv):
        refused = job(stack, repository, command, "--workflow", "test.yml")
        assert refused.returncode != 0
        assert "release.yml" in refused.stderr, refused.stderr
