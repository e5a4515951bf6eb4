"""Grants are on the resource, no wider than needed, and as the code needs them."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from terraform.tools.access import access_tables, grants
from terraform.tools.configuration import TERRAFORM, Block, Configuration, read
from terraform.tools.imports import reached_files
from terraform.tools.rbac import READER, WRITER, allows, manifests

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.actions.cluster import LogRequest
from provider_hub.adapters.kubernetes import HUB_ID, Kubernetes, KubernetesApi
from provider_hub.adapters.kubernetes.api import Object
from provider_hub.domain.artifacts import UPLOADS, kept_name
from provider_hub.domain.installation import POD_FORMAT, ResourceTier
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    RuntimeFacts,
    installation_manifests,
    namespace_manifests,
)
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Queue, Topic

MODULES = {path.name: read(path) for path in sorted((TERRAFORM / "modules").iterdir())}
HUB: Configuration = MODULES["hub"]
GRANTS = [block for module in MODULES.values() for block in grants(module)]
ACCESS = {name: function.access for name, function in FUNCTIONS.items()}
LIB = FUNCTIONS_DIR.parent / "lib"
# What the API offers no resource policy for; a condition or a custom role narrows each.
# It has `storage.objects.get` alone: roles/storage.objectViewer would list as well.
GETS = "roles/storage.legacyObjectReader"
GETS_KEPT = "${google_project_iam_custom_role.gets_objects.name}"
PROJECT_WIDE = {
    "documents",
    "reads_cluster",
    "reads_logs",
    "writes_cluster",
    "nodes",
    "builder",
    "builder_sources",
    "host_agent",
}
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


CONNECT = {"container.clusters.connect", "container.clusters.get"}
FACTS = RuntimeFacts("image", "projects/p/topics/t", "https://pubsub.googleapis.com", 300, "", 600, 4)
VERSION: Any = SimpleNamespace(
    entrypoint=None, wheel_url="https://w/w.whl", wheel_sha256="0" * 64, package_name=None, wheel_object=None
)
ROW: Any = SimpleNamespace(
    installation_id="02",
    generation=2,
    organization_id="org_1",
    organization_slug="acme",
    provider_name=ProviderName("acme", "weather"),
    canonical="acme/weather",
    name="weather",
    installed_version="1.0.0",
    pod_format=POD_FORMAT,
    revision=SimpleNamespace(resource_tier=ResourceTier.PERFORMANCE, config={}, lock_sha256=None),
)


class RecordingApi(KubernetesApi):
    """Keeps what is asked for; everything there is belongs to an earlier life, so that it is deleted as well."""

    def __init__(self) -> None:
        self.calls: set[tuple[str, str]] = set()

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        self.calls.add((kind, "get"))
        return _object(name)

    def list(self, kind: str, namespace: str | None, selector: str, **options: Any) -> Object:
        self.calls.add((kind, "list"))
        return {"items": [_object("old")], "metadata": {}}

    def log(self, namespace: str, pod: str, **options: Any) -> bytes:
        self.calls.add(("Pod", "getLogs"))
        return b""

    def apply(self, manifest: Object, manager: str) -> Object:
        self.calls |= {(manifest["kind"], "create"), (manifest["kind"], "update")}
        return _object("new")

    def delete(self, kind: str, item: Object) -> None:
        self.calls.add((kind, "delete"))


def _object(name: str) -> Object:
    metadata = {
        "name": name,
        "namespace": "org-acme",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {HUB_ID: "provider-hub"},
        "annotations": {INSTALLATION_ID: "01", GENERATION: "1"},
    }
    template = {"spec": {"containers": [{"name": "runtime", "image": "image"}]}}
    return {"metadata": metadata, "spec": {"replicas": 1, "template": template}, "status": {}}


def address(block: Block) -> str:
    return f"{block.path.parent.name}: {block.address}"


def uses(function: str, module: str) -> bool:
    """Whether a function loads a module of lib/provider_hub."""
    files = reached_files(FUNCTIONS_DIR / function / "main.py", LIB)
    return any(str(file).startswith(f"{LIB}/provider_hub/{module}") for file in files)


def wires(function: str, *names: str) -> bool:
    """Whether a function's own main.py speaks of one of the names, beside what all functions load with it."""
    main = (FUNCTIONS_DIR / function / "main.py").read_text()
    return any(re.search(rf"\b{name}\b", main) for name in names)


