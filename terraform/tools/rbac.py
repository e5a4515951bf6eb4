"""What the functions may do in the cluster, as Kubernetes objects for `kubectl apply`.

    terraform output -json cluster_access | python -m terraform.tools.rbac | kubectl apply --server-side -f -

IAM lets an account reach the control plane and no more. These roles say the rest, by kind and verb, and are bound to
the accounts' e-mails. An admission policy holds what the accounts write to the namespaces that carry this hub's label:
a role that is bound for the whole cluster reaches every namespace, and a new organization's has no name yet.
"""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

HUB_ID = "provider-hub/hub-id"
_ALL = ("get", "list", "create", "patch", "update", "delete")
_KEPT = ("get", "create", "patch", "update")  # removed with their namespace, by an administrator

# What reading a status and a pod's log takes, and what applying and removing an installation takes: group, kind, verbs.
READER: Sequence[tuple[str, str, Collection[str]]] = (
    ("", "pods", ("list",)),
    ("", "pods/log", ("get",)),
    ("apps", "deployments", ("get",)),
)
WRITER: Sequence[tuple[str, str, Collection[str]]] = (
    ("", "limitranges", _KEPT),
    ("", "namespaces", _KEPT),
    ("", "pods", ("list",)),
    ("", "pods/log", ("get",)),
    ("", "resourcequotas", _KEPT),
    ("", "secrets", _ALL),
    ("", "serviceaccounts", _ALL),
    ("", "services", _ALL),
    ("apps", "deployments", _ALL),
    ("apps", "replicasets", ("list",)),
    ("networking.k8s.io", "networkpolicies", _KEPT),
    ("policy", "poddisruptionbudgets", _ALL),
)

Object = dict[str, Any]


def manifests(access: Mapping[str, Any]) -> Iterator[Object]:
    """The objects for an `access` of `hub_id` and the e-mails of its `readers` and `writers`."""
    hub = access["hub_id"]
    for part, rules in {"reader": READER, "writer": WRITER}.items():
        name = f"provider-hub:{hub}:{part}"
        yield _role(name, rules)
        yield _binding(name, access[f"{part}s"])
    yield _policy(hub, access["writers"])
    yield _policy_binding(hub)


def _role(name: str, rules: Sequence[tuple[str, str, Collection[str]]]) -> Object:
    spelled = [{"apiGroups": [group], "resources": [kind], "verbs": list(verbs)} for group, kind, verbs in rules]
    return _object("rbac.authorization.k8s.io/v1", "ClusterRole", name, rules=spelled)


def _binding(name: str, accounts: Sequence[str]) -> Object:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": account} for account in accounts]
    return _object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, roleRef=role, subjects=subjects)


def _policy(hub: str, accounts: Sequence[str]) -> Object:
    """Refuses the accounts' writes outside of the hub's own namespaces, and its label on a namespace that lacks it."""
    within = (
        "request.resource.resource == 'namespaces'"
        f" ? (request.operation == 'CREATE' || {_has_label('oldObject', hub)}) && {_has_label('object', hub)}"
        f" : {_has_label('namespaceObject', hub)}"
    )
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["*"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [
            {"name": "by-the-hub", "expression": f"request.userInfo.username in {json.dumps(sorted(accounts))}"}
        ],
        "validations": [
            {"expression": within, "message": f"Provider Hub {hub} writes to namespaces with its label {HUB_ID} alone"}
        ],
    }
    return _object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", _policy_name(hub), spec=spec)


def _has_label(variable: str, hub: str) -> str:
    labels = f"{variable}.metadata.labels"
    return f"(has({labels}) && '{HUB_ID}' in {labels} && {labels}['{HUB_ID}'] == '{hub}')"


def _policy_binding(hub: str) -> Object:
    name = _policy_name(hub)
    spec = {"policyName": name, "validationActions": ["Deny", "Audit"]}
    return _object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", name, spec=spec)


def _policy_name(hub: str) -> str:
    """A DNS name, which a colon is no part of."""
    return f"{hub.lower()}.provider-hub"


def _object(api_version: str, kind: str, name: str, **body: Any) -> Object:
    labels = {"app.kubernetes.io/part-of": "provider-hub"}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels}, **body}


def allows(access: Mapping[str, Any], account: str, verb: str, kind: str) -> bool:
    """Whether the roles let an account do that to a kind, in lower case and plural; `pods/log` is one of its own."""
    mine = [*(READER if account in access["readers"] else ()), *(WRITER if account in access["writers"] else ())]
    return any(kind == name and verb in verbs for _, name, verbs in mine)


def main() -> int:
    items = list(manifests(json.load(sys.stdin)))
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
