"""Terraform itself plans the configuration, against providers made from the real providers' schemas."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.terraform_cli import ROOT, Terraform, working_copy

EXAMPLES = sorted((ROOT / "terraform").glob("terraform.tfvars*.example"))

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH")


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    with working_copy(tmp_path_factory.mktemp("configuration")) as ready:
        yield ready


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_example_plans(terraform: Terraform, example: Path) -> None:
    plan = terraform.plan("-var=project=demo-project", "-var=region=europe-west1", f"-var-file={example}")
    actions = {action for change in plan["resource_changes"] for action in change["change"]["actions"]}
    assert actions <= {"create", "read"}
    functions = [one for one in plan["resource_changes"] if one["type"] == "google_storage_bucket_object"]
    assert len(functions) >= 11


def test_a_second_plan_after_an_apply_changes_nothing(tmp_path: Path) -> None:
    options = ("-var=project=demo-project", "-var=region=europe-west1", f"-var-file={EXAMPLES[0]}")
    with working_copy(tmp_path) as fresh:
        fresh.plan(*options)
        fresh.apply()
        again = fresh.plan(*options)
    assert {tuple(change["change"]["actions"]) for change in again["resource_changes"]} <= {("no-op",), ("read",)}
