"""GKE's control plane before the embedded API server: it takes Google's access tokens, and IAM decides each verb."""

import re

import aiohttp
from aiohttp import web

from local_kubernetes.cluster import EmbeddedCluster
from tests.rehearsal.iam import Iam, Refused

_PATH = re.compile(
    r"^/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?(?:/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)"
    r"(?:/(?P<part>\w+))?)?)?$"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_PASSED = ("Accept", "Content-Type")
# IAM spells kinds as the API's own resource, in camel case.
_KINDS = {
    "limitranges": "limitRanges",
    "networkpolicies": "networkPolicies",
    "poddisruptionbudgets": "podDisruptionBudgets",
    "replicasets": "replicaSets",
    "resourcequotas": "resourceQuotas",
    "serviceaccounts": "serviceAccounts",
}


def permissions_for(method: str, path: str, *, applies: bool) -> list[str]:
    """The IAM permissions that a call to the API server needs; empty for what anybody who is connected may ask."""
    found = _PATH.match(path)
    if found is None:
        return []
    resource, name = found["resource"] or "namespaces", found["name"]
    if found["resource"] is None:
        name = found["namespace"]
    kind = _KINDS.get(resource, resource)
    if method == "GET":
        verb = "getLogs" if found["part"] == "log" else "get" if name else "list"
        return [f"container.{kind}.{verb}"]
    verbs = [_VERBS[method], *(["create"] if applies else [])]
    return [f"container.{kind}.{verb}" for verb in verbs]


def cluster_front(iam: Iam, session: aiohttp.ClientSession, cluster: EmbeddedCluster) -> web.Application:
    """Checks every call, then makes it as the cluster's own administrator."""

    async def handle(request: web.Request) -> web.StreamResponse:
        applies = "apply-patch" in request.headers.get("Content-Type", "")
        try:
            account = iam.account_of(request.headers.get("Authorization"))
            iam.check(account, "container.clusters.connect")
            for permission in permissions_for(request.method, request.path, applies=applies):
                iam.check(account, permission)
        except Refused as refused:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": str(refused)}
            return web.json_response(status | {"code": refused.status}, status=refused.status)
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        headers["Authorization"] = f"Bearer {cluster.identity.token}"
        async with session.request(
            request.method,
            f"{cluster.url}{request.path_qs}",
            headers=headers,
            data=await request.read(),
            ssl=cluster.identity.client_tls(),
        ) as answer:
            body = await answer.read()
            return web.Response(
                status=answer.status, body=body, headers={"Content-Type": answer.headers.get("Content-Type", "")}
            )

    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", handle)
    return application
