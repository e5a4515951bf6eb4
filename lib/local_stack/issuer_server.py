"""The token issuer over HTTP: the keys by which its tokens are known, and what its opaque tokens stand for."""

import hmac
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from local_stack.issuer import JWKS_PATH, LOOKUP_PATH, Realm, TokenIssuer
from local_stack.own_machine import own_machine_and


def issuer_application(issuer: TokenIssuer, pages: Sequence[str] = ()) -> web.Application:
    """Serves each realm's JWKS, and the look-up of its opaque tokens. `pages` are origins that may call it too."""

    def handler(document: str) -> Any:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(text=document, content_type="application/json")

        return respond

    application = web.Application(middlewares=[own_machine_and(*pages)])
    for realm in (Realm.CUSTOMER, Realm.CONSOLE, Realm.GOOGLE):
        application.router.add_get(f"/{realm}{JWKS_PATH}", handler(json.dumps(issuer.jwks(realm))))
        application.router.add_post(f"/{realm}{LOOKUP_PATH}", _lookup(issuer, realm))
    return application


def _lookup(issuer: TokenIssuer, realm: Realm) -> Any:
    expected = f"Bearer {issuer.lookup_secret(realm)}"

    async def respond(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
            return web.json_response({"errors": [{"code": "authentication_invalid"}]}, status=401)
        try:
            token = str((await request.json())["token"])
        except (ValueError, KeyError, TypeError):
            return web.json_response({"errors": [{"code": "request_body_invalid"}]}, status=400)
        found = issuer.look_up(realm, token)
        if found is None:
            return web.json_response({"errors": [{"code": "resource_not_found"}]}, status=404)
        return web.json_response(found)

    return respond
