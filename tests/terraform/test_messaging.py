"""Topics, their consumers and queues are what the code relies on."""

from typing import Any

import pytest
from terraform.tools.configuration import TERRAFORM, read

from local_stack import task_queue as local_tasks
from local_stack import topics as local_topics
from local_stack.function_list import FUNCTIONS, consumer_of, dead_letter_keeper
from provider_hub.domain.records import Queue, Topic

HUB = read()
MODULE = read(TERRAFORM / "modules" / "topic")
LONGEST_ACK_DEADLINE = 600


def subscription(name: str) -> dict[str, Any]:
    return MODULE.resource(f"google_pubsub_subscription.{name}").body


def test_every_topic_of_the_code_is_made_and_consumed_by_one_function() -> None:
    consumed = [function.triggers["topic"] for function in FUNCTIONS.values() if "topic" in function.triggers]
    assert sorted(consumed) == sorted(topic.value for topic in Topic)
    assert "function.triggers.topic => {consumer = name}" in HUB.local("topics")


def test_every_queue_has_one_function_that_its_tasks_go_to() -> None:
    served = [function.triggers["queue"] for function in FUNCTIONS.values() if "queue" in function.triggers]
    assert sorted(served) == sorted(queue.value for queue in Queue)
    assert "for queue, server in local.queue_servers" in HUB.local("queues")


def test_a_queue_sends_no_more_tasks_at_once_than_its_functions_instances_take() -> None:
    (rates,) = HUB.resource("google_cloud_tasks_queue.this").body["rate_limits"]
    assert rates["max_concurrent_dispatches"] == "${each.value.concurrent}"
    taken = "local.sizes[server].max_instances * local.sizes[server].concurrency"
    assert f"concurrent = min({taken}, local.most_concurrent)" in HUB.local("queues")
    upgrades = FUNCTIONS["upgrades"].size
    assert HUB.local("slower_queues")["upgrades"]["concurrent"] <= upgrades["max_instances"] * upgrades["concurrency"]


def test_a_task_is_given_up_after_as_many_attempts_as_on_one_machine() -> None:
    (cloud,) = HUB.resource("google_cloud_tasks_queue.this").body["retry_config"]
    local = local_tasks.hub_queue("projects/p/locations/l/queues/q").retry_config
    assert HUB.local("usual_queue")["attempts"] == local.max_attempts
    assert cloud["max_backoff"] == f"{local_tasks.TASK_MAX_BACKOFF.total_seconds():g}s"


def test_every_consumer_is_a_function_that_is_not_public() -> None:
    for topic in Topic:
        assert not FUNCTIONS[consumer_of(topic)].is_public


def test_a_message_that_was_buried_or_is_tried_again_holds_back_no_later_one_of_its_installation() -> None:
    assert subscription("consumer")["enable_message_ordering"] is False


def test_a_consumers_message_is_given_up_after_ten_tries_into_the_dead_letter_topic() -> None:
    (policy,) = subscription("consumer")["dead_letter_policy"]
    assert policy["dead_letter_topic"] == "${google_pubsub_topic.dead_letter.id}"
    assert policy["max_delivery_attempts"] == local_topics.MAX_DELIVERY_ATTEMPTS


@pytest.mark.parametrize("name", ["consumer", "dead_letters"])
def test_a_push_is_authenticated_for_its_function_and_names_its_topic(name: str) -> None:
    (push,) = subscription(name)["push_config"]
    (token,) = push["oidc_token"]
    assert token == {"service_account_email": "${var.pusher}", "audience": f"${{var.{name}.url}}"}
    topic = {"consumer": "this", "dead_letters": "dead_letter"}[name]
    assert push["push_endpoint"] == f"${{var.{name}.url}}/${{google_pubsub_topic.{topic}.id}}"


@pytest.mark.parametrize("name", ["consumer", "dead_letters"])
def test_a_failed_delivery_is_tried_again_after_ten_seconds_up_to_ten_minutes(name: str) -> None:
    assert subscription(name)["retry_policy"] == [{"minimum_backoff": "10s", "maximum_backoff": "600s"}]


@pytest.mark.parametrize("name", ["consumer", "dead_letters"])
def test_a_message_is_not_delivered_again_while_its_function_may_still_work_on_it(name: str) -> None:
    assert subscription(name)["ack_deadline_seconds"] == f"${{local.ack_deadlines.{name}}}"
    assert MODULE.local("ack_deadlines")[name] == f"${{var.{name}.timeout + 30}}"
    consumers = {consumer_of(topic) for topic in Topic} | {dead_letter_keeper()}
    assert all(FUNCTIONS[consumer].size["timeout"] + 30 <= LONGEST_ACK_DEADLINE for consumer in consumers)


@pytest.mark.parametrize("name", ["consumer", "dead_letters"])
def test_an_idle_subscription_is_not_deleted(name: str) -> None:
    assert subscription(name)["expiration_policy"] == [{"ttl": ""}]


def test_pubsubs_own_agent_may_move_a_message_to_the_dead_letter_topic() -> None:
    publishes = MODULE.resource("google_pubsub_topic_iam_member.agent_publishes_dead_letters").body
    acknowledges = MODULE.resource("google_pubsub_subscription_iam_member.agent_acknowledges").body
    assert publishes["topic"] == "${google_pubsub_topic.dead_letter.name}"
    assert (publishes["role"], publishes["member"]) == ("roles/pubsub.publisher", "${var.pubsub_agent}")
    assert acknowledges["subscription"] == "${google_pubsub_subscription.consumer.name}"
    assert (acknowledges["role"], acknowledges["member"]) == ("roles/pubsub.subscriber", "${var.pubsub_agent}")


def test_the_dead_letter_topic_is_called_as_on_one_machine() -> None:
    name = MODULE.resource("google_pubsub_topic.dead_letter").body["name"]
    assert name == local_topics.dead_letter_topic("${var.name}")


def test_the_sweeper_is_called_every_minute() -> None:
    job = HUB.resource("google_cloud_scheduler_job.this").body
    assert (job["for_each"], job["schedule"]) == ("${local.schedules}", "${each.value}")
    assert FUNCTIONS["sweeper"].triggers["schedule"] == "* * * * *"


def test_tasks_are_retried_and_held_to_a_rate() -> None:
    queue = HUB.resource("google_cloud_tasks_queue.this").body
    assert queue["rate_limits"][0]["max_dispatches_per_second"] == "${each.value.per_second}"
    assert queue["retry_config"][0]["max_attempts"] == "${each.value.attempts}"
    assert "attempts" not in {key for queue in HUB.local("slower_queues").values() for key in queue}
    assert set(HUB.local("slower_queues")) <= {queue.value for queue in Queue}
