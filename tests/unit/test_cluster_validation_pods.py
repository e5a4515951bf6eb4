"""Faults of pods, each refused at its field and in the words of a real API server."""

from typing import Any

import pytest
from tests.unit.cluster_objects import BareCluster, container, pod, refusal

from local_kubernetes.cluster.kinds import Object

CONTAINER = "spec.containers[0]"
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def faults_of(body: Object, kind: str = "Pod") -> list[str]:
    """`field: message` of every cause of the refusal."""
    error = refusal(BareCluster().create, kind, body)
    assert (error.code, error.reason) == (422, "Invalid")
    return [f"{cause['field']}: {cause['message']}" for cause in error.details["causes"]]


CONTAINER_FAULTS: list[tuple[Object, str]] = [
    ({"name": "Web"}, f'.name: Invalid value: "Web": {LABEL_RULE}'),
    ({"name": "a" * 64}, f'.name: Invalid value: "{"a" * 64}": must be no more than 63 bytes'),
    ({"image": " x"}, '.image: Invalid value: " x": must not have leading or trailing whitespace'),
    (
        {"terminationMessagePolicy": "Log"},
        '.terminationMessagePolicy: Unsupported value: "Log": supported values: "FallbackToLogsOnError", "File"',
    ),
    (
        {"ports": [{"containerPort": 1, "name": "a--b"}]},
        '.ports[0].name: Invalid value: "a--b": must not contain consecutive hyphens',
    ),
    (
        {"ports": [{"containerPort": 1, "name": "123"}]},
        '.ports[0].name: Invalid value: "123": must contain at least one letter (a-z)',
    ),
    (
        {"ports": [{"containerPort": 70000}]},
        ".ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ),
    (
        {"env": [{"name": "A=B"}]},
        (
            '.env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of '
            "printable ASCII characters other than '='"
        ),
    ),
    (
        {"env": [{"name": "A", "valueFrom": {}}]},
        (
            '.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef` or `secretKeyRef`"
        ),
    ),
    (
        {
            "env": [
                {
                    "name": "A",
                    "valueFrom": {
                        "secretKeyRef": {"name": "s", "key": "k"},
                        "configMapKeyRef": {"name": "c", "key": "k"},
                    },
                }
            ]
        },
        '.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time',
    ),
    (
        {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        '.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ),
    (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
        ".env[0].valueFrom.secretKeyRef.name: Required value",
    ),
    (
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.colour"}}}]},
        (
            '.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.colour": error converting fieldPath: '
            "field label not supported: spec.colour"
        ),
    ),
    (
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]},
        (
            '.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1, 1m are '
            "supported with the cpu resource"
        ),
    ),
    ({"envFrom": [{}]}, '.envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'),
    (
        {"envFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]},
        '.envFrom[0]: Invalid value: "": may not have more than one field specified at a time',
    ),
    ({"envFrom": [{"secretRef": {}}]}, ".envFrom[0].secretRef.name: Required value"),
    (
        {"securityContext": {"runAsUser": -1}},
        ".securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    ),
    (
        {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
        ".securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
    ),
    (
        {"securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}},
        (
            '.securityContext.seccompProfile.localhostProfile: Invalid value: "x": can only be set when '
            "seccomp type is Localhost"
        ),
    ),
    ({"livenessProbe": {}}, ".livenessProbe: Required value: must specify a handler type"),
    (
        {"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}},
        ".livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ),
    ({"livenessProbe": {"exec": {}}}, ".livenessProbe.exec.command: Required value"),
    (
        {"livenessProbe": {"tcpSocket": {"port": 0}}},
        ".livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    (
        {"readinessProbe": {"httpGet": {"port": "no_such"}}},
        (
            '.readinessProbe.httpGet.port: Invalid value: "no_such": must contain only alpha-numeric characters '
            "(a-z, 0-9), and hyphens (-)"
        ),
    ),
    (
        {"readinessProbe": {"httpGet": {"port": 1, "scheme": "http"}}},
        '.readinessProbe.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"',
    ),
    (
        {"readinessProbe": {"grpc": {"port": 99999}}},
        ".readinessProbe.grpc.port: Invalid value: 99999: must be between 1 and 65535, inclusive",
    ),
    (
        {"startupProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
        ".startupProbe.successThreshold: Invalid value: 2: must be 1",
    ),
    (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": -5}},
        ".readinessProbe.periodSeconds: Invalid value: -5: must be greater than or equal to 0",
    ),
    (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 5}},
        ".readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
    ),
    ({"lifecycle": {"preStop": {}}}, ".lifecycle.preStop: Required value: must specify a handler type"),
]


@pytest.mark.parametrize(("fields", "fault"), CONTAINER_FAULTS)
def test_a_fault_of_a_container_is_refused_at_its_field(fields: Object, fault: str) -> None:
    assert faults_of(pod(containers=[container(**fields)])) == [f"{CONTAINER}{fault}"]


def test_a_container_asks_for_resources_that_there_are() -> None:
    path = f"{CONTAINER}.resources.requests[gold]"

    assert faults_of(pod(containers=[container(resources={"requests": {"gold": "1"}})])) == [
        f'{path}: Invalid value: "gold": must be a standard resource type or fully qualified',
        f'{path}: Invalid value: "gold": must be a standard resource for containers',
    ]
    BareCluster().create("Pod", pod(containers=[container(resources={"limits": {"vendor.example/gold": "1"}})]))


VOLUME_FAULTS: list[tuple[Object, str]] = [
    ({"secret": {}}, ".secret.secretName: Required value"),
    ({"configMap": {}}, ".configMap.name: Required value"),
    (
        {"secret": {"secretName": "s"}, "emptyDir": {}},
        ".emptyDir: Forbidden: may not specify more than 1 volume type",
    ),
    (
        {"secret": {"secretName": "s", "defaultMode": 0o1000}},
        ".secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
    ),
    (
        {"secret": {"secretName": "s", "items": [{"key": "k", "path": "/etc"}]}},
        '.secret.items[0].path: Invalid value: "/etc": must be a relative path',
    ),
    (
        {"configMap": {"name": "c", "items": [{"key": "k", "path": "a/../b"}]}},
        ".configMap.items[0].path: Invalid value: \"a/../b\": must not contain '..'",
    ),
    ({"configMap": {"name": "c", "items": [{"path": "a"}]}}, ".configMap.items[0].key: Required value"),
    (
        {"downwardAPI": {"items": [{"path": "a"}]}},
        ".downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required",
    ),
    ({"persistentVolumeClaim": {}}, ".persistentVolumeClaim.claimName: Required value"),
    (
        {"projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]}},
        (
            ".projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration "
            "less than 10 minutes"
        ),
    ),
    (
        {"emptyDir": {"sizeLimit": "-1"}},
        ".emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
    ),
]


@pytest.mark.parametrize(("source", "fault"), VOLUME_FAULTS)
def test_a_fault_of_a_volume_is_refused_at_its_field(source: Object, fault: str) -> None:
    assert faults_of(pod(volumes=[{"name": "v", **source}])) == [f"spec.volumes[0]{fault}"]


def test_a_volume_without_a_source_is_an_empty_directory() -> None:
    made = BareCluster().create("Pod", pod(volumes=[{"name": "v"}]))

    assert made["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


SPEC_FAULTS: list[tuple[Object, str]] = [
    (
        {"dnsPolicy": "Mine"},
        (
            'dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirst", "ClusterFirstWithHostNet", '
            '"Default", "None"'
        ),
    ),
    (
        {"activeDeadlineSeconds": 0},
        "activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
    ),
    (
        {"securityContext": {"fsGroup": -1}},
        "securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    ),
    (
        {"tolerations": [{"operator": "Equal"}]},
        (
            'tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means '
            '"match all values and all keys"'
        ),
    ),
    (
        {"initContainers": [container(name="first", livenessProbe={"tcpSocket": {"port": 1}})]},
        "initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ),
    ({"initContainers": [container()]}, 'initContainers[0].name: Duplicate value: "main"'),
    (
        {
            "containers": [container(volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "/x"}])],
            "volumes": [{"name": "v"}],
        },
        'containers[0].volumeMounts[0].subPath: Invalid value: "/x": must be a relative path',
    ),
]


@pytest.mark.parametrize(("fields", "fault"), SPEC_FAULTS)
def test_a_fault_of_a_pod_is_refused_at_its_field(fields: Object, fault: str) -> None:
    assert faults_of(pod(**fields)) == [f"spec.{fault}"]


def test_a_generated_name_has_to_begin_as_names_do() -> None:
    body: Any = {**pod(), "metadata": {"generateName": "Web-"}}

    generated, name = faults_of(body)

    assert generated.startswith('metadata.generateName: Invalid value: "Web-": a lowercase RFC 1123 subdomain must')
    assert name.startswith('metadata.name: Invalid value: "Web-')


def test_a_generated_name_may_begin_with_what_a_dash_ends() -> None:
    made = BareCluster().create("Pod", {**pod(), "metadata": {"generateName": "web-"}})

    assert made["metadata"]["name"].startswith("web-")
