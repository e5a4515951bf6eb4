"""Grants are on the resource, no wider than needed, and as the code needs them."""

import re
from pathlib import Path
from typing import Any

import pytest
from terraform.tools.access import grants
from terraform.tools.configuration import TERRAFORM, Block, Configuration, read
from terraform.tools.imports import reached_files

from provider_hub.adapters import kubernetes
from provider_hub.local.functions import FUNCTIONS_DIR

ROOT = read()
MODULES = {name: read(TERRAFORM / "modules" / name) for name in ("function", "topic")}
ALL: list[Configuration] = [ROOT, *MODULES.values()]
GRANTS = [block for configuration in ALL for block in grants(configuration)]
ACCESS: dict[str, dict[str, Any]] = ROOT.local("access")
LIB = FUNCTIONS_DIR.parent / "lib"
# What the API offers no resource policy for; a condition or a custom role narrows each.
PROJECT_WIDE = {"documents", "reads_cluster", "writes_cluster", "nodes", "builder", "builder_sources"}
PLURALS = {
    "Deployment": "deployments",
    "LimitRange": "limitRanges",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkPolicies",
    "Pod": "pods",
    "PodDisruptionBudget": "podDisruptionBudgets",
    "ReplicaSet": "replicaSets",
    "ResourceQuota": "resourceQuotas",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceAccounts",
}


def address(block: Block) -> str:
    return f"{block.path.parent.name}: {block.address}"


def reached(function: str) -> set[str]:
    """The files of ours that a function loads, relative to lib/provider_hub."""
    files = reached_files(FUNCTIONS_DIR / function / "main.py", LIB)
    return {str(path.relative_to(LIB / "provider_hub")) for path in files if path.is_relative_to(LIB)}


@pytest.mark.parametrize("block", GRANTS, ids=address)
def test_a_grant_adds_one_member_and_takes_nobodys_away(block: Block) -> None:
    assert block.type.endswith("_iam_member"), "a binding or policy would remove what others granted"


@pytest.mark.parametrize("block", GRANTS, ids=address)
def test_no_grant_is_of_a_primitive_role(block: Block) -> None:
    assert not re.search(r"roles/(owner|editor|viewer)\b", str(block.body["role"]))
    assert "admin" not in str(block.body["role"]).lower()


def test_allusers_may_only_call_public_functions() -> None:
    found = [block for block in GRANTS if re.search(r"all(Authenticated)?Users", str(block.body))]
    assert [block.address for block in found] == ["google_cloud_run_v2_service_iam_member.public"]
    assert found[0].body["count"] == "${var.public ? 1 : 0}"
    (call,) = ROOT.of("module", "function")
    assert call.body["public"] == "${each.value.public}"


def test_allusers_is_named_nowhere_else() -> None:
    text = "".join(path.read_text() for path in TERRAFORM.rglob("*.tf"))
    assert text.count("allUsers") == 1
    assert "allAuthenticatedUsers" not in text


def test_project_wide_grants_are_those_that_no_resource_policy_can_replace() -> None:
    wide = {block.labels[1] for block in GRANTS if block.type == "google_project_iam_member"}
    assert wide == PROJECT_WIDE


def test_the_right_to_documents_ends_at_this_deployments_database() -> None:
    grant = ROOT.resource("google_project_iam_member.documents").body
    expression = grant["condition"][0]["expression"]
    assert "databases/${google_firestore_database.this.name}" in expression
    assert expression.startswith("resource.name ==")


def test_every_function_is_spoken_of_and_no_other() -> None:
    assert set(ACCESS) == set(ROOT.local("functions"))


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_reach_the_cluster_is_whose_code_does(name: str) -> None:
    granted = bool({"reads_cluster", "writes_cluster"} & set(ACCESS[name]))
    assert granted == ("adapters/kubernetes.py" in reached(name))


@pytest.mark.parametrize("name", ACCESS)
def test_only_code_that_applies_manifests_may_write_to_the_cluster(name: str) -> None:
    assert ("writes_cluster" in ACCESS[name]) == ("operations/blueprint.py" in reached_from_main(name))


