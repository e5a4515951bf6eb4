"""A plan that would lose data is refused, unless what is lost is named. The plans are Terraform's own."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terraform.tools import plan as guard
from tests.rehearsal.terraform_cli import ROOT, Terraform, working_copy

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH")

DATABASE = "google_firestore_database.this"
OPTIONS = (
    "-var=project=demo-project",
    "-var=region=europe-west1",
    f"-var-file={ROOT / 'terraform' / 'terraform.tfvars.example'}",
)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    with working_copy(tmp_path_factory.mktemp("deployed")) as terraform:
        terraform.plan(*OPTIONS)
        terraform.apply()
        yield terraform


def lost(plan: dict[str, Any]) -> set[str]:
    return {loss.address.rpartition("module.")[2] for loss in guard.losses(plan)}


def guarded(plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *allowed: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(plan)))
    return guard.main(["guard", "--allow", *allowed])


def test_a_plan_that_changes_nothing_loses_nothing(deployed: Terraform) -> None:
    assert lost(deployed.plan(*OPTIONS)) == set()


def test_a_typo_in_the_databases_name_is_refused_and_says_what_changed(
    deployed: Terraform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = deployed.plan(*OPTIONS, '-var=database={name="hub-databse"}')
    assert guarded(plan, monkeypatch) == 1
    said = capsys.readouterr().err
    assert "would be replaced, since name ('hub-database' → 'hub-databse') changes" in said
    assert "every organization, provider and installation would be lost" in said
    assert "ALLOW_LOSS='" in said


def test_what_is_named_may_be_lost(deployed: Terraform, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = deployed.plan(*OPTIONS, '-var=database={name="hub-restored"}')
    addresses = [loss.address for loss in guard.losses(plan)]
    assert guarded(plan, monkeypatch, *addresses) == 0
    assert guarded(plan, monkeypatch, "module.hub.module.cluster.google_container_cluster.runtimes") == 1


def test_another_environments_name_is_refused_for_all_that_holds_data(deployed: Terraform) -> None:
    found = lost(deployed.plan(*OPTIONS, "-var=name=prod"))
    kinds = {part for address in found for part in address.split(".")}
    assert {"google_firestore_database", "google_container_cluster", "google_secret_manager_secret"} <= kinds
    assert not [address for address in found if "samples" in address], "a sample is made again"


def test_a_cluster_that_gives_way_to_an_existing_one_is_refused(deployed: Terraform) -> None:
    existing = '-var=cluster={existing={name="shared",location="europe-west1"}}'
    assert any("google_container_cluster" in address for address in lost(deployed.plan(*OPTIONS, existing)))


def test_taking_a_check_in_key_out_is_named_first(deployed: Terraform, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.plan(*OPTIONS, '-var=check_in_keys=["1","2"]')
    plan = deployed.plan(*OPTIONS, '-var=check_in_keys=["2"]')
    (key,) = guard.losses(plan)
    assert key.address.endswith('google_secret_manager_secret.check_in_key["1"]')
    assert not key.replaced
    assert guarded(plan, monkeypatch, key.address.replace('["1"]', "")) == 0, "the index may be left out"


def test_an_outputs_planned_value_is_told(deployed: Terraform) -> None:
    plan = deployed.plan(*OPTIONS)
    assert guard.planned_output(plan, ["build", "bucket"]) == "demo-project-hub-sources"
    assert guard.planned_output(plan, ["build", "nothing"]) == ""


def test_no_key_is_in_the_state(deployed: Terraform) -> None:
    state = (Path(deployed.directory) / "terraform.tfstate").read_text()
    assert "key-of-" not in state
    versions = [one for one in json.loads(state)["resources"] if one["type"] == "google_secret_manager_secret_version"]
    values = [instance["attributes"] for one in versions for instance in one["instances"]]
    assert len(values) >= 2
    assert not any(value["secret_data"] or value["secret_data_wo"] for value in values)


def test_a_state_of_before_the_module_keeps_all_that_it_has(deployed: Terraform) -> None:
    moved = set(re.findall(r"from = (\S+)", (deployed.directory / "moved.tf").read_text()))
    state = json.loads((deployed.directory / "terraform.tfstate").read_text())
    state["resources"] = [old for one in state["resources"] if (old := as_before(one, moved))]
    assert len(state["resources"]) > 100
    (deployed.directory / "before.tfstate").write_text(json.dumps(state))
    plan = deployed.plan(*OPTIONS, "-state=before.tfstate")
    actions = {change["address"]: change["change"]["actions"] for change in plan["resource_changes"]}
    assert [address for address, action in actions.items() if "delete" in action or "update" in action] == []
    before = [change for change in plan["resource_changes"] if change.get("previous_address")]
    assert {tuple(change["change"]["actions"]) for change in before} == {("no-op",)}
    # What deploy.sh does first: a plan of few targets would be refused while anything has still to move.
    deployed.plan(*OPTIONS, "-state=before.tfstate", "-refresh-only")
    deployed.run("apply", "-input=false", "-state=before.tfstate", "plan.out")
    listed = deployed.run("state", "list", "-state=before.tfstate").split()
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
