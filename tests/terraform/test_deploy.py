"""deploy.sh does its steps in order, stops where one fails, and says what it needs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from terraform.tools.configuration import HUB, TERRAFORM, read

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

GIVEN = {
    "PROJECT": "my-project",
    "REGION": "europe-west1",
    "AUTO_APPROVE": "1",
    "SKIP_SMOKE": "1",
    "SKIP_PREFLIGHT": "1",
    "PYTHON": sys.executable,
}
# Stand-ins for the two tools: each notes how it was called; the state bucket and the image are not there yet.
# A build fails as Google's does where its account may not read the staged source (by default that is a bucket of the
# project's own in the US), where no region is given, and where the registry and the account are not there yet.
RECORD = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'
GCLOUD = """
case "$*" in
  *"buckets describe"*)
    [ -n "${BUCKET_OF:-}" ] || grep -q "buckets create" "$CALLS" || exit 1
    printf '%s\\t%s\\n' "${BUCKET_OF:-123}" "$(grep -q "buckets update" "$CALLS" && echo True)" ;;
  *"projects describe"*) echo 123 ;;
  *"images describe"*) echo "ERROR: (gcloud.artifacts.docker.images.describe) ${IMAGE:-Image not found.}" >&2; exit 1 ;;
  *"config get-value account"*) echo "${ACCOUNT:-me@example.com}" ;;
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
# Terraform has a state. It refuses what Google or a provider refuses: to destroy what is protected, or a database whose
# indexes are still in the state, since they would come back; and to make everything again, of which a key ring is left.
TERRAFORM_TOOL = """
state=$CALLS.state
refuse() { echo "Error: $*" >&2; exit 1; }
keep() { grep "$@" "$state" > "$state.new"; mv "$state.new" "$state"; }
take_down() {
  protected="google_(firestore_database|container_cluster|storage_bucket)[.]"
  for address in $(grep -E "$protected" "$state" | grep -v "[.]data[.]"); do
    grep -qF -- "-target=$address " "$CALLS.lifted" 2> /dev/null || refuse "$address is protected"
  done
  grep -E "google_firestore_(field|index)" "$state" && refuse "default indexes would be built"
  touch "$CALLS.destroyed"
  [ -z "${SUBNETWORK_IN_USE:-}" ] || { keep google_compute_subnetwork; refuse "the subnetwork is in use"; }
  : > "$state"
}
case "$*" in
  *"show -json"*) cat "$PLAN" ;;
  *"output -json cluster_access"*) echo "${ACCESS:-null}" ;;
  *"output -json cells"*) echo '{"default": {"endpoint": "gke-1.gke.goog"}, "b": {"endpoint": "gke-2.gke.goog"}}' ;;
  *"output -json build"*) cat "$BUILD" ;;
  *"output -json"*) echo '"https://hub.example.com"' ;;
  *"state list"*) cat "$state" ;;
  *"state rm"*) for address; do keep -vxF -- "$address"; done ;;
  *" plan "*) echo "$* " > "$CALLS.planned" ;;
  *" apply"*)
    [ "$(grep -c "^terraform.* apply" "$CALLS")" -le "${FAILING_APPLIES:-0}" ] && exit 1
    [ "${APPLY_STATUS:-0}" = 0 ] || exit "$APPLY_STATUS"
    case "$(cat "$CALLS.planned")" in
      *" -destroy "*) take_down ;;
      *" -target="*"deletion_protection=false"*) cat "$CALLS.planned" >> "$CALLS.lifted" ;;
      *) [ ! -e "$CALLS.destroyed" ] || refuse "googleapi: Error 409: KeyRing hub already exists" ;;
    esac ;;
esac
"""
STATE = (
    'module.hub.google_firestore_field.indexed["a"]',
    'module.hub.google_firestore_index.this["b"]',
    "module.hub.google_firestore_database.this",
    "module.hub.google_kms_key_ring.this",
    "module.hub.google_storage_bucket.artifacts",
    "module.hub.data.google_container_cluster.existing[0]",
    'module.hub.module.cell["second"].google_container_cluster.runtimes',
    "module.hub.module.network[0].google_compute_subnetwork.nodes",
)
KUBECTL = 'cat "$2" >> "$CALLS.kubeconfig"\ncat > "$CALLS.manifest"\n'
ACCESS = {"hub_id": "my-project.hub", "readers": ["r@p.iam"], "writers": ["w@p.iam"]}
BUILD = {"image": "registry/pragma-runtime:tag", "service_account": "builder", "bucket": "my-project-hub-sources"}


