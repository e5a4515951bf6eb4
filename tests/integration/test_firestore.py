"""The Firestore adapter against the emulator: what a change costs, what it leaves behind, and what comes back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import ACME, CLOUD, OTHER, RUNTIME, WEATHER, provider, revision, version, wish
from tests.fakes import START
from tests.integration.backend import Backend, backend_on
from tests.integration.rpcs import Failure

from local_stack.emulators import EmulatorHosts
from provider_hub.actions import keys
from provider_hub.actions.install import request_install
from provider_hub.actions.ports import Key, Transaction
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.adapters.firestore.documents import ATTEMPTS
from provider_hub.domain.catalog import ResourceSchema, VersionStatus
from provider_hub.domain.errors import Conflict, TemporaryError
from provider_hub.domain.installation import (
    Health,
    Installation,
    Instance,
    LifecycleState,
    ResourceTier,
    Revision,
    TimelineEntry,
    Trigger,
    UpgradePolicy,
)
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.records import DeadLetter, DeliveryError, InstalledCount, OutboxEntry, Topic

ROW_KEY = keys.installation(ACME.organization_id, WEATHER)
ENTRY = OutboxEntry("event-1", Topic.INSTALLATION_EVENTS, "life", "{}", START, {"event_type": "INSTALL_REQUESTED"})


@pytest.fixture
def stocked(backend: Backend) -> Backend:
    """A provider with one published version, before any call is counted."""
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.version(WEATHER, "1.0.0"), version())
    backend.put(keys.installed_count(ACME.organization_id), InstalledCount(ACME.organization_id, 0, START))
    backend.rpcs.calls.clear()
    return backend


def install(backend: Backend, name: ProviderName = WEATHER, text: str | None = "1.0.0") -> Installation:
    wanted = InstallWish(provider_name=name, version=text)
    return request_install(backend.services, ACME, wanted, "user_1").row


def test_an_install_of_a_named_version_reads_four_documents_and_writes_three_in_one_round_trip_each(
    stocked: Backend,
) -> None:
    install(stocked)
    assert stocked.rpcs.names() == ["BatchGetDocuments", "BatchGetDocuments", "Commit", "Publish", "Commit"]
    _, read, commit, _, forget = (request for _, request in stocked.rpcs.calls)
    assert len(read.documents) == 4
    assert read.new_transaction.read_write is not None
    assert (len(commit.writes), bool(commit.transaction)) == (3, True)
    assert (len(forget.writes), bool(forget.writes[0].delete), bool(forget.transaction)) == (1, True, False)


def test_an_install_of_the_latest_costs_one_read_more_in_the_same_transaction(stocked: Backend) -> None:
    install(stocked, text=None)
    reads = [request for name, request in stocked.rpcs.calls if name == "BatchGetDocuments"]
    assert [len(read.documents) for read in reads] == [1, 3, 1]
    assert stocked.rpcs.names().count("Commit") == 2


def test_a_refused_install_writes_nothing_and_lets_go_of_its_locks(stocked: Backend) -> None:
    install(stocked)
    before = stocked.documents.all()
    stocked.rpcs.calls.clear()
    with pytest.raises(Conflict):
        install(stocked)
    assert stocked.rpcs.names() == ["BatchGetDocuments", "BatchGetDocuments", "Rollback"]
    assert stocked.documents.all() == before


class Midway(Exception):
    """Something goes wrong after the writes were queued."""


def test_a_decision_that_fails_midway_leaves_neither_row_nor_outbox_entry(backend: Backend) -> None:
    def decide(transaction: Transaction) -> None:
        transaction.read(ROW_KEY)
        transaction.write(ROW_KEY, wish())
        transaction.emit(ENTRY)
        raise Midway

    with pytest.raises(Midway):
        backend.store.transact(decide)
    assert backend.documents.all() == {}


def write_both(transaction: Transaction) -> None:
    transaction.write(ROW_KEY, wish())
    transaction.emit(ENTRY)


def test_a_commit_that_the_database_refuses_leaves_neither_row_nor_outbox_entry(backend: Backend) -> None:
    backend.rpcs.fail("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    with pytest.raises(TemporaryError, match="the database did not answer: ServiceUnavailable"):
        backend.store.transact(write_both)
    assert backend.documents.all() == {}


def test_row_and_outbox_entry_appear_together(backend: Backend) -> None:
    _, emitted = backend.store.transact(write_both)
    assert emitted == (ENTRY,)
    assert set(backend.documents.all()) == {"organizations/org_acme/installations/acme:weather", "outbox/event-1"}


def abort_commits(backend: Backend, times: int) -> None:
    """As the database does upon a conflict: the transaction is over there, its locks are free, and we are told."""
    left = list(range(times))

    def abort(request: Any) -> None:
        if left and request.transaction:
            left.pop()
            backend.store.roll_back(request.transaction)
            raise Failure(grpc.StatusCode.ABORTED)

    backend.rpcs.before["Commit"] = abort


def test_a_conflict_is_decided_again_on_what_is_read_then(backend: Backend) -> None:
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_first"))
    abort_commits(backend, times=2)
    seen: list[SlugClaim | None] = []

    def decide(transaction: Transaction) -> None:
        (claim,) = transaction.read(keys.slug("acme"))
        seen.append(claim)
        transaction.write(keys.slug("acme"), SlugClaim("acme", f"org_{len(seen)}"))
        transaction.emit(ENTRY)

    _, emitted = backend.store.transact(decide)
    assert len(seen) == 3
    assert emitted == (ENTRY,)
    assert backend.store.get(keys.slug("acme")) == SlugClaim("acme", "org_3")


def test_a_retry_names_the_transaction_that_was_aborted(backend: Backend) -> None:
    abort_commits(backend, times=1)

    def decide(transaction: Transaction) -> None:
        transaction.read(keys.slug("acme"))
        transaction.write(keys.slug("acme"), SlugClaim("acme", "org_1"))

    backend.store.transact(decide)
    reads = [request for name, request in backend.rpcs.calls if name == "BatchGetDocuments"]
    commits = [request for name, request in backend.rpcs.calls if name == "Commit"]
    assert reads[1].new_transaction.read_write.retry_transaction == commits[0].transaction != b""


def test_contention_without_end_is_temporary(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider_hub.adapters.firestore.documents._BACKOFF_SECONDS", 0.0)
    backend.rpcs.fail("Commit", grpc.StatusCode.ABORTED, times=ATTEMPTS)
    with pytest.raises(TemporaryError, match=f"refused {ATTEMPTS} tries"):
        backend.put(keys.slug("acme"), SlugClaim("acme", "org_1"))
    assert backend.documents.all() == {}


@pytest.mark.parametrize("method", ["BatchGetDocuments", "RunQuery", "RunAggregationQuery"])
@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_database_that_does_not_answer_is_temporary(backend: Backend, method: str, status: grpc.StatusCode) -> None:
    calls: dict[str, Callable[[], object]] = {
        "BatchGetDocuments": lambda: backend.store.get(ROW_KEY),
        "RunQuery": lambda: backend.store.installations_of("org_acme"),
        "RunAggregationQuery": lambda: backend.store.install_count(WEATHER),
    }
    backend.rpcs.fail(method, status, times=2)
    with pytest.raises(TemporaryError, match="the database did not answer"):
        calls[method]()


LOST = [grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN]


@pytest.mark.parametrize("status", LOST)
def test_an_install_whose_commit_answer_is_lost_is_answered_with_its_row(
    stocked: Backend, status: grpc.StatusCode
) -> None:
    stocked.rpcs.lose_answers("Commit", status, times=1)
    wanted = InstallWish(provider_name=WEATHER, version="1.0.0")
    installed = request_install(stocked.services, ACME, wanted, "user_1")
    assert stocked.store.get(keys.installation_of(installed.row)) == installed.row
    (message,) = stocked.topics.pull(Topic.INSTALLATION_EVENTS)
    assert installed.row.installation_id.encode() in message.data


def test_a_deletion_whose_commit_answer_is_lost_counts_as_done(backend: Backend) -> None:
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_1"))
    backend.rpcs.lose_answers("Commit", grpc.StatusCode.DEADLINE_EXCEEDED, times=1)
    backend.store.transact(lambda transaction: transaction.delete(keys.slug("acme")))
    assert backend.store.get(keys.slug("acme")) is None


def test_a_commit_that_did_not_happen_is_temporary_and_not_taken_for_done(backend: Backend) -> None:
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_1"))
    backend.rpcs.fail("Commit", grpc.StatusCode.DEADLINE_EXCEEDED, times=1)
    with pytest.raises(TemporaryError, match="the database did not answer"):
        backend.put(keys.slug("acme"), SlugClaim("acme", "org_2"))
    assert backend.store.get(keys.slug("acme")) == SlugClaim("acme", "org_1")


def test_reading_after_writing_is_a_fault_of_ours(backend: Backend) -> None:
    def decide(transaction: Transaction) -> None:
        transaction.write(ROW_KEY, wish())
        transaction.read(ROW_KEY)

    with pytest.raises(AssertionError, match="reads before it writes"):
        backend.store.transact(decide)


def test_of_two_installs_at_once_one_wins_and_the_other_is_told(stocked: Backend) -> None:
    together = threading.Barrier(2, timeout=20)
    first_tries = [1, 2]
    stocked.rpcs.before["BatchGetDocuments"] = lambda _request: first_tries and first_tries.pop() and together.wait()

    def attempt(_: int) -> object:
        try:
            return install(stocked)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(attempt, range(2)))
    (won,) = [result for result in results if isinstance(result, Installation)]
    (told,) = [result for result in results if isinstance(result, Conflict)]
    assert "is installed already, at 1.0.0" in str(told)
    assert stocked.store.get(ROW_KEY) == won
    assert len(stocked.topics.pull(Topic.INSTALLATION_EVENTS)) == 1
    assert stocked.documents.under("outbox") == {}


config_keys = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,12}\Z") | st.sampled_from(["__x__", "__name__", "__", "_"])
# Protobuf carries every character but a lone surrogate, which is in no UTF-8 text.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds it
revisions = st.builds(
    Revision,
    st.sampled_from(["1.0.0", "2.0.0-rc.1"]),
    st.sampled_from(ResourceTier),
    st.dictionaries(config_keys, texts),
)
entries = st.builds(
    TimelineEntry,
    moments,
    st.sampled_from(Trigger),
    st.none() | st.sampled_from(LifecycleState),
    st.none() | st.sampled_from(LifecycleState),
    st.integers(1, 2**53),
    texts,
    texts,
    st.none() | texts,
)
instances = st.builds(
    Instance,
    texts,
    moments,
    st.sampled_from(Health),
    st.none() | texts,
    st.integers(0, 2**53),
    st.integers(0, 2),
)
installations = st.builds(
    wish,
    generation=st.integers(1, 2**53),
    revision=revisions,
    upgrade_policy=st.sampled_from(UpgradePolicy),
    lifecycle_state=st.sampled_from(LifecycleState),
    created_at=moments,
    updated_at=moments,
    rollback_on_failure=st.booleans(),
    allow_major_upgrades=st.booleans(),
    current_version=st.none() | texts,
    ready_revision=st.none() | revisions,
    ready_generation=st.none() | st.integers(1, 2**53),
    health=st.sampled_from(Health),
    health_message=st.none() | texts,
    last_check_in_at=st.none() | moments,
    silent_at=st.none() | moments,
    silence_shard=st.none() | st.integers(0, 299),
    instances=st.lists(instances, max_size=3).map(tuple),
    active_resources=st.integers(0, 2**53),
    resource_types=st.lists(texts, max_size=3).map(tuple),
    deadline_at=st.none() | moments,
    failed_by_deadline=st.booleans(),
    is_rollback=st.booleans(),
    failure_message=st.none() | texts,
    failed_versions=st.lists(texts, max_size=3).map(tuple),
    overdue_versions=st.lists(texts, max_size=3).map(tuple),
    overdue_until=st.none() | moments,
    timeline=st.lists(entries, max_size=3).map(tuple),
)


def test_an_installation_comes_back_as_it_was_written(emulator_hosts: EmulatorHosts) -> None:
    with backend_on(emulator_hosts) as backend:

        @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
        @given(installations)
        def comes_back(row: Installation) -> None:
            backend.put(ROW_KEY, row)
            assert backend.store.get(ROW_KEY) == row

        comes_back()


SCHEMA = ResourceSchema("station", "weather", None, '{"type": "object"}', None)
RECORDS: list[tuple[Key[Any], Any]] = [
    (keys.organization("org_acme"), ACME),
    (keys.slug("acme"), SlugClaim("acme", "org_acme")),
    (keys.provider(WEATHER), provider(tags=("a", "ü"), search_tokens=("w", "#a"), readme="#\n", icon_url=None)),
    (keys.provider(CLOUD), provider(CLOUD, retiring=True, latest_version=None)),
    (keys.version(WEATHER, "1.0.0"), version()),
    (
        keys.version(WEATHER, "1.0.0-rc.1+build.5"),
        version("1.0.0-rc.1+build.5", status=VersionStatus.YANKED, entrypoint=("run", ""), schemas=(SCHEMA, SCHEMA)),
    ),
    (ROW_KEY, wish(revision=revision(config={"__x__": "1", "A": ""}))),
    (keys.outbox("event-1"), ENTRY),
    (
        keys.dead_letter("event-1"),
        DeadLetter("event-1", "event-1", Topic.CHECK_INS, "", "{}", None, None, "UNKNOWN", "why", 10, START, START),
    ),
    (keys.delivery_error("event-1"), DeliveryError("event-1", "why", START, START)),
    (keys.runtime_version(RUNTIME.version), RUNTIME),
]


@pytest.mark.parametrize(("key", "record"), RECORDS, ids=[type(record).__name__ for _, record in RECORDS])
def test_every_kind_of_record_comes_back_as_it_was_written(backend: Backend, key: Key[Any], record: Any) -> None:
    backend.put(key, record)
    assert backend.store.get(key) == record
    backend.store.delete_all([key])
    assert backend.store.get(key) is None


def test_config_keys_that_firestore_reserves_are_stored_under_another_name(backend: Backend) -> None:
    backend.put(ROW_KEY, wish(revision=revision(config={"__x__": "1", "PLAIN": "2"})))
    (stored,) = backend.documents.all().values()
    assert stored["revision"]["config"] == {"__x__": "1", "PLAIN": "2"}
    found = backend.store.get(ROW_KEY)
    assert found
    assert found.revision.config == {"__x__": "1", "PLAIN": "2"}


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(backend: Backend) -> None:
    at = datetime(2025, 1, 1, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    backend.put(ROW_KEY, wish(created_at=at))
    found = backend.store.get(ROW_KEY)
    assert found
    assert (found.created_at, found.created_at.tzinfo) == (at, UTC)


def test_many_records_are_read_in_the_order_asked_for_in_one_round_trip(backend: Backend) -> None:
    backend.put(keys.organization("org_acme"), ACME)
    backend.put(keys.organization("org_other"), OTHER)
    backend.rpcs.calls.clear()
    wanted = [keys.organization(name) for name in ("org_other", "org_none", "org_acme", "org_other")]
    assert backend.store.get_all(wanted) == [OTHER, None, ACME, OTHER]
    assert backend.rpcs.names() == ["BatchGetDocuments"]
    assert backend.store.get_all([]) == []


def test_a_tenants_installations_are_its_own_and_oldest_first(backend: Backend) -> None:
    for number, organization in enumerate([ACME, OTHER, ACME]):
        row = wish(
            organization_id=organization.organization_id,
            name=f"n{number}",
            created_at=START - timedelta(minutes=number),
        )
        backend.put(keys.installation(row.organization_id, row.provider_name), row)
    assert [row.name for row in backend.store.installations_of("org_acme")] == ["n2", "n0"]
    assert backend.store.count_installations_of("org_acme") == 2
    assert backend.store.count_installations_of("org_none") == 0


def test_the_install_count_is_over_all_tenants_and_of_one_provider(backend: Backend) -> None:
    for organization_id in ("org_acme", "org_other"):
        backend.put(keys.installation(organization_id, WEATHER), wish(organization_id=organization_id))
    backend.put(keys.installation("org_acme", CLOUD), wish(prefix="platform", name="cloud"))
    assert backend.store.install_count(WEATHER) == 2
    assert backend.store.install_count(ProviderName("acme", "none")) == 0


def test_a_providers_versions_are_named_with_their_statuses(backend: Backend) -> None:
    for text, status in (("1.0.0", VersionStatus.PUBLISHED), ("1.1.0", VersionStatus.YANKED)):
        backend.put(keys.version(WEATHER, text), version(text, status=status))
    backend.put(keys.version(CLOUD, "9.0.0"), version("9.0.0", CLOUD))
    assert sorted(backend.store.version_numbers(WEATHER)) == ["1.0.0", "1.1.0"]
    statuses = backend.store.version_statuses(WEATHER)
    assert statuses == {"1.0.0": VersionStatus.PUBLISHED, "1.1.0": VersionStatus.YANKED}


def test_overdue_rows_are_found_over_all_tenants_longest_first(backend: Backend) -> None:
    for number, minutes in enumerate([-1, -5, 0, 1, None]):
        deadline = None if minutes is None else START + timedelta(minutes=minutes)
        row = wish(organization_id=f"org_{number}", deadline_at=deadline)
        backend.put(keys.installation(row.organization_id, row.provider_name), row)
    assert [row.organization_id for row in backend.store.overdue(START, 10)] == ["org_1", "org_0", "org_2"]
    assert len(backend.store.overdue(START, 1)) == 1


def test_only_healthy_ready_rows_fall_silent(backend: Backend) -> None:
    quiet = wish(lifecycle_state=LifecycleState.READY, silent_at=START, silence_shard=29)
    rows = [
        quiet,
        replace(quiet, silent_at=START + timedelta(minutes=1)),
        replace(quiet, health=Health.DEGRADED),
        replace(quiet, lifecycle_state=LifecycleState.FAILED),
        replace(quiet, silent_at=None, silence_shard=None),
        replace(quiet, silent_at=START - timedelta(minutes=1), silence_shard=30),
        replace(quiet, silent_at=START - timedelta(minutes=2), silence_shard=0),
    ]
    for number, row in enumerate(rows):
        row = replace(row, organization_id=f"org_{number}")  # noqa: PLW2901
        backend.put(keys.installation(row.organization_id, row.provider_name), row)
    assert [row.organization_id for row in backend.store.silent(START, 30, 10)] == ["org_6", "org_0"]
    assert [row.organization_id for row in backend.store.silent(START, 31, 10)] == ["org_6", "org_0", "org_5"]
    assert [row.organization_id for row in backend.store.silent(START, 31, 1)] == ["org_6", "org_5"]
    assert [row.organization_id for row in backend.store.silent(START, 1, 10)] == ["org_6"]


def test_outbox_entries_that_were_left_behind_are_found_oldest_first(backend: Backend) -> None:
    for number, minutes in enumerate([0, -1, 1]):
        entry = replace(ENTRY, event_id=f"e{number}", created_at=START + timedelta(minutes=minutes))
        backend.put(keys.outbox(entry.event_id), entry)
    assert [entry.event_id for entry in backend.store.left_behind(START, 10)] == ["e1", "e0"]


def test_a_record_that_is_not_there_is_deleted_all_the_same(backend: Backend) -> None:
    backend.store.delete_all([keys.slug("none")])
    backend.store.delete_all([])
    backend.store.transact(lambda transaction: transaction.delete(keys.slug("none")))
