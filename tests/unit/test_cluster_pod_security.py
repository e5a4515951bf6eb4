"""Pod Security: which pods a namespace's level refuses, in the words of a real API server."""

from typing import Any

import pytest
from tests.unit.cluster_objects import NAMESPACE, BareCluster, container, deployment, pod, refusal

from local_kubernetes.cluster.kinds import Object

ENFORCE = "pod-security.kubernetes.io__enforce"
WARN = "pod-security.kubernetes.io__warn"
BARE: Object = {"containers": [{"name": "main", "image": "i:1"}], "securityContext": {}}
BARE_FAULTS = (
    'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)


def context(**fields: Any) -> Object:
    """A container with those fields of its security context replaced."""
    made = container()
    return {**made, "securityContext": {**made["securityContext"], **fields}}


def test_a_restricted_namespace_refuses_a_bare_pod_and_says_every_reason() -> None:
    error = refusal(BareCluster(**{ENFORCE: "restricted"}).create, "Pod", pod(**BARE))

    assert (error.code, error.reason) == (403, "Forbidden")
    assert error.message == f'pods "web" is forbidden: violates PodSecurity "restricted:latest": {BARE_FAULTS}'


@pytest.mark.parametrize("level", ["restricted", "baseline", "privileged"])
def test_a_restricted_pod_is_admitted_at_every_level(level: str) -> None:
    cluster = BareCluster(**{ENFORCE: level})

    cluster.create("Pod", pod())

    assert cluster.warnings == []


@pytest.mark.parametrize("labels", [{}, {ENFORCE: "privileged"}, {ENFORCE: "baseline"}])
def test_a_bare_pod_is_admitted_where_nothing_stricter_than_baseline_is_asked_for(labels: dict[str, str]) -> None:
    BareCluster(**labels).create("Pod", pod(**BARE))


def test_the_version_that_a_namespace_pins_shows_in_the_refusal() -> None:
    cluster = BareCluster(**{ENFORCE: "restricted", f"{ENFORCE}-version": "v1.30"})

    assert 'violates PodSecurity "restricted:v1.30"' in refusal(cluster.create, "Pod", pod(**BARE)).message


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
        (
            {"containers": [container(ports=[{"containerPort": 80, "hostPort": 80}])]},
            'hostPort (container "main" uses hostPort 80)',
        ),
        (
            {"containers": [container(livenessProbe={"tcpSocket": {"port": 1, "host": "10.0.0.1"}})]},
            'probe or lifecycle host (container "main" uses probe or lifecycle host "10.0.0.1")',
        ),
        (
            {"containers": [context(privileged=True, allowPrivilegeEscalation=True)]},
            'privileged (container "main" must not set securityContext.privileged=true)',
        ),
        (
            {"containers": [context(capabilities={"add": ["NET_ADMIN", "CHOWN"]})]},
            (
                'non-default capabilities (container "main" must not include "NET_ADMIN" in '
                "securityContext.capabilities.add)"
            ),
        ),
        (
            {"containers": [context(procMount="Unmasked")]},
            'procMount (container "main" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            {"securityContext": {"seLinuxOptions": {"type": "spc_t", "user": "root"}}},
            'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
        ),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
            'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
        ),
        (
            {"containers": [context(windowsOptions={"hostProcess": True})]},
            'hostProcess (container "main" must not set securityContext.windowsOptions.hostProcess=true)',
        ),
    ],
)
def test_baseline_refuses(spec: Object, fault: str) -> None:
    error = refusal(BareCluster(**{ENFORCE: "baseline"}).create, "Pod", pod(**spec))

    assert error.message == f'pods "web" is forbidden: violates PodSecurity "baseline:latest": {fault}'


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (
            {"containers": [context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]})]},
            'unrestricted capabilities (container "main" must not include "CHOWN" in securityContext.capabilities.add)',
        ),
        (
            {"volumes": [{"name": "n", "nfs": {"server": "s", "path": "/"}}]},
            'restricted volume types (volume "n" uses restricted volume type "nfs")',
        ),
        (
            {"containers": [context(runAsNonRoot=False)]},
            'runAsNonRoot != true (container "main" must not set securityContext.runAsNonRoot=false)',
        ),
        (
            {"containers": [context(runAsUser=0), {**context(runAsUser=0), "name": "other"}]},
            'runAsUser=0 (containers "main", "other" must not set runAsUser=0)',
        ),
        (
            {
                "initContainers": [
                    {**context(), "name": "first", "securityContext": {"capabilities": {"drop": ["ALL"]}}}
                ]
            },
            (
                'allowPrivilegeEscalation != false (container "first" must set '
                "securityContext.allowPrivilegeEscalation=false)"
            ),
        ),
    ],
)
def test_restricted_refuses_more(spec: Object, fault: str) -> None:
    error = refusal(BareCluster(**{ENFORCE: "restricted"}).create, "Pod", pod(**spec))

    assert error.message == f'pods "web" is forbidden: violates PodSecurity "restricted:latest": {fault}'


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet"])
def test_a_workload_is_taken_with_a_warning_though_its_pods_will_be_refused(kind: str) -> None:
    cluster = BareCluster(**{ENFORCE: "restricted"})
    body = deployment(template={"metadata": {"labels": {"app": "web"}}, "spec": BARE})

    cluster.create(kind, body)

    assert cluster.warnings == [f'would violate PodSecurity "restricted:latest": {BARE_FAULTS}']


def test_a_namespace_may_warn_at_another_level_than_it_enforces() -> None:
    cluster = BareCluster(**{ENFORCE: "privileged", WARN: "restricted"})

    cluster.create("Pod", pod(**BARE))

    assert cluster.warnings == [f'would violate PodSecurity "restricted:latest": {BARE_FAULTS}']


def test_a_level_that_does_not_exist_is_refused_on_the_namespace() -> None:
    cluster = BareCluster()
    label = ENFORCE.replace("__", "/")

    error = refusal(cluster.patch, "Namespace", NAMESPACE, {"metadata": {"labels": {label: "strict"}}})

    assert (error.code, error.message) == (
        422,
        (
            f'Namespace "{NAMESPACE}" is invalid: metadata.labels[{label}]: Invalid value: "strict": must be one of '
            "privileged, baseline, restricted"
        ),
    )


def test_raising_the_level_over_pods_that_break_it_warns_and_leaves_them() -> None:
    cluster = BareCluster()
    for name in ("a", "b"):
        cluster.create("Pod", pod(name, **BARE))

    cluster.patch("Namespace", NAMESPACE, {"metadata": {"labels": {ENFORCE.replace("__", "/"): "restricted"}}})

    assert cluster.warnings == [
        f'existing pods in namespace "{NAMESPACE}" violate the new PodSecurity enforce level "restricted:latest"',
        (
            "a (and 1 other pod): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, "
            "seccompProfile"
        ),
    ]
    assert cluster.read("Pod", "a")
