"""A function's threads, the requests that one instance is sent, and its CPU fit together."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import hcl2
import pytest
from terraform.tools.configuration import HUB, TERRAFORM, read

from local_stack.function_list import COMBINED, FUNCTIONS, FUNCTIONS_DIR
from provider_hub.adapters.firestore.counts import COUNTS_AT_A_TIME

SIZES = {name: function.size for name, function in {**FUNCTIONS, **COMBINED}.items()}
# Twice as many as keep a CPU busy, for moments in which the database is slower: docs/performance.md, "Threads".
MOST_THREADS = 24
# Calls that servers usually take on one channel at a time. A client keeps waiting what is over it, says gRPC's guide
# to performance.
STREAMS_OF_A_CHANNEL = 100
Planned = Callable[[dict[str, Any]], subprocess.CompletedProcess[str]]


def large_sizes() -> dict[str, dict[str, Any]]:
    """Every function in the large example."""
    text = (TERRAFORM / "examples" / "large" / "main.tf").read_text()
    block = re.search(r"^  functions = \{\n.*?^  \}\n", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    chosen = json.loads(json.dumps(hcl2.loads(block[0])["functions"]).replace('\\"', ""))
    assert set(chosen) - {"__is_block__"} <= set(SIZES)
    return {f"{name}, large": {**SIZES[name], **size} for name, size in chosen.items() if name in SIZES}


@pytest.mark.parametrize(("name", "size"), {**SIZES, **large_sizes()}.items())
def test_an_instance_takes_no_more_requests_than_keep_its_cpu_busy(name: str, size: dict[str, Any]) -> None:
    concurrency, cpu = int(size["concurrency"]), float(size["cpu"])
    assert concurrency >= 1, name
    assert cpu >= 1, "Cloud Run's second generation has no less"
    assert concurrency <= MOST_THREADS * cpu


def test_an_instance_has_a_thread_for_each_request_that_it_is_sent() -> None:
    """What waits for a thread waits inside of the instance, where Cloud Run cannot give it to another one."""
    (function,) = read(TERRAFORM / "modules" / "function").of("resource", "google_cloud_run_v2_service")
    (template,) = function.body["template"]
    assert template["max_instance_request_concurrency"] == "${var.size.concurrency}"
    variables = template["containers"][0]["dynamic"][0]["env"]["for_each"]
    assert re.sub(r"\s", "", variables) == "${merge(var.environment,{THREADS=tostring(var.size.concurrency)})}"


@pytest.mark.parametrize("name", SIZES)
def test_what_all_threads_of_an_instance_ask_at_once_goes_through_one_channel(name: str) -> None:
    calls_of_a_request = COUNTS_AT_A_TIME if name in {"catalog", "api"} else 1
    assert int(SIZES[name]["concurrency"]) * calls_of_a_request <= STREAMS_OF_A_CHANNEL


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Terraform's own look at the variable, beside the one local that it reads."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    folder = tmp_path_factory.mktemp("functions")
    block = re.search(
        r'^variable "functions" \{\n.*?^\}$', (HUB / "variables.tf").read_text(), re.MULTILINE | re.DOTALL
    )
    assert block is not None
    declared = f'locals {{\n  functions = jsondecode(file("{FUNCTIONS_DIR}/functions.json"))\n}}\n'
    (folder / "main.tf").write_text(f"{declared}\n{block[0]}\n")

    def plan(functions: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (folder / "terraform.tfvars.json").write_text(json.dumps({"functions": functions}))
        command = ["terraform", f"-chdir={folder}", "plan", "-input=false", "-no-color", "-lock=false"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return plan


def test_sizes_that_cloud_run_takes_are_taken(planned: Planned) -> None:
    taken = {
        "sweeper": {"memory": "512Mi"},
        "installer": {"memory": "1024Mi"},
        "catalog": {"cpu": "2", "concurrency": 32, "memory": "1Gi"},
        "identity": {"max_instances": 20},
    }
    ran = planned(taken)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ({"cpu": "0.5", "concurrency": 1}, "cpu is 1, 2, 4, 6 or 8"),
        ({"cpu": "3"}, "cpu is 1, 2, 4, 6 or 8"),
        ({"cpu": "500m"}, "cpu is 1, 2, 4, 6 or 8"),
        ({"memory": "256Mi"}, "memory is 512Mi or more"),
        ({"memory": "511Mi"}, "memory is 512Mi or more"),
        ({"concurrency": 0}, "a whole number from 1 to 1000"),
        ({"concurrency": 2.5}, "a whole number from 1 to 1000"),
    ],
)
def test_a_size_that_cloud_run_refuses_is_refused_by_the_plan(
    size: dict[str, Any], sentence: str, planned: Planned
) -> None:
    ran = planned({"catalog": size})
    assert ran.returncode != 0
    assert sentence in " ".join(ran.stderr.replace("│", " ").split())