class Deployment:
    """The script with both tools replaced."""

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._calls.touch()
        self._build = folder / "build.json"
        self._build.write_text(json.dumps(BUILD))
        self._plan = folder / "plan.json"
        self.plans()
        self._state = folder / "calls.state"
        self.has(*STATE)
        self._path = f"{folder}:{os.environ['PATH']}"
        for name, body in {"gcloud": GCLOUD, "terraform": TERRAFORM_TOOL, "kubectl": KUBECTL}.items():
            (folder / name).write_text(RECORD + body)
            (folder / name).chmod(0o755)

    def run(self, command: str, answers: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script; `answers` are the lines that somebody types."""
        given = {"PATH": self._path, "CALLS": str(self._calls), "BUILD": str(self._build), "PLAN": str(self._plan)}
        given |= environment
        script = ["bash", str(TERRAFORM / "deploy.sh"), command]
        return subprocess.run(script, env=given, capture_output=True, text=True, input=answers, check=False)

    def has(self, *addresses: str) -> None:
        """Make these addresses the state."""
        self._state.write_text("".join(f"{address}\n" for address in addresses))

    @property
    def state(self) -> tuple[str, ...]:
        return tuple(self._state.read_text().splitlines())

    def plans(self, *deleted: str, cells: tuple[dict[str, float], dict[str, float]] | None = None) -> None:
        """What the next plan looks like: it deletes these resources, each `type.name`.

        `cells` are the weights of all cells before and after it.
        """
        changes = [
            {
                "address": address,
                "mode": "managed",
                "type": address.split(".")[0],
                "name": address.split(".")[1],
                "change": {"actions": ["delete"]},
            }
            for address in deleted
        ]
        outputs: dict[str, Any] = {"build": {"value": BUILD}, "cluster_access": {"value": ACCESS if cells else None}}
        plan = {"resource_changes": changes, "planned_values": {"outputs": outputs}}
        if cells:
            plan["output_changes"] = _output_changes(*cells)
            changes.append(_function(is_there=bool(cells[0])))
        self._plan.write_text(json.dumps(plan))

    def calls(self, *words: str) -> list[str]:
        """What was called, of that which has one of the words, as that word."""
        lines = self._calls.read_text().splitlines()
        return [word for line in lines for word in words if f" {word} " in f"{line} "]

    def text(self) -> str:
        return self._calls.read_text()


def _output_changes(before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    """As a plan has them: the endpoint of a cluster that is made only now is not known yet."""
    told = {cell: {"weight": weight, "endpoint": f"gke-{cell}.gke.goog"} for cell, weight in before.items()}
    planned = {cell: {**told.get(cell, {}), "weight": weight} for cell, weight in after.items()}
    return {"cells": {"before": told or None, "after": planned}}


def _function(*, is_there: bool) -> dict[str, Any]:
    change = {"actions": ["no-op"], "before": {"name": "hub-api"}} if is_there else {"actions": ["create"]}
    address = "module.function.google_cloud_run_v2_service.this"
    kind = "google_cloud_run_v2_service"
    return {"address": address, "mode": "managed", "type": kind, "name": "this", "change": change}


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """After a first deployment that went well."""
    deployment = Deployment(tmp_path_factory.mktemp("deployed"))
    ran = deployment.run("deploy", **GIVEN)
    assert ran.returncode == 0, ran.stderr
    assert "the API is at https://hub.example.com" in ran.stdout
    return deployment


@pytest.fixture(scope="module")
def destroyed(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """After a destruction that went well."""
    deployment = Deployment(tmp_path_factory.mktemp("destroyed"))
    ran = deployment.run("destroy", **GIVEN, DESTROY="hub")
    assert ran.returncode == 0, ran.stderr
    return deployment


def test_it_goes_from_an_empty_project_to_a_built_image(deployed: Deployment) -> None:
    steps = deployed.calls("enable", "create", "init", "plan", "apply", "submit")
    assert steps == ["enable", "create", "init", "plan", "apply", "submit", "plan", "apply"]


def test_every_plan_is_of_the_one_environment(deployed: Deployment) -> None:
    plans = [line for line in deployed.text().splitlines() if " plan " in line]
    given = "-var project=my-project -var region=europe-west1 -var name=hub -var operator=user:me@example.com"
    assert [given in plan for plan in plans] == [True, True]


def test_the_image_is_there_before_any_function_refers_to_it(deployed: Deployment) -> None:
    lines = deployed.text().splitlines()
    plans = [line for line in lines if " plan " in line]
    assert re.findall(r"-target=module\.hub\.(\w+)\.", plans[0]) == [
        "google_artifact_registry_repository",
        "google_storage_bucket",
        "time_sleep",
    ]
    assert "-target" not in plans[1]
    assert lines.index(plans[0]) < next(at for at, line in enumerate(lines) if "submit" in line) < lines.index(plans[1])


def test_a_state_of_before_the_module_moves_before_anything_is_targeted(deployment: Deployment) -> None:
    deployment.has("google_firestore_database.this")
    ran = deployment.run("deploy", **GIVEN)
    assert ran.returncode == 0, ran.stderr
    plans = [line for line in deployment.text().splitlines() if " plan " in line]
    assert ["-refresh-only" in plan for plan in plans] == [True, False, False]
    assert "moving the state's addresses" in ran.stdout


def test_what_the_first_apply_targets_is_declared() -> None:
    script = (TERRAFORM / "deploy.sh").read_text()
    declared = {
        f"module.hub.{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', _sources(), re.MULTILINE)
    }
    targets = re.findall(r"-target=([\w.]+)", script)
    assert targets
    assert set(targets) <= declared


def test_nothing_is_deployed_onto_an_image_that_could_not_be_built(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **{**GIVEN, "REGION": "us-west1"})
    assert ran.returncode == 1
    assert "resourceLocations" in ran.stderr
    assert deployment.calls("plan", "apply") == ["plan", "apply"]


def test_an_image_that_could_not_be_looked_up_is_not_built_over_the_one_that_may_be_there(
    deployment: Deployment,
) -> None:
    ran = deployment.run("deploy", **GIVEN, IMAGE="PERMISSION_DENIED: artifactregistry.tags.get")
    assert ran.returncode == 1
    assert "could not look up the image registry/pragma-runtime:tag" in ran.stderr
    assert "artifactregistry.tags.get" in ran.stderr
    assert deployment.calls("submit") == []


def _sources() -> str:
    return "\n".join(file.read_text() for file in sorted(HUB.glob("*.tf")))


def test_the_state_of_each_environment_is_its_own_and_private(deployment: Deployment) -> None:
    deployment.run("plan", **GIVEN, NAME="staging")
    assert "--public-access-prevention" in deployment.text()
    assert "-backend-config=bucket=my-project-terraform-state -backend-config=prefix=provider-hub/staging" in (
        deployment.text()
    )


def test_a_bucket_of_somebody_else_never_gets_the_state(deployment: Deployment) -> None:
    ran = deployment.run("plan", **GIVEN, BUCKET_OF="666")
    assert ran.returncode == 1
    assert "gs://my-project-terraform-state is a bucket of project number 666, and my-project is 123" in ran.stderr
    assert deployment.calls("init", "update") == []


def test_a_bucket_that_an_interrupted_run_made_is_versioned_by_the_next_and_by_no_other(deployment: Deployment) -> None:
    assert deployment.run("plan", **GIVEN, BUCKET_OF="123").returncode == 0
    assert deployment.run("plan", **GIVEN, BUCKET_OF="123").returncode == 0
    assert deployment.calls("create", "update") == ["update"]


def test_issuers_from_the_environment_reach_the_plan(deployment: Deployment) -> None:
    deployment.run(
        "plan",
        **GIVEN,
        CUSTOMER_ISSUER="https://a.example",
        CONSOLE_ISSUER="https://b.example",
        CUSTOMER_PARTY="a",
        CONSOLE_PARTY="b",
    )
    assert '-var customer_realm={issuer="https://a.example",parties=["a"]}' in deployment.text()
    assert '-var console_realm={issuer="https://b.example",parties=["b"]}' in deployment.text()
    assert "-var operator=user:me@example.com" in deployment.text()


def test_an_issuer_without_an_application_is_refused_before_anything_happens(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN, CUSTOMER_ISSUER="https://a.example")
    assert ran.returncode == 1
    assert "CUSTOMER_ISSUER needs CUSTOMER_PARTY" in ran.stderr
    assert deployment.calls("enable", "plan") == []


def test_nothing_follows_an_apply_that_failed(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN, APPLY_STATUS="1")
    assert ran.returncode == 1
    assert deployment.calls("submit") == []
    assert deployment.calls("plan", "apply") == ["plan", "apply"] * 2


def test_without_a_yes_nothing_is_applied(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **{**GIVEN, "AUTO_APPROVE": ""})
    assert ran.returncode == 1
    assert "nothing was changed" in ran.stderr
    assert deployment.calls("plan", "apply") == ["plan"]


def test_an_apply_that_failed_is_tried_once_more_with_a_plan_of_its_own(deployment: Deployment) -> None:
    ran = deployment.run("deploy", **GIVEN, FAILING_APPLIES="1")
    assert ran.returncode == 0, ran.stderr
    assert deployment.calls("plan", "apply") == ["plan", "apply", "plan", "apply", "plan", "apply"]


def test_a_plan_that_loses_the_database_is_not_applied(deployment: Deployment) -> None:
    deployment.plans("google_firestore_database.this", "google_storage_bucket.samples")
    ran = deployment.run("deploy", **GIVEN)
    assert ran.returncode == 1
    assert "google_firestore_database.this would be destroyed" in ran.stderr
    assert "ALLOW_LOSS='google_firestore_database.this'" in ran.stderr
    assert deployment.calls("plan", "apply") == ["plan"]


def test_what_is_named_may_be_lost(deployment: Deployment) -> None:
    deployment.plans("google_firestore_database.this")
    assert deployment.run("deploy", **GIVEN, ALLOW_LOSS="google_firestore_database.this").returncode == 0


@pytest.mark.parametrize("line", ['name = "prod"', '  region="us-east1"', 'project = "other"'])
def test_a_file_that_names_the_environment_is_refused(deployment: Deployment, tmp_path: Path, line: str) -> None:
    """The command line wins over terraform.tfvars, and a VAR_FILE would win over the command line."""
    file = tmp_path / "prod.tfvars"
    file.write_text(f"{line}\n")
    ran = deployment.run("deploy", **GIVEN, VAR_FILE=str(file))
    assert ran.returncode == 1
    assert "give NAME, PROJECT and REGION to this command" in ran.stderr
    assert deployment.calls("init", "plan") == []


def test_the_commands_own_variables_win_over_those_of_a_file(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "prod.tfvars"
    file.write_text("rate_limit = 100\n")
    deployment.run("plan", **GIVEN, VAR_FILE=str(file), NAME="prod")
    plan = next(line for line in deployment.text().splitlines() if " plan " in line)
    assert plan.index("-var-file") < plan.index("-var name=prod")


@pytest.mark.parametrize(
    ("account", "member"),
    [
        ("ci@my-project.iam.gserviceaccount.com", "serviceAccount:ci@my-project.iam.gserviceaccount.com"),
        (
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/s",
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/s",
        ),
    ],
)
def test_the_operator_is_a_person_an_account_or_a_federated_identity(
    deployment: Deployment, account: str, member: str
) -> None:
    deployment.run("plan", **GIVEN, ACCOUNT=account)
    assert f"-var operator={member}" in deployment.text()


def test_who_plans_may_be_another_than_who_deploys(deployment: Deployment) -> None:
    deployment.run("plan", **GIVEN, OPERATOR="serviceAccount:deployer@p.iam.gserviceaccount.com")
    assert "-var operator=serviceAccount:deployer@p.iam.gserviceaccount.com" in deployment.text()


def test_older_states_are_deleted_after_a_while(deployed: Deployment) -> None:
    assert "--versioning --lifecycle-file" in deployed.text()
    (rule,) = json.loads((TERRAFORM / "state-lifecycle.json").read_text())["rule"]
    assert rule["condition"]["isLive"] is False


def test_each_clusters_roles_are_applied_with_a_token_that_is_on_no_command_line(
    deployment: Deployment, tmp_path: Path
) -> None:
    ran = deployment.run("deploy", **GIVEN, ACCESS=json.dumps(ACCESS))
    assert ran.returncode == 0, ran.stderr
    applied = json.loads((tmp_path / "calls.manifest").read_text())
    assert {item["kind"] for item in applied["items"]} >= {"ClusterRole", "ClusterRoleBinding"}
    servers = re.findall(r'"server": "(.*?)"', (tmp_path / "calls.kubeconfig").read_text())
    assert servers == ["https://gke-1.gke.goog", "https://gke-2.gke.goog"]
    calls = [line for line in deployment.text().splitlines() if line.startswith("kubectl")]
    assert len(calls) == 2
    assert not any("token" in call for call in calls)


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_a_new_cell_takes_no_organization_before_the_functions_may_work_in_it(
    deployment: Deployment, command: str
) -> None:
    deployment.plans(cells=({"default": 1}, {"default": 1, "b": 3}))
    ran = deployment.run(command, **GIVEN, ACCESS=json.dumps(ACCESS))
    assert ran.returncode == 1
    assert "Give it weight = 0 in cells, deploy, then give it its weight" in ran.stderr
    assert deployment.calls("apply") == []


def test_a_closed_new_cell_is_deployed_and_gets_its_roles(deployment: Deployment) -> None:
    deployment.plans(cells=({"default": 1}, {"default": 1, "b": 0}))
    ran = deployment.run("deploy", **GIVEN, ACCESS=json.dumps(ACCESS))
    assert ran.returncode == 0, ran.stderr
    lines = deployment.text().splitlines()
    last_apply = max(at for at, line in enumerate(lines) if " apply -input=false plan.out" in line)
    assert [at > last_apply for at, line in enumerate(lines) if line.startswith("kubectl")] == [True, True]


def test_a_cell_that_is_opened_gets_its_roles_before_the_apply(deployment: Deployment, tmp_path: Path) -> None:
    deployment.plans(cells=({"default": 1, "b": 0, "c": 1, "d": 0}, {"default": 1, "b": 3, "c": 1, "d": 0}))
    ran = deployment.run("deploy", **GIVEN, ACCESS=json.dumps(ACCESS))
    assert ran.returncode == 0, ran.stderr
    servers = re.findall(r'"server": "(.*?)"', (tmp_path / "calls.kubeconfig").read_text())
    assert servers[0] == "https://gke-b.gke.goog"
    assert not {"https://gke-c.gke.goog", "https://gke-d.gke.goog", "https://gke-default.gke.goog"} & set(servers)
    lines = deployment.text().splitlines()
    granted = next(at for at, line in enumerate(lines) if line.startswith("kubectl"))
    assert granted < next(at for at, line in enumerate(lines) if " apply -input=false plan.out" in line)


def test_a_cell_whose_roles_cannot_be_applied_stays_closed(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text(RECORD + "cat > /dev/null\necho 'error: Forbidden' >&2\nexit 1\n")
    deployment.plans(cells=({"default": 1, "b": 0}, {"default": 1, "b": 3}))
    ran = deployment.run("deploy", **GIVEN, ACCESS=json.dumps(ACCESS))
    assert ran.returncode == 1
    assert "Forbidden" in ran.stderr
    assert deployment.calls("apply") == ["apply"], "kubectl's own; Terraform's did not follow"
    assert not [line for line in deployment.text().splitlines() if "apply -input=false" in line]


def test_ci_applies_no_plan_that_opens_a_new_cell(deployment: Deployment) -> None:
    plan = TERRAFORM / "plan.out"
    assert not plan.exists()
    plan.touch()
    try:
        deployment.plans(cells=({"default": 1}, {"default": 1, "b": 3}))
        assert "the new cell b would take organizations" in deployment.run("apply", **GIVEN).stderr
        assert deployment.calls("apply") == []
    finally:
        plan.unlink(missing_ok=True)


def test_the_cells_of_a_first_deployment_may_be_open(deployment: Deployment) -> None:
    deployment.plans(cells=({}, {"default": 1, "b": 3}))
    assert deployment.run("deploy", **GIVEN, ACCESS=json.dumps(ACCESS)).returncode == 0


def test_where_iam_decides_kubectl_is_not_called(deployed: Deployment) -> None:
    assert "kubectl" not in deployed.text()


def test_ci_plans_without_changing_anything(deployment: Deployment) -> None:
    ran = deployment.run("plan", **GIVEN)
    assert ran.returncode == 0, ran.stderr
    assert deployment.calls("plan", "apply", "submit") == ["plan"]


def test_ci_applies_exactly_the_plan_that_it_was_given(deployment: Deployment) -> None:
    plan = TERRAFORM / "plan.out"
    assert not plan.exists()
    plan.touch()
    try:
        ran = deployment.run("apply", **GIVEN)
    finally:
        plan.unlink(missing_ok=True)
    assert "repository not found" in ran.stderr, "the builder of a first deployment is not made here"
    assert deployment.calls("plan", "apply") == []


def test_ci_has_nothing_to_apply_without_a_plan(deployment: Deployment) -> None:
    ran = deployment.run("apply", **GIVEN)
    assert ran.returncode == 1
    assert "there is no plan.out" in ran.stderr


def test_destroying_must_be_confirmed_by_the_environments_name(deployment: Deployment) -> None:
    ran = deployment.run("destroy", **GIVEN)
    assert ran.returncode == 1
    assert "DESTROY=hub" in ran.stderr
    assert deployment.calls("plan", "apply") == []


def test_whose_tokens_are_taken_matters_to_what_is_deployed_and_not_to_what_is_destroyed(
    deployment: Deployment,
) -> None:
    nobodys = {"CUSTOMER_ISSUER": "https://issuer.example"}
    assert "needs CUSTOMER_PARTY" in deployment.run("plan", **GIVEN, **nobodys).stderr
    ran = deployment.run("destroy", **GIVEN, **nobodys)
    assert "CUSTOMER_PARTY" not in ran.stderr
    assert "DESTROY=hub" in ran.stderr


# What somebody types who is asked for the environment's name, and then whether to go on.
ASKED = {**GIVEN, "AUTO_APPROVE": ""}


def test_a_destruction_leaves_nothing_in_the_state(destroyed: Deployment) -> None:
    assert destroyed.state == ()


def test_indexes_are_forgotten_before_the_database_goes(destroyed: Deployment) -> None:
    """Firestore would put each field's default index back, over all data."""
    removed = [line for line in destroyed.text().splitlines() if "state rm" in line]
    assert len(removed) == 1
    assert [address in removed[0] for address in STATE[:3]] == [True, True, False]


def test_only_what_is_protected_is_changed_before_the_rest_is_destroyed(destroyed: Deployment) -> None:
    plans = [line for line in destroyed.text().splitlines() if " plan " in line]
    assert ["-destroy" in plan for plan in plans] == [True, False, True]
    assert re.findall(r"-target=(\S+)", plans[1]) == [STATE[2], STATE[4], STATE[6]]
    assert all("deletion_protection=false" in plan for plan in plans)


def test_a_destruction_asks_once_before_it_changes_anything(deployment: Deployment) -> None:
    ran = deployment.run("destroy", answers="hub\ny\n", **ASKED)
    assert ran.returncode == 0, ran.stderr
    assert deployment.state == ()


def test_a_destruction_that_is_declined_has_changed_neither_the_project_nor_the_state(deployment: Deployment) -> None:
    ran = deployment.run("destroy", answers="hub\nn\n", **ASKED)
    assert ran.returncode == 1
    assert "nothing was changed" in ran.stderr
    assert deployment.state == STATE
    assert deployment.calls("apply", "rm") == []


def test_a_destruction_that_stopped_halfway_says_how_to_go_on_and_makes_nothing_again(deployment: Deployment) -> None:
    stopped = deployment.run("destroy", **GIVEN, DESTROY="hub", SUBNETWORK_IN_USE="1")
    assert stopped.returncode == 1
    assert "run the same command again" in stopped.stderr
    assert deployment.state == STATE[-1:]
    before = len(deployment.text())
    resumed = deployment.run("destroy", **GIVEN, DESTROY="hub")
    assert resumed.returncode == 0, resumed.stderr
    assert deployment.state == ()
    plans = [line for line in deployment.text()[before:].splitlines() if " plan " in line]
    assert all("-destroy" in plan for plan in plans)


def test_a_destruction_that_google_refused_for_a_moment_is_tried_once_more(deployment: Deployment) -> None:
    deployment.has(*STATE[-1:])
    ran = deployment.run("destroy", **GIVEN, DESTROY="hub", FAILING_APPLIES="1")
    assert ran.returncode == 0, ran.stderr
    assert deployment.state == ()


def test_the_script_lifts_every_protection_that_the_configuration_has() -> None:
    modules = [read(folder) for folder in HUB.parent.iterdir()]
    protected = {
        block.address
        for module in modules
        for block in module.of("resource")
        if "var.deletion_protection" in block.text
    }
    assert protected == {
        "google_firestore_database.this",
        "google_container_cluster.runtimes",
        "google_storage_bucket.artifacts",
    }
    script = (TERRAFORM / "deploy.sh").read_text()
    (pattern,) = re.findall(r"collect_addresses '(\(google_firestore_database.*)'", script)
    assert [address for address in protected if not re.search(pattern, address)] == []


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
