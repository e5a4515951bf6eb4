"""deploy.sh does its steps in order, stops where one fails, and says what it needs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from terraform.tools.configuration import TERRAFORM

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

GIVEN = {
    "PROJECT": "my-project",
    "REGION": "europe-west1",
    "AUTO_APPROVE": "1",
    "SKIP_SMOKE": "1",
    "PYTHON": sys.executable,
}
# Stand-ins for the two tools: each notes how it was called; the state bucket and the image are not there yet.
# A build fails as Google's does where its account may not read the staged source (by default that is a bucket of the
# project's own in the US), where no region is given, and where the registry and the account are not there yet.
RECORD = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'
GCLOUD = """
case "$*" in
  *"buckets describe"* | *"images describe"*) exit 1 ;;
  *"config get-value account"*) echo me@example.com ;;
  *"builds submit"*)
    case "$*" in
      *"--gcs-source-staging-dir gs://my-project-hub-sources/"*) ;;
      *) echo "ERROR: (gcloud.builds.submit) builder does not have storage.objects.get access: 403" >&2; exit 1 ;;
    esac
    case "$*" in *"--region europe-west1 "*) ;; *) echo "ERROR: gcp.resourceLocations violated" >&2; exit 1 ;; esac
    case "$*" in *"--service-account builder "*) ;; *) echo "ERROR: no account" >&2; exit 1 ;; esac
    grep -q "^terraform.* apply" "$CALLS" || { echo "ERROR: repository not found" >&2; exit 1; } ;;
esac
"""
TERRAFORM_TOOL = """
case "$*" in
  *"output -json build"*) cat "$BUILD" ;;
  *"output -json"*) echo '"https://hub.example.com"' ;;
  *" apply"*) exit "${APPLY_STATUS:-0}" ;;
esac
"""
BUILD = {"image": "registry/pragma-runtime:tag", "service_account": "builder", "bucket": "my-project-hub-sources"}


class Deployment:
    """The script with both tools replaced."""

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._calls.touch()
        self._build = folder / "build.json"
        self._build.write_text(json.dumps(BUILD))
        self._path = f"{folder}:{os.environ['PATH']}"
        for name, body in {"gcloud": GCLOUD, "terraform": TERRAFORM_TOOL}.items():
            (folder / name).write_text(RECORD + body)
            (folder / name).chmod(0o755)

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"PATH": self._path, "CALLS": str(self._calls), "BUILD": str(self._build), **environment}
        script = ["bash", str(TERRAFORM / "deploy.sh"), command]
        return subprocess.run(script, env=given, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    def calls(self, *words: str) -> list[str]:
        """What was called, of that which has one of the words, as that word."""
        lines = self._calls.read_text().splitlines()
        return [word for line in lines for word in words if f" {word} " in f"{line} "]

    def text(self) -> str:
        return self._calls.read_text()


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


def test_it_goes_from_an_empty_project_to_a_built_image(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN)
    assert ran.returncode == 0, ran.stderr
    steps = deployment.calls("enable", "create", "init", "plan", "apply", "submit")
    assert steps == ["enable", "create", "init", "plan", "apply", "submit", "plan", "apply"]
    assert "the API is at https://hub.example.com" in ran.stdout


def test_the_image_is_there_before_any_function_refers_to_it(deployment: Deployment) -> None:
    deployment.run("deploy", **GIVEN)
    lines = deployment.text().splitlines()
    plans = [line for line in lines if " plan " in line]
    assert re.findall(r"-target=(\w+)\.", plans[0]) == [
        "google_artifact_registry_repository",
        "google_storage_bucket",
        "time_sleep",
    ]
    assert "-target" not in plans[1]
    assert lines.index(plans[0]) < next(at for at, line in enumerate(lines) if "submit" in line) < lines.index(plans[1])


def test_what_the_first_apply_targets_is_declared() -> None:
    script = (TERRAFORM / "deploy.sh").read_text()
    declared = {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', _sources(), re.MULTILINE)}
    targets = re.findall(r"-target=([\w.]+)", script)
    assert targets
    assert set(targets) <= declared


def test_nothing_is_deployed_onto_an_image_that_could_not_be_built(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **{**GIVEN, "REGION": "us-west1"})
    assert ran.returncode == 1
    assert "resourceLocations" in ran.stderr
    assert deployment.calls("plan", "apply") == ["plan", "apply"]


def _sources() -> str:
    return "\n".join(file.read_text() for file in sorted(TERRAFORM.glob("*.tf")))


def test_the_state_of_each_environment_is_its_own_and_private(deployment: Deployment) -> None:
    deployment.run("deploy", **GIVEN, NAME="staging")
    assert "--public-access-prevention" in deployment.text()
    assert "-backend-config=bucket=my-project-terraform-state -backend-config=prefix=provider-hub/staging" in (
        deployment.text()
    )


def test_issuers_from_the_environment_reach_the_plan(deployment: Deployment) -> None:
    deployment.run(
        "deploy",
        **GIVEN,
        CUSTOMER_ISSUER="https://a.example",
        CONSOLE_ISSUER="https://b.example",
        CUSTOMER_PARTY="a",
        CONSOLE_PARTY="b",
    )
    assert '-var customer_realm={issuer="https://a.example",parties=["a"]}' in deployment.text()
    assert '-var console_realm={issuer="https://b.example",parties=["b"]}' in deployment.text()
    assert '-var operators=["user:me@example.com"]' in deployment.text()


def test_an_issuer_without_an_application_is_refused_before_anything_happens(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN, CUSTOMER_ISSUER="https://a.example")
    assert ran.returncode == 1
    assert "CUSTOMER_ISSUER needs CUSTOMER_PARTY" in ran.stderr
    assert deployment.calls("enable", "plan") == []


def test_nothing_follows_an_apply_that_failed(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN, APPLY_STATUS="1")
    assert ran.returncode == 1
    assert deployment.calls("submit") == []


def test_without_a_yes_nothing_is_applied(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **{**GIVEN, "AUTO_APPROVE": ""})
    assert ran.returncode == 1
    assert "nothing was changed" in ran.stderr
    assert deployment.calls("plan", "apply") == ["plan"]


def test_destroying_lifts_the_protection_first(deployment: Deployment) -> None:
    ran = deployment.run("destroy", **GIVEN)
    assert ran.returncode == 0, ran.stderr
    plans = [line for line in deployment.text().splitlines() if " plan " in line]
    assert ["-destroy" in plan for plan in plans] == [False, True]
    assert all("deletion_protection=false" in plan for plan in plans)


def test_it_says_where_it_must_be_told_to_deploy(deployment: Deployment) -> None:
    ran = deployment.run("deploy")
    assert ran.returncode == 1
    assert "make deploy PROJECT=my-project REGION=europe-west1" in ran.stderr


def test_it_asks_for_a_token_before_it_begins_and_not_after_the_apply(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **{**GIVEN, "SKIP_SMOKE": ""})
    assert ran.returncode == 1
    assert "set HUB_TOKEN_COMMAND" in ran.stderr
    assert deployment.calls("init", "plan", "apply") == []


def test_another_command_is_refused(deployment: Deployment) -> None:
    ran = deployment.run("explode", **GIVEN)
    assert ran.returncode == 1
    assert "deploy|destroy" in ran.stderr