def reached_from_main(name: str) -> set[str]:
    """What a function's own wiring names, beside what all functions load with it."""
    main = (FUNCTIONS_DIR / name / "main.py").read_text()
    applies = re.search(r"\b(blueprints)\b", main)
    return {"operations/blueprint.py"} if applies else set()


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_make_or_delete_tasks_is_whose_code_does(name: str) -> None:
    granted = bool({"creates_tasks", "deletes_tasks"} & set(ACCESS[name]))
    assert granted == ("adapters/tasks.py" in reached(name))


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_read_the_key_is_whose_code_does(name: str) -> None:
    main = (FUNCTIONS_DIR / name / "main.py").read_text()
    needs = bool(re.search(r"\b(check_in_key|blueprints)\b", main))
    assert ("check-in-key" in ACCESS[name].get("reads_secret", {})) == needs


@pytest.mark.parametrize("name", ACCESS)
def test_what_a_grant_is_on_exists(name: str) -> None:
    may = ACCESS[name]
    assert set(may.get("publishes", {})) <= set(ROOT.local("topics"))
    assert set(may.get("creates_tasks", {})) | set(may.get("deletes_tasks", {})) <= set(ROOT.local("queues"))
    assert set(may.get("reads_secret", {})) <= set(ROOT.local("secrets"))


@pytest.mark.parametrize("name", ACCESS)
def test_every_entry_of_access_is_carried_out(name: str) -> None:
    carried_out = {block.labels[1] for block in GRANTS} | {"reads_secret"}
    assert set(ACCESS[name]) <= carried_out


def test_the_writers_role_is_what_the_adapter_does_to_each_kind() -> None:
    applied_and_removed = set(kubernetes._OURS)
    namespaced_limits = {"Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy"}
    watched = set(kubernetes._KINDS) - applied_and_removed - namespaced_limits
    expected = {"container.clusters.connect", "container.clusters.get"}
    for kind in applied_and_removed:
        expected |= {f"container.{PLURALS[kind]}.{verb}" for verb in ("create", "delete", "get", "list", "update")}
    for kind in namespaced_limits:
        expected |= {f"container.{PLURALS[kind]}.{verb}" for verb in ("create", "get", "update")}
    expected |= {f"container.{PLURALS[kind]}.list" for kind in watched}
    assert permissions("writes_cluster") == expected


def test_the_readers_role_reads_deployments_and_their_pods() -> None:
    assert permissions("reads_cluster") == {
        "container.clusters.connect",
        "container.clusters.get",
        "container.deployments.get",
        "container.pods.list",
    }


def permissions(local: str) -> set[str]:
    """The list that the local of that name comes to: its literal entries, and its two products of kinds and verbs."""
    text = str(ROOT.local(local))
    found = set(re.findall(r'"?(container\.\w+\.\w+)"?', text))
    for kinds, verbs in re.findall(r"for kind in \[(.*?)\] : \[for verb in \[(.*?)\]", text):
        found |= {f"container.{kind}.{verb}" for kind in _words(kinds) for verb in _words(verbs)}
    if "local.reads_cluster" in text:
        found |= permissions("reads_cluster")
    return found


def _words(text: str) -> list[str]:
    return re.findall(r'"(\w+)"', text)


def test_runtimes_may_check_in_and_nothing_else() -> None:
    theirs = [block for block in GRANTS if "local.runtimes" in str(block.body["member"])]
    (grant,) = theirs
    assert (grant.type, grant.body["role"]) == ("google_pubsub_topic_iam_member", "roles/pubsub.publisher")
    assert grant.body["topic"] == '${module.topic["runtime-check-ins"].name}'
    principal = str(ROOT.local("runtimes"))
    assert principal.startswith("principalSet://iam.googleapis.com/")
    assert principal.endswith("${google_container_cluster.runtimes.id}"), "the pods of this cluster alone"


def test_the_cluster_is_private_and_reached_by_iam_alone() -> None:
    cluster = ROOT.resource("google_container_cluster.runtimes").body
    assert cluster["enable_autopilot"] is True
    assert cluster["private_cluster_config"] == [{"enable_private_nodes": True}]
    (endpoints,) = cluster["control_plane_endpoints_config"]
    assert endpoints["ip_endpoints_config"] == [{"enabled": False}]
    assert endpoints["dns_endpoint_config"] == [{"allow_external_traffic": True}]


def test_every_skipped_check_has_its_reason() -> None:
    skips = [line for path in _sources() for line in path.read_text().splitlines() if "checkov:skip" in line]
    assert skips
    assert all(re.search(r"checkov:skip=CKV2?_\w+:\S.{15,}", line) for line in skips)


def _sources() -> list[Path]:
    return [*TERRAFORM.rglob("*.tf"), LIB / "pragma_runtime" / "Dockerfile"]


