"""What calls internal services: Pub/Sub's push, Cloud Tasks and Scheduler, each with the token that is set for it.

Messages come from the Pub/Sub emulator by pull: its own push knows no token.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from google.cloud import tasks_v2

from local_stack.task_queue import Attempt, Sender
from tests.rehearsal.cloud_run import CloudRun
from tests.rehearsal.deployment import Deployment, Job, Push

# Makes the OIDC token of (service account, audience).
TokenMaker = Callable[[str, str], str]
_BATCH = 10
_MADE_OR_THERE = (200, 409)
_BACKOFF_SECONDS = 0.5


class PubSubPush:
    """Creates the deployment's topics and subscriptions, and delivers."""

    def __init__(
        self, deployment: Deployment, session: aiohttp.ClientSession, emulator: str, project: str, run: CloudRun
    ) -> None:
        self._deployment = deployment
        self._session = session
        self._base = f"http://{emulator}/v1"
        self._project = f"projects/{project}"
        self._run = run

    async def create(self) -> None:
        """Topics first, then the subscription that each push pulls from."""
        for topic in self._deployment.topics:
            await self._put(f"{self._project}/topics/{topic}", {})
        for push in self._deployment.pushes:
            body = {"topic": f"{self._project}/topics/{push.topic}", "ackDeadlineSeconds": 60}
            await self._put(f"{self._project}/subscriptions/{push.name}", body)

    async def deliver(self, push: Push, make_token: TokenMaker) -> None:
        """Deliver one subscription's messages until cancelled; an answer other than 2xx brings a message back."""
        name = f"{self._project}/subscriptions/{push.name}"
        tries: dict[str, int] = {}
        while True:
            answer = await self._post(f"{name}:pull", {"maxMessages": _BATCH})
            for received in answer.get("receivedMessages", ()):
                message = received["message"]
                attempt = tries[message["messageId"]] = tries.get(message["messageId"], 0) + 1
                acknowledged = await self._push(push, name, message, attempt, make_token)
                if not acknowledged and push.dead_letter_topic and attempt >= push.max_attempts:
                    await self._post(
                        f"{self._project}/topics/{push.dead_letter_topic}:publish", {"messages": [message]}
                    )
                    acknowledged = True
                call = "acknowledge" if acknowledged else "modifyAckDeadline"
                await self._post(
                    f"{name}:{call}",
                    {"ackIds": [received["ackId"]]} | ({} if acknowledged else {"ackDeadlineSeconds": 0}),
                )
                if not acknowledged:
                    await asyncio.sleep(_BACKOFF_SECONDS)
            await asyncio.sleep(0.02)

    async def _push(
        self, push: Push, name: str, message: Mapping[str, Any], attempt: int, make_token: TokenMaker
    ) -> bool:
        envelope = {"message": message, "subscription": name, "deliveryAttempt": attempt}
        headers = {
            "Authorization": f"Bearer {make_token(push.account, push.audience)}",
            "Content-Type": "application/json",
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        }
        status, _, _ = await self._run.request("POST", push.endpoint, headers, json.dumps(envelope).encode())
        return 200 <= status < 300

    async def _put(self, path: str, body: Mapping[str, Any]) -> None:
        async with self._session.put(f"{self._base}/{path}", json=body) as answer:
            assert answer.status in _MADE_OR_THERE, f"{path}: {await answer.text()}"

    async def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self._session.post(f"{self._base}/{path}", json=body) as answer:
            assert answer.status == 200, f"{path}: {await answer.text()}"
            parsed: Mapping[str, Any] = await answer.json()
            return parsed


def task_sender(run: CloudRun, make_token: TokenMaker) -> Sender:
    """Cloud Tasks' request to a service, with the OIDC token that the task asks for and no other."""

    async def send(task: tasks_v2.Task, own_headers: dict[str, str]) -> Attempt:
        request = task.http_request
        headers = {**request.headers, **own_headers, "User-Agent": "Google-Cloud-Tasks"}
        if "oidc_token" in request:
            account, audience = request.oidc_token.service_account_email, request.oidc_token.audience
            headers["Authorization"] = f"Bearer {make_token(account, audience or request.url)}"
        status, _, _ = await run.request("POST", request.url, headers, request.body)
        return Attempt(status)

    return send


async def run_job(run: CloudRun, job: Job, make_token: TokenMaker, period: float) -> None:
    """Call a job's service every `period` seconds until cancelled; the schedule's own minutes are too long here."""
    while True:
        await asyncio.sleep(period)
        headers = {
            "Authorization": f"Bearer {make_token(job.account, job.audience)}",
            "User-Agent": "Google-Cloud-Scheduler",
        }
        await run.request("POST", job.url, headers, b"")
