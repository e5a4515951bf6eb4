"""CI deploys without a stored key, as accounts that may do no more than the configuration needs."""

import re
from typing import Any

import pytest
import yaml
from terraform.tools.access import grants
from terraform.tools.configuration import TERRAFORM, read

BOOTSTRAP = read(TERRAFORM / "bootstrap")
WORKFLOW = TERRAFORM.parent / ".github" / "workflows" / "deploy.yml"
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def test_the_deployer_may_grant_every_role_that_the_configuration_grants_on_the_project() -> None:
    granted = {
        str(block.body["role"])
        for block in grants(read())
        if block.type == "google_project_iam_member" and block.labels[1] != "host_agent"
    }
    plain = {role for role in granted if role.startswith("roles/")}
    allowed = str(BOOTSTRAP.local("granted_roles"))
    assert {role for role in plain if f'"{role}"' not in allowed} == {
        "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    } & plain
    custom = set(re.findall(r"custom_role\.(\w+)", " ".join(granted)))
    assert {role for role in custom if f'"{role}"' not in allowed} == set()


def test_the_deployer_may_grant_the_custom_roles_under_the_ids_that_they_have() -> None:
    (ids,) = re.findall(r"/roles/\$\{(join\(.*?\]\)\))", str(BOOTSTRAP.local("granted_roles")))
    for name in ("reads_cluster", "writes_cluster"):
        declared = read().resource(f"google_project_iam_custom_role.{name}").body["role_id"]
        assert declared == f"${{{ids}}}".replace("role,", f'"{name}",')


def test_both_accounts_may_have_their_calls_counted_against_the_project() -> None:
    """The providers ask for it, and Google then refuses every call of an account without serviceusage.services.use."""
    (provider,) = read(TERRAFORM).of("provider", "google")
    assert provider.body["user_project_override"] is True
    may_use = {"roles/serviceusage.serviceUsageConsumer", "roles/serviceusage.serviceUsageAdmin"}
    for name in ("deployer_roles", "planner_roles"):
        assert [role for role in may_use if f'"{role}"' in str(BOOTSTRAP.local(name))], name


def test_in_an_empty_project_each_thing_waits_for_the_services_that_it_needs() -> None:
    needy = ("google_service_account", "google_iam_workload_identity_pool", "google_project")
    waiting = [block for kind in needy for block in (*BOOTSTRAP.of("resource", kind), *BOOTSTRAP.of("data", kind))]
    assert len(waiting) == 4
    for block in waiting:
        assert block.body["depends_on"] == ["${google_project_service.this}"], block.address


def test_what_terraform_itself_needs_is_enabled_by_hand_first() -> None:
    command = (
        "gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com iam.googleapis.com"
    )
    for text in ((TERRAFORM / "README.md").read_text(), (TERRAFORM / "bootstrap" / "versions.tf").read_text()):
        assert text.index(command) < text.index("terraform -chdir=terraform/bootstrap init")


def test_the_deployer_cannot_make_itself_an_owner() -> None:
    grant = BOOTSTRAP.resource("google_project_iam_member.deployer_grants").body
    assert "modifiedGrantsByRole', []).hasOnly([" in grant["condition"][0]["expression"]
    roles = str(BOOTSTRAP.local("deployer_roles")) + str(BOOTSTRAP.local("planner_roles"))
    assert not re.search(r"roles/(owner|editor)\"", roles)
    assert "projectIamAdmin" not in roles


def test_a_token_counts_by_numeric_ids_and_a_strangers_change_has_none() -> None:
    provider = BOOTSTRAP.resource("google_iam_workload_identity_pool_provider.github").body
    condition = provider["attribute_condition"]
    assert "repository_id ==" in condition
    assert "repository_owner_id ==" in condition
    assert "event_name in ['push', 'pull_request']" in condition
    assert "refs/heads/${var.branch}" in provider["attribute_mapping"]["attribute.deploys"]
    deploys = BOOTSTRAP.resource("google_service_account_iam_member.deploys").body
    assert deploys["member"].endswith("/attribute.deploys/true")


def test_a_planner_reads_the_check_in_keys_and_no_other_secret() -> None:
    (condition,) = BOOTSTRAP.resource("google_project_iam_member.planner_keys").body["condition"]
    assert "/secrets/${var.name}-check-in-key-" in condition["expression"]


def test_every_action_is_pinned_and_no_secret_is_read() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert len(used) >= 10
    assert [action for action in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action)] == []
    assert "secrets." not in WORKFLOW.read_text()
    assert "pull_request_target" not in WORKFLOW.read_text()


def test_a_pull_request_is_planned_and_a_merge_alone_is_applied() -> None:
    accounts = {
        name: [step["with"]["service_account"] for step in job["steps"] if "service_account" in step.get("with", {})]
        for name, job in JOBS.items()
    }
    assert accounts == {"plan": ["${{ vars.GCP_PLANNER }}"], "apply": ["${{ vars.GCP_DEPLOYER }}"]}
    assert JOBS["apply"]["if"] == "github.event_name == 'push'"
    assert JOBS["apply"]["environment"] == "production"
    assert [step["run"] for step in JOBS["apply"]["steps"] if "run" in step][-1] == "terraform/deploy.sh apply"


# What is read by Terraform beside its own files, and what the functions' zips are made of.
READ_BESIDE = re.compile(r"\$\{path\.module\}/((?:\.\./)+[\w./-]+)")
ZIPPED = ("functions", "lib/provider_hub", "lib/pragma_runtime")


def read_beside() -> set[str]:
    """Paths of the repository that the configuration reads, as `functions/functions.json` or `console`."""
    root = TERRAFORM.parent
    files = [file for file in TERRAFORM.rglob("*.tf") if ".terraform" not in file.parts]
    return {
        (file.parent / path).resolve().relative_to(root).as_posix()
        for file in files
        for path in READ_BESIDE.findall(file.read_text())
    }


@pytest.mark.parametrize("event", ["pull_request", "push"])
def test_whatever_a_plan_reads_is_planned_and_applied_when_it_changes(event: str) -> None:
    # YAML reads the key `on` as true.
    patterns = yaml.safe_load(WORKFLOW.read_text())[True][event]["paths"]
    assert {"docs/settings.md", "console"} <= read_beside()
    for path in (*read_beside(), *ZIPPED, "terraform"):
        whole = [pattern for pattern in patterns if f"{path}/".startswith(f"{pattern.removesuffix('/**')}/")]
        assert whole, f"{path} is in no pattern of {event}"


def test_the_zips_go_where_the_plan_goes() -> None:
    (upload,) = [step["with"] for step in STEPS if "upload-artifact" in step.get("uses", "")]
    assert {"terraform/plan.out", "terraform/.build/"} <= set(upload["path"].split())
    assert upload["include-hidden-files"] is True, "a folder whose name begins with a dot is left out otherwise"