@pytest.mark.parametrize("block", GRANTS, ids=address)
def test_a_grant_adds_one_member_and_takes_nobodys_away(block: Block) -> None:
    assert block.type.endswith("_iam_member"), "a binding or policy would remove what others granted"


@pytest.mark.parametrize("block", GRANTS, ids=address)
def test_no_grant_is_of_a_primitive_role(block: Block) -> None:
    assert not re.search(r"roles/(owner|editor|viewer)\b", str(block.body["role"]))
    assert "admin" not in str(block.body["role"]).lower()


def test_nothing_is_granted_to_everybody_but_the_reading_of_the_consoles_files() -> None:
    public = [block for block in GRANTS if re.search(r"all(Authenticated)?Users", str(block.body))]
    assert [block.address for block in public] == ["google_storage_bucket_iam_member.console"]
    assert public[0].body["role"] == "roles/storage.legacyObjectReader", "whoever reads may not list"
    assert public[0].body["bucket"] == "${google_storage_bucket.console[0].name}"
    (call,) = HUB.of("module", "function")
    assert call.body["public"] == "${each.value.public}"


def test_project_wide_grants_are_those_that_no_resource_policy_can_replace() -> None:
    wide = {block.labels[1] for block in GRANTS if block.type == "google_project_iam_member"}
    assert wide == PROJECT_WIDE


def test_the_right_to_documents_ends_at_this_deployments_database() -> None:
    grant = HUB.resource("google_project_iam_member.documents").body
    expression = grant["condition"][0]["expression"]
    assert "databases/${google_firestore_database.this.name}" in expression
    assert expression.startswith("resource.name ==")


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_reach_the_cluster_is_whose_code_does(name: str) -> None:
    granted = bool({"reads_cluster", "writes_cluster"} & set(ACCESS[name]))
    assert granted == uses(name, "adapters/kubernetes")


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_read_what_pods_printed_is_whose_code_does(name: str) -> None:
    assert ("reads_logs" in ACCESS[name]) == uses(name, "adapters/cloud_logging")


def test_the_right_to_log_entries_ends_at_a_view_of_what_pods_print() -> None:
    grant = HUB.resource("google_project_iam_member.reads_logs").body
    assert grant["role"] == "roles/logging.viewAccessor"
    assert grant["condition"][0]["expression"] == 'resource.name == "${google_logging_log_view.pods.id}"'
    assert HUB.resource("google_logging_log_view.pods").body["filter"] == 'resource.type = "k8s_container"'


@pytest.mark.parametrize("name", ACCESS)
def test_only_code_that_applies_manifests_may_write_to_the_cluster(name: str) -> None:
    assert ("writes_cluster" in ACCESS[name]) == wires(name, "desired_states")


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_make_or_delete_tasks_is_whose_code_does(name: str) -> None:
    granted = bool({"creates_tasks", "deletes_tasks"} & set(ACCESS[name]))
    assert granted == uses(name, "adapters/tasks")


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_read_the_key_is_whose_code_does(name: str) -> None:
    assert ("check-in-keys" in ACCESS[name].get("reads_secret", {})) == wires(name, "signing_keys", "desired_states")


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_read_the_logins_of_indexes_and_registries_is_whose_code_uses_them(name: str) -> None:
    reads = ACCESS[name].get("reads_secret", {})
    assert ("index-logins" in reads) == wires(name, "UvResolver")
    assert ("image-logins" in reads) == wires(name, "desired_states")


