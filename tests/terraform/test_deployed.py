"""The README's chapters on deploying, word for word, and what a later plan would lose of what they deployed.

Terraform itself runs, with stand-ins for gcloud and kubectl. A plan that would lose data is refused, unless what is
lost is named.
"""

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from terraform.tools import plan as guard
from terraform.tools.readme import README
from tests.rehearsal.terraform_cli import ROOT, Terraform, working_copy

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH"),
    pytest.mark.timeout(300),
]

# A new project: no bucket and no image is there. What is asked before the plan is not answered, which is a remark.
GCLOUD = """#!/bin/sh
echo "gcloud $*" >> "$CALLS"
case "$*" in
  *"buckets describe"*) grep -q "buckets create" "$CALLS" || exit 1; echo 123 ;;
  *"projects describe"*"value(projectNumber)"*) echo 123 ;;
  *"images describe"*) echo "Image not found." >&2; exit 1 ;;
  *"--format json"* | *"--format=json"*) exit 1 ;;
  *"print-access-token"*) echo token-of-the-deployer ;;
  *"config get-value account"*) echo me@example.com ;;
  *"sign-url"*) echo https://storage.example.com/signed ;;
esac
"""
KUBECTL = '#!/bin/sh\necho "kubectl $*" >> "$CALLS"\ncat > "$CALLS.manifest"\n'
# The state is kept by the stand-in, and not in a bucket.
TERRAFORM_TOOL = """#!/bin/bash
echo "terraform $*" >> "$CALLS"
arguments=()
for one in "$@"; do [[ $one == -backend-config=* ]] || arguments+=("$one"); done
exec {terraform} "${{arguments[@]}}"
"""
# The rehearsal has what the smoke test finds; here it is how it is called.
PYTHON = """#!/bin/sh
case "$*" in *terraform.tools.smoke*) echo "smoke $*" >> "$CALLS"; exit 0 ;; esac
exec {python} "$@"
"""

# What deploy.sh gives to every plan.
OPTIONS = ("-var=project=my-project", "-var=region=europe-west1", "-var=name=hub", "-var=operator=user:me@example.com")


@dataclass(frozen=True)
class Deployed:
    """What the chapter's commands came to, and the configuration with its state."""

    terraform: Terraform
    lines: list[str]
    ran: subprocess.CompletedProcess[str]
    calls: list[str]
    manifest: Path


