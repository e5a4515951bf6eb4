"""Topics and push subscriptions on the Pub/Sub emulator, as Terraform makes them in the cloud.

What the emulator (0.8.20) does otherwise than Pub/Sub, as tried out:

- With message ordering and a dead-letter policy, a message whose tries are exhausted is neither dead-lettered nor
  given up: it stays, and every later message of its key behind it, for good. An ordered subscription also repeats
  after one second whatever the retry policy says, and repeats messages without a key that were acknowledged.
  Ordering is off, here as in the cloud: consumers decide by id and generation and need no order.
- The first retry comes after a second; the minimum backoff holds from the second on, roughly, up to the maximum.
- A push carries neither an OIDC token (`push_relay` adds it) nor `deliveryAttempt`. A dead letter has the attributes
  `CloudPubSubDeadLetterSource…` with the number of deliveries, the source subscription and the time, as in the cloud.
- Topics, subscriptions and messages live in memory: they are created anew after the emulator restarted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from local_stack.errors import LocalError

# A consumer that is killed answers nothing, and unlike Pub/Sub the emulator then waits for this long.
ACK_DEADLINE_SECONDS = 15
MAX_DELIVERY_ATTEMPTS = 10
DEFAULT_RETRY_MIN_SECONDS = 10.0
_RETRY_MAX_SECONDS = 600.0
_CREATED_OR_THERE = {200, 409}


@dataclass(frozen=True)
class Route:
    """A topic and the base URLs of the functions that consume it and its dead letters, None where one is not there."""

    topic: str
    consumer: str | None
    dead_letters: str | None


def dead_letter_topic(topic: str) -> str:
    """The topic that takes what `topic`'s consumer could not handle."""
    return f"{topic}-dead-letter"


async def create_topics(
    session: aiohttp.ClientSession, emulator: str, project: str, routes: Sequence[Route], retry_min: float
) -> None:
    """Create each route's topics and subscriptions on the emulator at `host:port`; what is there already stays.

    Raises LocalError when the emulator refuses one.
    """
    base = f"http://{emulator}/v1/projects/{project}"
    for route in routes:
        dead = dead_letter_topic(route.topic)
        await _put(session, f"{base}/topics/{dead}", {})
        if route.dead_letters is not None:
            body = subscription_body(project, dead, route.dead_letters, retry_min)
            await _put(session, f"{base}/subscriptions/{dead}", body)
    # Last, each with its subscription at once: after a restart of the emulator publishers are waiting already, and
    # what they publish to a topic without a subscription is lost.
    for route in routes:
        await _put(session, f"{base}/topics/{route.topic}", {})
        if route.consumer is not None:
            body = subscription_body(project, route.topic, route.consumer, retry_min)
            dead = dead_letter_topic(route.topic)
            await _put(session, f"{base}/subscriptions/{route.topic}", body | _dead_lettering(project, dead))


def subscription_body(project: str, topic: str, consumer: str, retry_min: float) -> dict[str, Any]:
    """A push subscription of `topic` to a function; `retry_min` is the first backoff in seconds.

    functions-framework makes the CloudEvent's source from the endpoint's path.
    """
    return {
        "topic": f"projects/{project}/topics/{topic}",
        "pushConfig": {"pushEndpoint": f"{consumer}/projects/{project}/topics/{topic}"},
        "ackDeadlineSeconds": ACK_DEADLINE_SECONDS,
        "retryPolicy": {
            "minimumBackoff": f"{retry_min:g}s",
            "maximumBackoff": f"{max(_RETRY_MAX_SECONDS, retry_min):g}s",
        },
    }


def _dead_lettering(project: str, dead: str) -> dict[str, Any]:
    topic = f"projects/{project}/topics/{dead}"
    return {"deadLetterPolicy": {"deadLetterTopic": topic, "maxDeliveryAttempts": MAX_DELIVERY_ATTEMPTS}}


async def _put(session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> None:
    async with session.put(url, json=body) as response:
        if response.status not in _CREATED_OR_THERE:
            raise LocalError(f"the Pub/Sub emulator refused {url} ({response.status}): {await response.text()}")