@pytest.mark.parametrize("name", ACCESS)
def test_who_takes_secret_values_cannot_open_them_and_who_applies_them_can(name: str) -> None:
    assert ("encrypts" in ACCESS[name]) == wires(name, "sealing")
    assert ("decrypts" in ACCESS[name]) == wires(name, "desired_states")
    roles = {
        verb: str(HUB.resource(f"google_kms_crypto_key_iam_member.{verb}").body["role"])
        for verb in ("encrypts", "decrypts")
    }
    assert roles == {
        "encrypts": "roles/cloudkms.cryptoKeyEncrypter",
        "decrypts": "roles/cloudkms.cryptoKeyDecrypter",
    }


@pytest.mark.parametrize("name", ACCESS)
def test_what_a_grant_is_on_exists(name: str) -> None:
    may = ACCESS[name]
    assert set(may.get("publishes", {})) <= {topic.value for topic in Topic}
    assert set(may.get("creates_tasks", {})) | set(may.get("deletes_tasks", {})) <= {queue.value for queue in Queue}
    assert set(may.get("reads_secret", {})) <= {*HUB.local("secrets"), *HUB.local("handed_in")}
    assert set(may.get("encrypts", {})) | set(may.get("decrypts", {})) <= set(HUB.local("keys"))


def test_no_cell_of_the_tables_is_cut_in_the_middle_of_an_expression() -> None:
    spans = re.findall(r"`([^`]+)`", access_tables())
    assert "serviceAccount:${each.value}" in spans
    assert [span for span in spans if span.count("{") != span.count("}")] == []


@pytest.mark.parametrize("name", ACCESS)
def test_every_entry_of_access_is_carried_out(name: str) -> None:
    carried_out = {block.labels[1] for block in GRANTS} | {"reads_secret"}
    assert set(ACCESS[name]) <= carried_out


def test_the_writers_role_is_what_applying_and_removing_takes() -> None:
    assert permissions("writes_cluster") == CONNECT | calls_of(apply_and_remove) | calls_of(look)


def look(cluster: Kubernetes) -> None:
    """Everything that a function does which only reads."""
    cluster.status("org-acme", "weather", "01")
    cluster.pods("org-acme", "01")
    cluster.read_logs("org-acme", [LogRequest("weather-1")])


def test_the_readers_role_is_what_a_status_and_a_log_take() -> None:
    assert permissions("reads_cluster") == CONNECT | calls_of(look)


RBAC_VERBS = {"update": {"patch", "update"}}
ACCOUNTS = {"hub_id": "p.hub", "readers": ["reader@p"], "writers": ["writer@p"]}


@pytest.mark.parametrize(("rules", "local"), [(READER, "reads_cluster"), (WRITER, "writes_cluster")])
def test_the_clusters_roles_have_exactly_the_verbs_that_iam_would_give(rules: Any, local: str) -> None:
    spelled = {(kind, verb) for _, kind, verbs in rules for verb in verbs}
    wanted = {
        ("pods/log", "get") if name == "getLogs" else (kind.lower(), verb)
        for _, kind, name in (permission.split(".") for permission in permissions(local) - CONNECT)
        for verb in RBAC_VERBS.get(name, {name})
    }
    if local == "writes_cluster":
        assert spelled == wanted
    else:
        assert spelled == {("deployments", "get"), ("pods", "list"), ("pods/log", "get")} == wanted


def test_iam_lets_accounts_connect_and_no_more_where_the_cluster_has_the_roles() -> None:
    assert set(HUB.local("connects")) == CONNECT
    for name in ("reads_cluster", "writes_cluster"):
        role = HUB.resource(f"google_project_iam_custom_role.{name}").body
        assert role["permissions"].startswith('${var.cluster.access == "rbac" ? local.connects : ')


