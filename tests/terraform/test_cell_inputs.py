"""What the functions would refuse at their first request, Terraform refuses when it plans."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from terraform.tools.configuration import HUB

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")

READ = ("cells", "cluster", "name", "network", "project", "region")
GIVEN = {"project": "my-project", "region": "europe-west1"}
RANGES = {"pods": "10.20.0.0/14", "services": "10.36.0.0/14"}
SHARED = {"name": "shared", "location": "europe-west1"}
Planned = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Terraform's own look at the inputs: without resources it needs no provider. These variables read no local."""
    folder = tmp_path_factory.mktemp("variables")
    blocks = re.findall(
        r'^variable "(\w+)" (\{\n.*?^\})$', (HUB / "variables.tf").read_text(), re.MULTILINE | re.DOTALL
    )
    read = [f'variable "{name}" {body}' for name, body in blocks if name in READ]
    assert len(read) == len(READ)
    (folder / "variables.tf").write_text("\n\n".join(read))

    def plan(**inputs: Any) -> subprocess.CompletedProcess[str]:
        (folder / "terraform.tfvars.json").write_text(json.dumps({**GIVEN, **inputs}))
        command = ["terraform", f"-chdir={folder}", "plan", "-input=false", "-no-color", "-lock=false"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return plan


def test_cells_that_differ_are_taken(planned: Planned) -> None:
    ran = planned(
        cluster={"weight": 0.123456789},
        cells={
            "made": {"ranges": RANGES, "weight": 0},
            "b": {"existing": SHARED, "weight": 3},
            "c": {"existing": {**SHARED, "location": "europe-west4"}},
        },
    )
    assert ran.returncode == 0, ran.stderr


SAME: dict[str, dict[str, Any]] = {
    "two cells": {"cells": {"b": {"existing": SHARED}, "c": {"existing": SHARED}}},
    "a cell and the existing first cluster": {"cluster": {"existing": SHARED}, "cells": {"b": {"existing": SHARED}}},
    "a cell and the first cluster that is made": {
        "name": "hub",
        "cells": {"b": {"existing": {"name": "hub", "location": "europe-west1"}}},
    },
    "a cell that is made and one that is taken": {
        "name": "hub",
        "cells": {"b": {"existing": {"name": "hub-c", "location": "europe-west1"}}, "c": {"ranges": RANGES}},
    },
}


@pytest.mark.parametrize("same", SAME)
def test_one_cluster_is_no_two_cells(planned: Planned, same: str) -> None:
    ran = planned(**SAME[same])
    assert ran.returncode == 1
    assert "are the same cluster" in ran.stderr


def test_a_weight_that_the_functions_refuse_is_refused(planned: Planned) -> None:
    ran = planned(cells={"b": {"ranges": RANGES, "weight": 0.1234567891}})
    assert ran.returncode == 1
    assert "up to 9 decimals" in ran.stderr
