"""GKE's control plane before the embedded API server: Google's tokens, and the verbs of the cluster's own roles."""

import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from terraform.tools import rbac

from local_kubernetes.cluster import EmbeddedCluster
from tests.rehearsal.iam import Iam, Refused

_PATH = re.compile(
    r"^/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?(?:/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)"
    r"(?:/(?P<part>\w+))?)?)?$"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PASSED = ("Accept", "Content-Type")


def needed(method: str, path: str, *, applies: bool) -> tuple[str, list[str]] | None:
    """The kind and the verbs that a call to the API server needs; None for what everybody who connects may ask."""
    found = _PATH.match(path)
    if found is None:
        return None
    kind = found["resource"] or "namespaces"
    named = found["name"] if found["resource"] else found["namespace"]
    if method == "GET":
        return (f"{kind}/{found['part']}" if found["part"] else kind), ["get" if named else "list"]
    # An apply makes what is not there, which takes both verbs.
    return kind, [_VERBS[method], *(["create"] if applies else [])]


def cluster_front(
    iam: Iam, access: Mapping[str, Any], session: aiohttp.ClientSession, cluster: EmbeddedCluster
) -> web.Application:
    """Checks every call, then makes it as the cluster's own administrator.

    IAM says who may connect. The cluster's roles say the rest: `terraform.tools.rbac` makes them from the output
    `cluster_access`.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        applies = "apply-patch" in request.headers.get("Content-Type", "")
        try:
            account = iam.account_of(request.headers.get("Authorization"))
            iam.check(account, "container.clusters.connect")
            kind, verbs = needed(request.method, request.path, applies=applies) or ("", [])
            for verb in verbs:
                if not rbac.allows(access, account, verb, kind):
                    raise iam.refusal(403, f"{account} may not {verb} {kind}")
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