def test_what_the_accounts_write_is_held_to_the_hubs_own_namespaces() -> None:
    made = {item["kind"]: item for item in manifests(ACCOUNTS)}
    policy = made["ValidatingAdmissionPolicy"]["spec"]
    assert policy["failurePolicy"] == "Fail"
    assert policy["matchConditions"][0]["expression"] == 'request.userInfo.username in ["writer@p"]'
    (validation,) = policy["validations"]
    assert "namespaceObject.metadata.labels['provider-hub/hub-id'] == 'p.hub'" in validation["expression"]
    assert made["ValidatingAdmissionPolicyBinding"]["spec"]["validationActions"] == ["Deny", "Audit"]


def test_a_role_binds_the_accounts_e_mails() -> None:
    bindings = [item for item in manifests(ACCOUNTS) if item["kind"] == "ClusterRoleBinding"]
    assert [one["subjects"][0]["name"] for one in bindings] == ["reader@p", "writer@p"]
    assert allows(ACCOUNTS, "writer@p", "patch", "secrets")
    assert not allows(ACCOUNTS, "reader@p", "get", "secrets")
    assert not allows(ACCOUNTS, "other@p", "list", "pods")


def apply_and_remove(cluster: Kubernetes) -> None:
    cluster.ensure_namespace(namespace_manifests("org_1", "acme", FACTS))
    cluster.apply(installation_manifests(ROW, VERSION, FACTS, "token"))
    cluster.prune("org-acme", "01", frozenset())
    cluster.remove("org-acme", "01")
    cluster.status("org-acme", "weather", "01")
    place: str | None = None
    while (following := cluster.object_owners(place, 10)[1]) is not None:
        place = following


def calls_of(use: Callable[[Kubernetes], object]) -> set[str]:
    """The permissions that the calls of `use` take: patch goes with update, and creates what is not there."""
    api = RecordingApi()
    cluster = Kubernetes(api)
    try:
        use(cluster)
    finally:
        cluster._pool.shutdown()
    return {f"container.{PLURALS[kind]}.{verb}" for kind, verb in api.calls}


def permissions(local: str) -> set[str]:
    """The list that the local of that name comes to: its literal entries, and its two products of kinds and verbs."""
    text = str(HUB.local(local))
    found = set(re.findall(r'"?(container\.\w+\.\w+)"?', text))
    for kinds, verbs in re.findall(r"for kind in \[(.*?)\] : \[for verb in \[(.*?)\]", text):
        found |= {f"container.{kind}.{verb}" for kind in _words(kinds) for verb in _words(verbs)}
    if "local.reads_cluster" in text:
        found |= permissions("reads_cluster")
    return found


def _words(text: str) -> list[str]:
    return re.findall(r'"(\w+)"', text)


def test_runtimes_may_check_in_get_a_wheel_and_nothing_else() -> None:
    publishes, reads = [block for block in GRANTS if "local.runtimes" in str(block.body["member"])]
    assert (publishes.type, publishes.body["role"]) == ("google_pubsub_topic_iam_member", "roles/pubsub.publisher")
    assert publishes.body["topic"] == '${module.topic["runtime-check-ins"].name}'
    assert (reads.type, reads.body["role"]) == ("google_storage_bucket_iam_member", GETS_KEPT)
    assert HUB.resource("google_project_iam_custom_role.gets_objects").body["permissions"] == ["storage.objects.get"]
    bucket = "${google_storage_bucket.artifacts.name}"
    assert reads.body["bucket"] == bucket
    (condition,) = reads.body["condition"]
    folder = kept_name("a" * 64, "w.whl").partition("/")[0]
    assert condition["expression"] == f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{folder}/")'
    assert str(HUB.local("pods_of")).startswith("principalSet://iam.googleapis.com/")
    assert HUB.local("runtimes") == "${local.pods_of}${local.cluster.id}", "the pods of this cluster alone"


