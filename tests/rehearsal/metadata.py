"""Google's metadata server: each service asks its own, and gets tokens of its own account."""

from aiohttp import web

from local_stack.issuer import TokenIssuer
from tests.rehearsal.iam import LIFETIME_SECONDS, Iam

_FLAVOR = {"Metadata-Flavor": "Google"}
_ACCOUNTS = "/computeMetadata/v1/instance/service-accounts"


def metadata_server(iam: Iam, issuer: TokenIssuer, account: str, project: str) -> web.Application:
    """What a process of `account` reaches at metadata.google.internal."""

    async def token(_: web.Request) -> web.Response:
        answer = {"access_token": iam.access_token(account), "expires_in": LIFETIME_SECONDS, "token_type": "Bearer"}
        return web.json_response(answer, headers=_FLAVOR)

    async def information(_: web.Request) -> web.Response:
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        return web.json_response({"email": account, "aliases": ["default"], "scopes": scopes}, headers=_FLAVOR)

    async def identity(request: web.Request) -> web.Response:
        return web.Response(text=issuer.service_account(account, request.query["audience"]), headers=_FLAVOR)

    def constant(text: str) -> object:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(text=text, headers=_FLAVOR)

        return respond

    application = web.Application(middlewares=[_flavor_required])
    for name in ("default", account):
        application.router.add_get(f"{_ACCOUNTS}/{name}/token", token)
        application.router.add_get(f"{_ACCOUNTS}/{name}/", information)
        application.router.add_get(f"{_ACCOUNTS}/{name}/email", constant(account))  # type: ignore[arg-type]
        application.router.add_get(f"{_ACCOUNTS}/{name}/identity", identity)
    for path, text in (
        ("/", ""),
        ("/computeMetadata/v1/project/project-id", project),
        ("/computeMetadata/v1/universe/universe-domain", "googleapis.com"),
    ):
        application.router.add_get(path, constant(text))  # type: ignore[arg-type]
    return application


@web.middleware
async def _flavor_required(request: web.Request, handler: object) -> web.StreamResponse:
    """A request that a browser or a confused server could have sent is refused, as Google's does."""
    if request.headers.get("Metadata-Flavor") != "Google":
        return web.Response(status=403, text="Missing Metadata-Flavor:Google header.")
    return await handler(request)