def commands(chapter: str) -> list[str]:
    """The indented lines of a chapter, as a reader copies them."""
    _, _, text = README.read_text().partition(f"\n## {chapter}\n")
    return re.findall(r"^    (\S.*)$", text.partition("\n## ")[0], re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """A fresh checkout that is set up, with the providers of the rehearsal."""
    folder = tmp_path_factory.mktemp("checkout")
    with working_copy(folder) as terraform:
        shutil.copy(ROOT / "Makefile", folder)
        (folder / ".ci").mkdir()
        stand_in(folder / ".ci" / "setup", "#!/bin/sh\n")
        yield terraform


def stand_in(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def deployed(checkout: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """After the commands of the chapter on deploying."""
    folder = tmp_path_factory.mktemp("tools")
    tools = {
        "gcloud": GCLOUD,
        "kubectl": KUBECTL,
        "terraform": TERRAFORM_TOOL.format(terraform=shutil.which("terraform")),
        "python": PYTHON.format(python=sys.executable),
    }
    for name, text in tools.items():
        stand_in(folder / name, text)
    environment = {
        **checkout.environment,
        "PATH": f"{folder}:{checkout.environment['PATH']}",
        "PYTHON": str(folder / "python"),
        "CALLS": str(folder / "calls"),
    }
    lines = commands("Deploy")
    ran = subprocess.run(
        ["bash", "-euc", "\n".join(lines).replace("'…'", "'echo a-token'")],
        cwd=checkout.directory.parent,
        env=environment,
        input="y\ny\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return Deployed(checkout, lines, ran, (folder / "calls").read_text().splitlines(), folder / "calls.manifest")


def test_the_chapters_commands_deploy(deployed: Deployed) -> None:
    assert deployed.lines[-1] == "make deploy PROJECT=my-project REGION=europe-west1"
    said, calls = deployed.ran.stdout, deployed.calls
    assert "deploy: the API is at https://203-0-113-10.sslip.io, its address is 203.0.113.10" in said
    (build,) = [call for call in calls if "builds submit" in call]
    assert "--service-account projects/my-project/serviceAccounts/hub-builder@" in build
    assert "--gcs-source-staging-dir gs://my-project-hub-sources/runtime-image" in build
    (init,) = [call for call in calls if " init " in call]
    assert "-backend-config=bucket=my-project-terraform-state" in init
    applies = [at for at, call in enumerate(calls) if call.startswith("terraform") and " apply " in call]
    assert len(applies) == 2
    assert applies[0] < calls.index(build) < applies[1]
    (smoke,) = [call for call in calls if call.startswith("smoke")]
    assert "--url https://203-0-113-10.sslip.io" in smoke
    assert "--wheel-url https://storage.example.com/signed" in smoke
    manifest = json.loads(deployed.manifest.read_text())
    assert "hub-installer@my-project.iam.gserviceaccount.com" in json.dumps(manifest)


def test_the_commands_before_ci_deploys_make_its_accounts_and_a_second_plan_changes_nothing(
    checkout: Terraform,
) -> None:
    lines = [line for line in commands("Deploy from CI") if line.startswith("terraform")]
    assert [line.split()[2] for line in lines] == ["init", "apply"]
    ran = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=checkout.directory.parent,
        env=checkout.environment,
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "Apply complete!" in ran.stdout
    assert "GCP_DEPLOYER" in ran.stdout
    bootstrap = checkout.root(checkout.directory / "bootstrap")
    bootstrap.assert_settled("-var=project=my-project", '-var=repository={id="123",owner_id="456"}')
    assert set(json.loads(bootstrap.run("output", "-json", "variables"))) == {
        "GCP_PROJECT",
        "GCP_IDENTITY_PROVIDER",
        "GCP_PLANNER",
        "GCP_DEPLOYER",
        "HUB_NAME",
    }


def lost(plan: dict[str, Any]) -> set[str]:
    return {loss.address.rpartition("module.")[2] for loss in guard.losses(plan)}


def guarded(plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *allowed: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(plan)))
    return guard.main(["guard", "--allow", *allowed])


@pytest.fixture(scope="module")
def unchanged(deployed: Deployed) -> dict[str, Any]:
    """A plan of what is deployed already."""
    return deployed.terraform.plan(*OPTIONS)


@pytest.fixture(scope="module")
def losing(deployed: Deployed) -> dict[str, Any]:
    """A plan with a typo in the database's name, and with a cluster that gives way to an existing one."""
    existing = '-var=cluster={existing={name="shared",location="europe-west1"}}'
    return deployed.terraform.plan(*OPTIONS, '-var=database={name="hub-databse"}', existing)


def test_a_plan_that_changes_nothing_loses_nothing(unchanged: dict[str, Any]) -> None:
    assert lost(unchanged) == set()


def test_a_typo_in_the_databases_name_is_refused_and_says_what_changed(
    losing: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(losing, monkeypatch) == 1
    said = capsys.readouterr().err
    assert "would be replaced, since name ('hub-database' → 'hub-databse') changes" in said
    assert "every organization, provider and installation would be lost" in said
    assert "ALLOW_LOSS='" in said


def test_what_is_named_may_be_lost(losing: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [loss.address for loss in guard.losses(losing)]
    assert guarded(losing, monkeypatch, *addresses) == 0
    assert guarded(losing, monkeypatch, "module.hub.module.cluster.google_container_cluster.runtimes") == 1


def test_a_cluster_that_gives_way_to_an_existing_one_is_refused(losing: dict[str, Any]) -> None:
    assert any("google_container_cluster" in address for address in lost(losing))


def test_another_environments_name_is_refused_for_all_that_holds_data(deployed: Deployed) -> None:
    found = lost(deployed.terraform.plan(*OPTIONS, "-var=name=prod"))
    kinds = {part for address in found for part in address.split(".")}
    assert {"google_firestore_database", "google_container_cluster", "google_secret_manager_secret"} <= kinds
    assert not [address for address in found if "samples" in address], "a sample is made again"


def test_taking_a_check_in_key_out_is_named_first(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = deployed.terraform.plan(*OPTIONS, '-var=check_in_keys=["2"]')
    (key,) = guard.losses(plan)
    assert key.address.endswith('google_secret_manager_secret.check_in_key["1"]')
    assert not key.replaced
    assert guarded(plan, monkeypatch, key.address.replace('["1"]', "")) == 0, "the index may be left out"


def test_an_outputs_planned_value_is_told(unchanged: dict[str, Any]) -> None:
    assert guard.planned_output(unchanged, ["build", "bucket"]) == "my-project-hub-sources"
    assert guard.planned_output(unchanged, ["build", "nothing"]) == ""


# What a trial gets, and what its first real month takes away again: a domain, other people, no console.
TRIAL = {
    "alert_emails": '["a@example.com", "b@example.com"]',
    "network": "{static_addresses = 2}",
    "web_console": '{client_id = "console-app"}',
}
LATER = {
    "alert_emails": '["c@example.com"]',
    "domain": "hub.example.com",
    "network": "{static_addresses = 1}",
    "web_console": "null",
}
REFERRED_TO = {
    "google_compute_address",
    "google_compute_backend_bucket",
    "google_monitoring_notification_channel",
    "google_monitoring_uptime_check_config",
}


def test_what_others_refer_to_is_deleted_after_they_let_go_of_it(deployed: Deployed) -> None:
    """The rehearsal's provider refuses it any earlier, as Google does."""
    terraform, there = deployed.terraform, []
    with terraform.with_state(terraform.state_text):
        for settings in (TRIAL, LATER):
            chosen = (f"-var={name}={value}" for name, value in settings.items())
            terraform.run("plan", "-input=false", "-refresh=false", "-out=plan.out", *OPTIONS, *chosen)
            terraform.apply()
            there.append(referred_to(terraform.state_text))
    before, after = there
    assert {kind for kind, _ in before - after} == REFERRED_TO


def referred_to(state: str) -> set[tuple[str, str]]:
    """The type and id of each resource that Google keeps while something refers to it."""
    resources = [one for one in json.loads(state)["resources"] if one["type"] in REFERRED_TO]
    return {(one["type"], instance["attributes"]["id"]) for one in resources for instance in one["instances"]}


# Each has a name that nothing else may have at the same time, and can be replaced: made before it is destroyed, it is
# refused.
NAMED_ONCE = {
    "google_artifact_registry_repository",
    "google_cloud_run_v2_service",
    "google_cloud_run_v2_service_iam_member",
    "google_compute_subnetwork",
    "google_container_cluster",
    "google_firestore_database",
}


def test_what_has_a_name_of_its_own_is_not_made_before_it_is_destroyed(deployed: Deployed) -> None:
    """Terraform has whatever a resource depends on made before it is destroyed, once it has the resource itself so."""
    resources = json.loads(deployed.terraform.state_text)["resources"]
    first = {one["type"] for one in resources if any(each.get("create_before_destroy") for each in one["instances"])}
    assert "google_monitoring_uptime_check_config" in first
    assert first & NAMED_ONCE == set()


def test_no_key_is_in_the_state(deployed: Deployed) -> None:
    state = deployed.terraform.state_text
    assert "key-of-" not in state
    versions = [one for one in json.loads(state)["resources"] if one["type"] == "google_secret_manager_secret_version"]
    values = [instance["attributes"] for one in versions for instance in one["instances"]]
    assert len(values) >= 2
    assert not any(value["secret_data"] or value["secret_data_wo"] for value in values)


def test_a_state_of_before_the_module_keeps_all_that_it_has(deployed: Deployed) -> None:
    terraform = deployed.terraform
    moved = set(re.findall(r"from = (\S+)", (terraform.directory / "moved.tf").read_text()))
    state = json.loads(terraform.state_text)
    state["resources"] = [old for one in state["resources"] if (old := as_before(one, moved))]
    assert len(state["resources"]) > 100
    with terraform.with_state(json.dumps(state)):
        plan = terraform.plan(*OPTIONS)
        # What deploy.sh does first: a plan of few targets would be refused while anything has still to move.
        terraform.run("plan", "-input=false", "-out=plan.out", *OPTIONS, "-refresh-only")
        terraform.run("apply", "-input=false", "plan.out")
        listed = terraform.run("state", "list").split()
    actions = {change["address"]: change["change"]["actions"] for change in plan["resource_changes"]}
    assert [address for address, action in actions.items() if "delete" in action or "update" in action] == []
    before = [change for change in plan["resource_changes"] if change.get("previous_address")]
    assert {tuple(change["change"]["actions"]) for change in before} == {("no-op",)}
    assert [address for address in listed if not address.startswith(("module.hub.", "data."))] == []


def as_before(resource: dict[str, Any], moved: set[str]) -> dict[str, Any] | None:
    """A state's resource at the address that it had in the root; None for data, and for what came with the module."""
    inside = resource.get("module", "").removeprefix("module.hub").removeprefix(".")
    address = re.match(r"module\.\w+", inside)
    known = address[0] if address else f"{resource['type']}.{resource['name']}"
    if resource["mode"] != "managed" or known not in moved:
        return None
    kept = {key: value for key, value in resource.items() if key != "module"}
    kept["instances"] = [
        {key: value for key, value in instance.items() if key != "dependencies"} for instance in resource["instances"]
    ]
    return kept | ({"module": inside} if inside else {})
