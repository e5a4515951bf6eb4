"""Delivers every Pub/Sub message three times, many at once and in any order. Pub/Sub may do so; the emulator does not.

A courier empties the emulator's push subscriptions: it pulls, and then calls the function as a push would. The answer
to the first copy acknowledges the message or not. The second copy goes out at the same moment. The third goes out some
seconds later, when the message's request is done, undone or superseded.
"""

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3

LATEST_COPY_SECONDS = 8.0
MAX_BACKOFF = "10s"
# So many that deliveries to a function that hangs do not hold up those to the others.
_AT_ONCE = 48
_CALL_SECONDS = 20.0
_PUSH_SECONDS = 60
_START_SECONDS = 10.0
_POLL_SECONDS = 0.1

Json = dict[str, Any]


@dataclass(frozen=True)
class Subscription:
    """A push subscription that is being pulled from; `name` is its full one."""

    name: str
    endpoint: str
    settings: Json


class Courier:
    """Pulls from every push subscription of the emulator at `host:port`, and delivers."""

    def __init__(self, pubsub: str, project: str) -> None:
        self._base = f"http://{pubsub}/v1/"
        self._project = project
        self._http = urllib3.PoolManager(maxsize=_AT_ONCE * 4)
        self._deliveries = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="deliveries")
        self._copies = ThreadPoolExecutor(_AT_ONCE * 2, thread_name_prefix="copies")
        self._ended = threading.Event()
        self.messages = 0

    @contextmanager
    def at_work(self) -> Iterator["Courier"]:
        """For as long as the block lasts; afterwards the emulator pushes by itself again."""
        found = self._call("GET", f"projects/{self._project}/subscriptions")["subscriptions"]
        subscriptions = [Subscription(item["name"], item["pushConfig"]["pushEndpoint"], item) for item in found]
        pullers = [threading.Thread(target=self._pull_from, args=(item,), daemon=True) for item in subscriptions]
        for subscription in subscriptions:
            self._turn(subscription, {}, MAX_BACKOFF)
        for puller in pullers:
            puller.start()
        try:
            yield self
        finally:
            self._ended.set()
            for puller in pullers:
                puller.join()
            self._deliveries.shutdown(cancel_futures=True)
            self._copies.shutdown(cancel_futures=True)
            for subscription in subscriptions:
                self._turn(subscription, subscription.settings["pushConfig"], None)
            self._http.clear()

    def _turn(self, subscription: Subscription, push_config: Json, max_backoff: str | None) -> None:
        """Push, or be pulled from; with a shorter backoff, since chaos has ten minutes where a cloud has hours."""
        self._call("POST", f"{subscription.name}:modifyPushConfig", {"pushConfig": push_config})
        policy: Mapping[str, str] = subscription.settings["retryPolicy"]
        if max_backoff:
            policy = {**policy, "maximumBackoff": max_backoff}
        changed = {
            "name": subscription.name,
            "topic": subscription.settings["topic"],
            "retryPolicy": policy,
            # A delivery that takes longer is made once more beside the first.
            "ackDeadlineSeconds": _PUSH_SECONDS if max_backoff else subscription.settings["ackDeadlineSeconds"],
        }
        mask = "retryPolicy,ackDeadlineSeconds"
        self._call("PATCH", subscription.name, {"subscription": changed, "updateMask": mask})

    def _pull_from(self, subscription: Subscription) -> None:
        while not self._ended.is_set():
            # A pull that waits and is given up would take messages with it until their deadline for acknowledgement.
            wanted = {"maxMessages": _AT_ONCE, "returnImmediately": True}
            answer = self._call("POST", f"{subscription.name}:pull", wanted)
            for received in answer.get("receivedMessages", ()):
                self.messages += 1
                self._deliveries.submit(self._deliver, subscription, received)
            if not answer.get("receivedMessages"):
                self._ended.wait(_POLL_SECONDS)

    def _deliver(self, subscription: Subscription, received: Json) -> None:
        body = json.dumps({"message": received["message"], "subscription": subscription.name}).encode()
        for seconds in (0.0, random.uniform(1.0, LATEST_COPY_SECONDS)):  # noqa: S311 - no secret
            self._copies.submit(self._send_later, seconds, subscription.endpoint, body)
        done = 200 <= self._send(subscription.endpoint, body) < 300
        answer: Json = {"ackIds": [received["ackId"]]}
        if done:
            self._call("POST", f"{subscription.name}:acknowledge", answer)
        else:
            self._call("POST", f"{subscription.name}:modifyAckDeadline", {**answer, "ackDeadlineSeconds": 0})

    def _send_later(self, seconds: float, endpoint: str, body: bytes) -> None:
        if not self._ended.wait(seconds):
            self._send(endpoint, body)

    def _send(self, endpoint: str, body: bytes) -> int:
        """The function's status, 503 where it broke off; one that is being started is waited for."""
        headers = {"Content-Type": "application/json"}
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                response = self._http.request(
                    "POST", endpoint, body=body, headers=headers, timeout=_PUSH_SECONDS, retries=False
                )
            except urllib3.exceptions.NewConnectionError:
                if time.monotonic() > until or self._ended.wait(_POLL_SECONDS):
                    return 503
            except urllib3.exceptions.HTTPError:
                return 503
            else:
                return response.status

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The emulator's answer; an empty one where it does not answer in time."""
        try:
            response = self._http.request(method, self._base + path, json=body, timeout=_CALL_SECONDS, retries=False)
        except urllib3.exceptions.HTTPError:
            return {}
        answer: Json = response.json() if response.status == 200 else {}
        return answer
