"""Pub/Sub's REST API as pods reach it: over TLS, for bearers who may publish to the topic."""

import aiohttp
from aiohttp import web

from tests.rehearsal.iam import Iam, Refused


def rest_pubsub(iam: Iam, session: aiohttp.ClientSession, emulator: str) -> web.Application:
    """The publish call; every other one is 404."""

    async def publish(request: web.Request) -> web.Response:
        topic, colon, call = request.match_info["call"].rpartition("/")[2].partition(":")
        if (colon, call) != (":", "publish"):
            return web.json_response({"error": {"code": 404, "message": f"{request.path} is not served"}}, status=404)
        try:
            account = iam.account_of(request.headers.get("Authorization"))
            iam.check(account, "pubsub.topics.publish", [topic])
        except Refused as refused:
            return web.json_response(
                {"error": {"code": refused.status, "message": str(refused)}}, status=refused.status
            )
        async with session.post(f"http://{emulator}{request.path}", json=await request.json()) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/{call:.+}", publish)
    return application
