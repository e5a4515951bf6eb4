"""The outbox: committed means published sooner or later, whatever dies or fails in between."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest
from tests.builders import ACME, WEATHER, provider, version
from tests.fakes import FakeCluster, FakeTasks
from tests.integration.actors import sweeper_over
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.install import request_install
from provider_hub.actions.left_behind import OUTBOX_GRACE, LeftBehind
from provider_hub.actions.time_budget import SHARE
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import Installation, InstallationRequest
from provider_hub.domain.messages import decode
from provider_hub.domain.records import OutboxEntry, Topic


class Killed(BaseException):
    """The process ends here."""


def killed(_request: object) -> None:
    raise Killed


def install(backend: Backend) -> Installation:
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.version(WEATHER, "1.0.0"), version())
    wanted = InstallWish(provider_name=WEATHER, version="1.0.0")
    return request_install(backend.services, ACME, wanted, "user_1").row


def sweep(backend: Backend) -> int:
    return sweeper_over(backend, FakeCluster(), FakeTasks()).sweep().done.get("outbox", 0)


def owed(backend: Backend) -> list[OutboxEntry]:
    return backend.store.left_behind(backend.clock() + timedelta(days=1), 100)


def test_a_message_is_published_with_its_id_type_and_ordering_key_and_forgotten(backend: Backend) -> None:
    row = install(backend)
    (message,) = backend.topics.pull(Topic.INSTALLATION_EVENTS)
    assert decode(InstallationRequest, message.data).generation == 1
    assert message.ordering_key == row.installation_id
    assert dict(message.attributes) == {"event_type": "INSTALL_REQUESTED", "event_id": f"{row.installation_id}-1"}
    assert owed(backend) == []


def test_a_topic_that_fails_leaves_the_message_to_the_sweeper_and_the_caller_unworried(
    backend_without_topics: Backend,
) -> None:
    backend = backend_without_topics
    row = install(backend)
    assert [entry.event_id for entry in owed(backend)] == [f"{row.installation_id}-1"]
    backend.topics.create()
    backend.clock.turn(seconds=OUTBOX_GRACE.total_seconds())
    assert sweep(backend) == 1
    assert len(backend.topics.pull(Topic.INSTALLATION_EVENTS)) == 1
    assert owed(backend) == []


def test_the_sweeper_leaves_to_a_caller_what_it_is_just_publishing(backend_without_topics: Backend) -> None:
    backend = backend_without_topics
    install(backend)
    backend.clock.turn(seconds=OUTBOX_GRACE.total_seconds() - 1)
    assert sweep(backend) == 0
    assert len(owed(backend)) == 1


def test_a_crash_between_commit_and_publish_costs_one_sweep(backend: Backend) -> None:
    backend.rpcs.before["Publish"] = killed
    with pytest.raises(Killed):
        install(backend)
    assert backend.topics.pull_now(Topic.INSTALLATION_EVENTS) == []
    assert backend.store.get(keys.installation("org_acme", WEATHER)) is not None
    del backend.rpcs.before["Publish"]
    backend.clock.turn(minutes=1)
    assert sweep(backend) == 1
    assert len(backend.topics.pull(Topic.INSTALLATION_EVENTS)) == 1
    assert owed(backend) == []


def test_a_crash_between_publish_and_forgetting_publishes_twice_under_one_id(backend: Backend) -> None:
    backend.rpcs.before["Publish"] = lambda _request: backend.rpcs.before.update(Commit=killed)
    with pytest.raises(Killed):
        install(backend)
    backend.rpcs.before.clear()
    backend.clock.turn(minutes=1)
    assert sweep(backend) == 1
    first, second = backend.topics.pull(Topic.INSTALLATION_EVENTS, wanted=2)
    assert (first.attributes["event_id"], first.data) == (second.attributes["event_id"], second.data)
    assert owed(backend) == []


def test_a_database_that_fails_at_forgetting_does_not_fail_the_caller(backend: Backend) -> None:
    def fail_commits(_request: object) -> None:
        backend.rpcs.fail("Commit", grpc.StatusCode.UNAVAILABLE, times=1)

    backend.rpcs.before["Publish"] = fail_commits
    assert install(backend).generation == 1
    assert len(owed(backend)) == 1


def test_what_did_not_commit_is_not_published(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.version(WEATHER, "1.0.0"), version())
    backend.rpcs.fail("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    wanted = InstallWish(provider_name=WEATHER, version="1.0.0")
    with pytest.raises(TemporaryError):
        request_install(backend.services, ACME, wanted, "user_1")
    assert "Publish" not in backend.rpcs.names()
    assert backend.topics.pull_now(Topic.INSTALLATION_EVENTS) == []


def test_one_entry_that_cannot_be_published_does_not_keep_the_others(backend_without_topics: Backend) -> None:
    backend = backend_without_topics
    backend.topics.create(Topic.VERSION_EVENTS)
    stuck = OutboxEntry("stuck", Topic.CHECK_INS, "", "{}", backend.clock(), {})
    fine = replace(stuck, event_id="fine", topic=Topic.VERSION_EVENTS)
    for entry in (stuck, fine):
        backend.put(keys.outbox(entry.event_id), entry)
    assert backend.services.outbox.relay(owed(backend)) == 1
    assert [entry.event_id for entry in owed(backend)] == ["stuck"]


def test_one_sweep_pays_more_than_one_slice_of_what_is_owed(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider_hub.actions.left_behind.SLICE", 2)
    for number in range(5):
        entry = OutboxEntry(f"event-{number}", Topic.VERSION_EVENTS, "", "{}", backend.clock(), {})
        backend.put(keys.outbox(entry.event_id), entry)
    backend.clock.turn(minutes=1)
    assert sweep(backend) == 5
    assert owed(backend) == []


def refused_and_fine(backend: Backend, refused: int, fine: int) -> None:
    """Entries of one time: first those of a topic that does not exist, then those of one that does."""
    backend.topics.create(Topic.VERSION_EVENTS)
    for number in range(refused + fine):
        topic = Topic.INSTALLATION_EVENTS if number < refused else Topic.VERSION_EVENTS
        entry = OutboxEntry(f"event-{number}", topic, "", "{}", backend.clock(), {})
        backend.put(keys.outbox(entry.event_id), entry)
    backend.clock.turn(minutes=1)


def test_slices_of_entries_that_their_topic_refuses_keep_no_other_topic_waiting(
    backend_without_topics: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider_hub.actions.left_behind.SLICE", 2)
    backend = backend_without_topics
    refused_and_fine(backend, refused=5, fine=3)
    backend.rpcs.calls.clear()
    assert sweep(backend) == 3
    assert {entry.topic for entry in owed(backend)} == {Topic.INSTALLATION_EVENTS}
    # Of the topic that takes nothing the first slice is tried and no other.
    assert backend.rpcs.names().count("Publish") == 2 + 3


def test_a_topic_that_hangs_comes_last_in_the_next_sweep(
    backend_without_topics: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider_hub.actions.left_behind.SLICE", 2)
    backend = backend_without_topics
    refused_and_fine(backend, refused=3, fine=3)

    def hang(request: Any) -> None:
        if request.topic.endswith(Topic.INSTALLATION_EVENTS):
            backend.clock.turn(seconds=SHARE.total_seconds())

    backend.rpcs.before["Publish"] = hang
    left_behind = LeftBehind(backend.services)
    assert [left_behind.publish(), left_behind.publish()] == [0, 3]


def test_a_topic_that_takes_messages_again_catches_up(
    backend_without_topics: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider_hub.actions.left_behind.SLICE", 2)
    backend = backend_without_topics
    refused_and_fine(backend, refused=5, fine=1)
    left_behind = LeftBehind(backend.services)
    assert left_behind.publish() == 1
    backend.topics.create(Topic.INSTALLATION_EVENTS)
    assert [left_behind.publish(), left_behind.publish()] == [2, 3]
    assert owed(backend) == []


def test_of_topics_that_all_refused_once_one_that_goes_on_refusing_keeps_none_waiting(
    backend_without_topics: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider_hub.actions.left_behind.SLICE", 2)
    backend = backend_without_topics
    refused_and_fine(backend, refused=3, fine=1)
    left_behind = LeftBehind(backend.services)
    backend.rpcs.fail("Publish", grpc.StatusCode.UNAVAILABLE, times=3)
    assert left_behind.publish() == 0
    assert left_behind.publish() == 1
    assert {entry.topic for entry in owed(backend)} == {Topic.INSTALLATION_EVENTS}


def test_of_topics_that_all_refused_once_one_that_goes_on_hanging_keeps_none_waiting(
    backend_without_topics: Backend,
) -> None:
    backend = backend_without_topics
    refused_and_fine(backend, refused=1, fine=1)
    left_behind = LeftBehind(backend.services)
    backend.rpcs.fail("Publish", grpc.StatusCode.UNAVAILABLE, times=2)
    assert left_behind.publish() == 0

    def hang(request: Any) -> None:
        if request.topic.endswith(Topic.INSTALLATION_EVENTS):
            backend.clock.turn(seconds=SHARE.total_seconds())

    backend.rpcs.before["Publish"] = hang
    assert [left_behind.publish(), left_behind.publish()] == [0, 1]


def test_a_topic_that_hangs_leaves_the_other_jobs_their_time(backend: Backend) -> None:
    for number in range(3):
        entry = OutboxEntry(f"event-{number}", Topic.VERSION_EVENTS, "", "{}", backend.clock(), {})
        backend.put(keys.outbox(entry.event_id), entry)
    backend.clock.turn(minutes=1)
    backend.rpcs.before["Publish"] = lambda _request: backend.clock.turn(seconds=SHARE.total_seconds())
    assert sweep(backend) == 1
    assert len(owed(backend)) == 2


def test_the_same_event_written_twice_is_owed_once(backend: Backend) -> None:
    entry = OutboxEntry("event-1", Topic.CHECK_INS, "", "{}", backend.clock(), {})
    for _ in range(2):
        backend.store.transact(lambda transaction: transaction.emit(entry))
    assert owed(backend) == [entry]
