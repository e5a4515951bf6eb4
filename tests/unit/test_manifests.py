"""The objects of an installation: named, labelled, confined and fed with config byte for byte."""

from base64 import b64decode
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ACME, revision, version, wish

from local_kubernetes import quantities
from provider_hub.domain.config_names import is_reserved
from provider_hub.domain.installation import POD_FORMAT, Installation, ResourceTier
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    ORGANIZATION_ID,
    PROVIDER,
    RuntimeFacts,
    installation_manifests,
    namespace_manifests,
)

FACTS = RuntimeFacts("runtime:1", "projects/p/topics/runtime-check-ins", "https://pubsub.example", 300, "", 600, 400)


def objects(row: Installation | None = None, **published: Any) -> dict[str, Any]:
    manifests = installation_manifests(row or wish(), version(**published), FACTS, "the-token")
    return {manifest["kind"]: manifest for manifest in manifests}


def container(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def environment(made: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container(made)["env"]}


def test_every_object_carries_whose_it_is_and_of_which_generation() -> None:
    for manifest in installation_manifests(wish(generation=3), version(), FACTS, "t"):
        annotations = manifest["metadata"]["annotations"]
        assert annotations[INSTALLATION_ID] == wish().installation_id
        assert (annotations[GENERATION], annotations[ORGANIZATION_ID]) == ("3", "org_acme")
        assert annotations[PROVIDER] == "acme/weather"
        assert manifest["metadata"]["namespace"] == "org-acme"
        assert manifest["metadata"]["labels"][INSTALLATION_ID] == wish().installation_id


def test_the_deployment_comes_last_since_its_pods_need_the_others() -> None:
    kinds = [manifest["kind"] for manifest in installation_manifests(wish(), version(), FACTS, "t")]
    assert kinds == ["ServiceAccount", "Secret", "Service", "Deployment"]


def test_only_the_performance_tier_has_two_replicas_and_a_budget() -> None:
    large = objects(wish(revision=revision(resource_tier=ResourceTier.PERFORMANCE)))
    assert large["Deployment"]["spec"]["replicas"] == 2
    assert large["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    for tier in (ResourceTier.FREE, ResourceTier.STANDARD):
        small = objects(wish(revision=revision(resource_tier=tier)))
        assert small["Deployment"]["spec"]["replicas"] == 1
        assert "PodDisruptionBudget" not in small


def test_every_tier_has_requests_and_limits_that_grow_with_it() -> None:
    memory = [
        container(objects(wish(revision=revision(resource_tier=tier))))["resources"]["limits"]["memory"]
        for tier in (ResourceTier.FREE, ResourceTier.STANDARD, ResourceTier.PERFORMANCE)
    ]
    assert memory == ["256Mi", "512Mi", "2Gi"]


def test_a_pod_satisfies_the_restricted_standard() -> None:
    pod = objects()["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert objects()["ServiceAccount"]["automountServiceAccountToken"] is False


def test_the_old_pod_serves_until_the_new_one_is_ready() -> None:
    strategy = objects()["Deployment"]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_each_generation_has_a_secret_of_its_own() -> None:
    names = {objects(wish(generation=number))["Secret"]["metadata"]["name"] for number in (1, 2)}
    assert len(names) == 2
    made = objects(wish(generation=2))
    assert container(made)["envFrom"] == [{"secretRef": {"name": made["Secret"]["metadata"]["name"]}}]
    assert made["Secret"]["immutable"] is True


@given(
    st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,9}\Z"), st.text(st.characters(exclude_categories=["Cs"])))
)
def test_config_is_in_the_secret_byte_for_byte_and_nowhere_else(config: dict[str, str]) -> None:
    made = objects(wish(revision=revision(config=config)))
    held = {key: b64decode(value).decode() for key, value in made["Secret"]["data"].items()}
    assert held == {**config, "PRAGMA_CHECK_IN_TOKEN": "the-token"}


def test_the_token_is_in_the_secret_alone() -> None:
    made = objects()
    assert "the-token" not in str({kind: manifest for kind, manifest in made.items() if kind != "Secret"})


def test_the_runtime_is_told_which_bytes_to_run() -> None:
    told = environment(objects(wheel_url="https://host/$(PATH)-1.whl"))
    assert told["PRAGMA_WHEEL_SHA256"] == "a" * 64
    assert told["PRAGMA_WHEEL_URL"] == "https://host/$$(PATH)-1.whl"
    assert (told["PRAGMA_VERSION"], told["PRAGMA_GENERATION"]) == ("1.0.0", "1")
    assert told["PRAGMA_CHECK_IN_TOPIC"] == FACTS.check_in_topic


def test_the_runtime_is_told_the_name_of_the_kept_wheel_and_only_of_one() -> None:
    kept_as = "sha256/aa/aaaa/weather-1.0.0-py2.py3-none-any.whl"
    assert environment(objects(wheel_object=kept_as))["PRAGMA_WHEEL_OBJECT"] == kept_as
    assert not {"PRAGMA_WHEEL_OBJECT", "PRAGMA_ARTIFACTS_URL"} & environment(objects()).keys()


def test_an_entrypoint_of_its_own_runs_behind_the_runtime_and_without_its_probes() -> None:
    plain = container(objects())
    assert plain["command"] == ["python", "-m", "pragma_runtime.entrypoint"]
    assert "args" not in plain
    assert "readinessProbe" in plain
    own = container(objects(entrypoint=("serve", "--fast")))
    assert own["command"] == plain["command"]
    assert own["args"] == ["--", "serve", "--fast"]
    assert "readinessProbe" not in own


def test_kubernetes_expands_nothing_in_an_entrypoint() -> None:
    own = container(objects(entrypoint=("sh", "-c", "echo $(PRAGMA_CHECK_IN_TOKEN) $HOME")))
    assert own["args"] == ["--", "sh", "-c", "echo $$(PRAGMA_CHECK_IN_TOKEN) $$HOME"]


def test_a_runtime_gives_its_start_up_before_the_deadline_passes() -> None:
    start_seconds = float(environment(objects())["PRAGMA_START_SECONDS"])
    assert start_seconds < FACTS.deadline_seconds


@pytest.mark.parametrize("tier", ResourceTier)
def test_a_runtime_is_told_how_large_its_volume_is(tier: ResourceTier) -> None:
    made = objects(wish(revision=revision(resource_tier=tier), pod_format=POD_FORMAT))
    told = int(environment(made)["PRAGMA_DISK_BYTES"])
    (volume,) = made["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert told == quantities.parse(volume["emptyDir"]["sizeLimit"])


def test_a_generation_keeps_the_form_of_its_pods_which_another_would_restart() -> None:
    begun_before, begun_since = objects(wish()), objects(wish(pod_format=POD_FORMAT))
    added = environment(begun_since).keys() - environment(begun_before).keys()
    assert added == {"PRAGMA_DISK_BYTES"}
    given = container(begun_since)["env"]
    given[:] = [variable for variable in given if variable["name"] not in added]
    assert begun_since == begun_before


def test_whatever_the_platform_sets_in_a_pod_is_a_reserved_config_key() -> None:
    made = objects(wish(pod_format=POD_FORMAT))
    assert all(is_reserved(name) for name in environment(made))
    assert is_reserved("PRAGMA_CHECK_IN_TOKEN")


def test_labels_hold_only_what_a_label_may() -> None:
    labels = objects(wish(name="a" * 100, revision=revision("1.0.0-rc.1+build.5")))["Service"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/version"] == "1.0.0-rc.1_build.5"
    assert all(len(value) <= 63 for value in labels.values())


def test_a_namespace_is_confined_before_anything_runs_in_it() -> None:
    namespace, *limits = namespace_manifests(ACME.organization_id, ACME.slug, FACTS)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert [manifest["kind"] for manifest in limits] == [
        "ResourceQuota",
        "LimitRange",
        "NetworkPolicy",
        "NetworkPolicy",
    ]
    assert limits[0]["spec"]["hard"] == {
        "pods": "400",
        "requests.cpu": "40",
        "limits.cpu": "160",
        "requests.memory": "64Gi",
        "limits.memory": "128Gi",
        "requests.ephemeral-storage": "400Gi",
        "limits.ephemeral-storage": "400Gi",
        "persistentvolumeclaims": "0",
        "services": "100",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "secrets": "300",
    }
    assert limits[2]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {manifest["metadata"]["namespace"] for manifest in limits} == {"org-acme"}


LOGINS = '{"auths": {"registry.example": {"auth": "dTpw"}}}'


def test_logins_of_registries_are_the_namespaces_own_and_roll_no_pod() -> None:
    facts = replace(FACTS, pull_credentials=LOGINS)
    *_, secret = namespace_manifests(ACME.organization_id, ACME.slug, facts)
    assert (secret["kind"], secret["type"]) == ("Secret", "kubernetes.io/dockerconfigjson")
    assert b64decode(secret["data"][".dockerconfigjson"]).decode() == LOGINS
    assert namespace_manifests(ACME.organization_id, ACME.slug, facts)[1]["spec"]["hard"]["secrets"] == "301"
    logged_in = {one["kind"]: one for one in installation_manifests(wish(), version(), facts, "token")}
    without = {one["kind"]: one for one in installation_manifests(wish(), version(), FACTS, "token")}
    assert logged_in["ServiceAccount"].pop("imagePullSecrets") == [{"name": secret["metadata"]["name"]}]
    assert logged_in == without, "a pod gets them by its ServiceAccount"
    assert "dTpw" not in repr(facts)


def test_a_pod_runs_in_the_clusters_own_runtime_unless_another_is_named() -> None:
    pod = objects()["Deployment"]["spec"]["template"]["spec"]
    assert not {"runtimeClassName", "hostUsers"} & set(pod)


@pytest.mark.parametrize(
    ("runtime_class", "user_namespaces", "expected"),
    [
        ("gvisor", False, {"runtimeClassName": "gvisor"}),
        ("", True, {"hostUsers": False}),
        ("kata", True, {"runtimeClassName": "kata", "hostUsers": False}),
    ],
)
def test_a_tenants_code_is_kept_from_the_nodes_kernel_as_the_cluster_can(
    runtime_class: str, user_namespaces: bool, expected: dict[str, Any]
) -> None:
    facts = replace(FACTS, runtime_class=runtime_class, user_namespaces=user_namespaces)
    *_, deployment = installation_manifests(wish(), version(), facts, "t")
    pod = deployment["spec"]["template"]["spec"]
    assert {key: pod[key] for key in ("runtimeClassName", "hostUsers") if key in pod} == expected


def test_names_are_resolved_at_the_clusters_own_dns_and_nowhere_else() -> None:
    """Port 53 to any host is a tunnel."""
    (policy,) = [one for one in namespace_manifests("org_acme", "acme", FACTS) if one["metadata"]["name"] == "runtimes"]
    (rule,) = [one for one in policy["spec"]["egress"] if {"port": 53, "protocol": "UDP"} in one["ports"]]
    assert [peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer] == [
        "169.254.20.10/32",
        "169.254.169.254/32",
    ]
    (pods,) = [peer for peer in rule["to"] if "podSelector" in peer]
    assert pods["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    for peer in policy["spec"]["egress"]:
        assert peer["to"], "a rule without `to` is open to every host"


def test_a_runtime_reaches_public_addresses_alone_and_no_class_e_which_gke_has_pods_in() -> None:
    (policy,) = [one for one in namespace_manifests("org_acme", "acme", FACTS) if one["metadata"]["name"] == "runtimes"]
    (peer,) = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"] if "except" in str(peer)]
    closed = [ip_network(block) for block in peer["except"]]
    for address in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.9.9", "169.254.169.254", "240.10.0.1"):
        assert any(ip_address(address) in block for block in closed), address