def test_runtimes_of_another_cell_may_what_those_of_the_first_may_and_only_in_its_cluster() -> None:
    assert '${local.pods_of}${cell.id}"' in str(HUB.local("runtimes_by_cell"))
    for first, others in (
        ("google_pubsub_topic_iam_member.runtimes_check_in", "google_pubsub_topic_iam_member.cells_check_in"),
        ("google_storage_bucket_iam_member.runtimes_read", "google_storage_bucket_iam_member.cells_read"),
    ):
        of_cells = HUB.resource(others).body
        assert of_cells["for_each"] == "${local.runtimes_by_cell}"
        assert {**of_cells, "member": "", "for_each": ""} == {**HUB.resource(first).body, "member": "", "for_each": ""}


def test_nobody_may_list_replace_or_delete_what_the_hub_keeps() -> None:
    bucket = "${google_storage_bucket.artifacts.name}"
    roles = {block.labels[1]: block.body["role"] for block in GRANTS if block.body.get("bucket") == bucket}
    creates = "roles/storage.objectCreator"
    assert roles == {
        "creates_objects": creates,
        "reads_objects": GETS,
        "runtimes_read": GETS_KEPT,
        "cells_read": GETS_KEPT,
    }


@pytest.mark.parametrize("name", ACCESS)
def test_who_may_sign_is_whose_code_asks_the_bucket(name: str) -> None:
    asks = uses(name, "adapters/artifacts")
    assert ({"reads_objects", "signs_urls"} & set(ACCESS[name])) == ({"reads_objects", "signs_urls"} if asks else set())


def test_the_operators_copy_of_the_advisories_is_read_by_the_function_that_looks_at_it() -> None:
    assert [name for name in ACCESS if "reads_advisories" in ACCESS[name]] == ["sweeper"]
    assert uses("sweeper", "adapters/osv_export")
    grant = HUB.resource("google_storage_bucket_iam_member.reads_advisories").body
    assert (grant["bucket"], grant["role"]) == ("${local.advisories_bucket}", "roles/storage.legacyObjectReader")


def test_a_function_signs_as_itself_alone() -> None:
    grant = HUB.resource("google_service_account_iam_member.signs_urls").body
    assert grant["service_account_id"] == "${module.function[each.key].account}"
    assert grant["member"] == "${module.function[each.key].member}"


def test_what_the_hub_keeps_is_private_and_uploads_end_after_a_day() -> None:
    bucket = HUB.resource("google_storage_bucket.artifacts").body
    assert (bucket["uniform_bucket_level_access"], bucket["public_access_prevention"]) == (True, "enforced")
    assert bucket["versioning"] == [{"enabled": False}]
    (rule,) = bucket["lifecycle_rule"]
    assert rule["condition"] == [{"age": 1, "matches_prefix": [UPLOADS]}]
    assert rule["action"] == [{"type": "Delete"}]
    assert "encryption" in str(bucket["dynamic"])


def test_the_cluster_is_private_and_reached_by_iam_alone() -> None:
    cluster = MODULES["cluster"].resource("google_container_cluster.runtimes").body
    assert cluster["enable_autopilot"] is True
    assert cluster["private_cluster_config"] == [{"enable_private_nodes": True, "enable_private_endpoint": True}]
    (endpoints,) = cluster["control_plane_endpoints_config"]
    assert endpoints["ip_endpoints_config"] == [{"enabled": False}]
    assert endpoints["dns_endpoint_config"] == [{"allow_external_traffic": True}]


def test_every_skipped_check_has_its_reason() -> None:
    skips = [line for path in _sources() for line in path.read_text().splitlines() if "checkov:skip" in line]
    assert skips
    assert all(re.search(r"checkov:skip=CKV2?_\w+:\S.{15,}", line) for line in skips)


def _sources() -> list[Path]:
    return [*TERRAFORM.rglob("*.tf"), LIB / "pragma_runtime" / "Dockerfile"]
