"""Cloud Run's front door: an internal service takes only an OIDC token of an account that may invoke it."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import jwt
from aiohttp import web
from multidict import CIMultiDict

from local_stack.issuer import Realm, TokenIssuer
from tests.rehearsal.deployment import Deployment, Service

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
# Cloud Run verifies the first of these that a request has.
_VERIFIED = ("X-Serverless-Authorization", "Authorization")


class CloudRun:
    """Finds a service by its address, checks the caller, and passes the request on to the function's process."""

    def __init__(
        self, deployment: Deployment, issuer: TokenIssuer, session: aiohttp.ClientSession, ports: Mapping[str, int]
    ) -> None:
        """`ports` has the port of each service's process, by the service's name."""
        self._deployment = deployment
        self._services = {service.name: service for service in deployment.services}
        self._session = session
        self._ports = ports
        self._key = jwt.PyJWK(issuer.jwks(Realm.GOOGLE)["keys"][0])
        self._issuer = issuer.issuer(Realm.GOOGLE)
        self.refusals: dict[str, int] = {}

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Call the service at `url` as Pub/Sub, Cloud Tasks or Scheduler would."""
        parts = urlsplit(url)
        service = self._at(parts.hostname or "")
        given = CIMultiDict(headers)
        verified = next((name for name in _VERIFIED if name in given), _VERIFIED[-1])
        refusal = self._refusal(service, given.get(verified, ""), f"https://{parts.hostname}")
        if refusal:
            self.refusals[refusal] = self.refusals.get(refusal, 0) + 1
            return 403, {}, refusal.encode()
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        return await self.call(service.name, method, path, _without_signature(given, verified), body)

    async def call(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Call a service's process, as Cloud Run does once the caller was let in."""
        passed = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            method, f"http://127.0.0.1:{self._ports[service]}{path}", headers=passed, data=body, allow_redirects=False
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return answer.status, kept, await answer.read()

    def _at(self, host: str) -> Service:
        """The service whose deterministic address `host` is: its name, the project's number, the region."""
        for service in self._services.values():
            if host.startswith(f"{service.name}-") and host.removeprefix(f"{service.name}-")[0].isdigit():
                return service
        raise LookupError(f"no service has the address {host}")

    def _refusal(self, service: Service, authorization: str, audience: str) -> str:
        if service.open_to_all:
            return ""
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "),
                self._key,
                algorithms=["RS256"],
                audience=audience,
                issuer=self._issuer,
            )
        except jwt.InvalidTokenError as error:
            return f"{service.name}: the caller's token is not good: {error}"
        if not self._deployment.may_invoke(claims["email"], service.name):
            return f"{service.name}: {claims['email']} may not invoke it"
        return ""


def _without_signature(headers: Mapping[str, str], verified: str) -> Mapping[str, str]:
    """What a service sees of the header that Cloud Run has verified: its token could not be used elsewhere.

    The other one arrives as it was sent.
    """
    passed = CIMultiDict(headers)
    token, _, _ = passed.get(verified, "").rpartition(".")
    passed[verified] = f"{token}.SIGNATURE_REMOVED_BY_GOOGLE"
    return passed


def gateway(deployment: Deployment, cloud_run: CloudRun) -> web.Application:
    """The load balancer: the URL map's rules, in front of the public services.

    It adds two addresses to what a caller sent as `X-Forwarded-For`: the caller's, and its own.
    """

    async def handle(request: web.Request) -> web.Response:
        service = deployment.service_of(request.path)
        forwarded = [request.headers.get("X-Forwarded-For", ""), request.remote or "", deployment.gateway_address]
        headers = {
            **{name: value for name, value in request.headers.items() if name.lower() != "x-forwarded-for"},
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": ",".join(filter(None, forwarded)),
        }
        status, answered, body = await cloud_run.call(
            service, request.method, request.path_qs, headers, await request.read()
        )
        return web.Response(status=status, headers=answered, body=body)

    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", handle)
    return application
