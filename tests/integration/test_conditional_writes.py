"""A change of one record without a transaction: what it costs, and what it does where another came first."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.cloud.firestore_v1.types.common import DocumentMask
from google.cloud.firestore_v1.types.write import Write
from tests.builders import wish
from tests.fakes import START
from tests.integration.backend import Backend
from tests.integration.one_tenant import World

from provider_hub.actions import keys
from provider_hub.actions.ports import Reading, Writes
from provider_hub.adapters.firestore.documents import ATTEMPTS
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import Health, LifecycleState
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.records import OutboxEntry, Topic

SLUG = keys.slug("acme")
ENTRY = OutboxEntry("event-1", Topic.INSTALLATION_EVENTS, "life", "{}", START, {"event_type": "INSTALL_REQUESTED"})


def claimed(organization_id: str) -> SlugClaim:
    return SlugClaim("acme", organization_id)


def claim_next(found: SlugClaim | None, writes: Writes) -> str:
    """Write what follows from the record that was read."""
    made = f"{found.organization_id}-again" if found else "org_first"
    writes.write(SLUG, claimed(made))
    return made


@pytest.fixture
def ready(world: World) -> World:
    world.make_ready()
    world.backend.rpcs.calls.clear()
    return world


def test_a_check_in_that_is_written_costs_one_read_and_one_commit_without_a_transaction(ready: World) -> None:
    assert ready.check_in(health=Health.DEGRADED) == "changed"
    # The first read is the world's own: it looks up what the runtime knows of itself.
    assert ready.backend.rpcs.names()[1:] == ["GetDocument", "Commit"]
    _, _, (_, commit) = ready.backend.rpcs.calls
    assert not commit.transaction
    assert commit.writes[0].current_document.update_time
    assert ready.row.health is Health.DEGRADED


def test_of_a_row_only_what_changed_is_sent(ready: World) -> None:
    before = ready.row
    ready.check_in(health=Health.DEGRADED)
    (write,) = next(request for name, request in ready.backend.rpcs.calls if name == "Commit").writes
    sent = set(write.update_mask.field_paths)
    assert sent == set(write.update.fields)
    assert {"health", "instances", "timeline"} <= sent
    assert {"revision", "installation_id", "config", "generation", "created_at"}.isdisjoint(sent)
    after = ready.row
    assert replace(after, **{name: getattr(before, name) for name in sent}) == before


def test_a_document_of_an_older_release_is_written_whole(backend: Backend) -> None:
    key, row = keys.installation_of(wish()), wish()
    backend.put(key, row)
    older = DocumentMask(field_paths=["resource_types"])
    name = backend.store.name_of(key)
    backend.store.commit_writes([Write(update={"name": name}, update_mask=older)], b"")
    changed = replace(row, active_resources=2)
    backend.store.change(key, lambda _found, writes: writes.write(key, changed))
    assert backend.store.get(key) == changed
    assert "resource_types" in backend.store.read_raw([name])[name].fields


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_change_whose_answer_is_lost_is_told_from_one_that_never_came(backend: Backend, is_lost: bool) -> None:
    key, row = keys.installation_of(wish()), wish()
    backend.put(key, row)
    changed = replace(row, active_resources=2)
    break_off = backend.rpcs.lose_answers if is_lost else backend.rpcs.fail
    break_off("Commit", grpc.StatusCode.DEADLINE_EXCEEDED, times=1)
    with nullcontext() if is_lost else pytest.raises(TemporaryError):
        backend.store.change(key, lambda _found, writes: writes.write(key, changed))
    assert backend.store.get(key) == (changed if is_lost else row)


def test_a_check_in_that_says_nothing_new_costs_one_read(ready: World) -> None:
    assert ready.check_in() == "nothing new"
    assert ready.backend.rpcs.names()[1:] == ["GetDocument"]


def test_a_check_in_that_an_uninstall_overtakes_is_decided_again_and_changes_nothing(ready: World) -> None:
    overtaking = [ready.uninstall]
    ready.backend.rpcs.before["Commit"] = lambda _request: overtaking and overtaking.pop()()
    assert ready.check_in(health=Health.DEGRADED) == "a change of its row has overtaken it"
    assert ready.row.lifecycle_state is LifecycleState.DELETING
    assert ready.row.health is Health.HEALTHY


def test_the_installer_takes_a_row_by_one_read_and_one_commit_without_a_transaction(world: World) -> None:
    """One that is killed in between leaves no lock behind, which the emulator would keep for a minute."""
    request = world.install()
    world.backend.rpcs.calls.clear()
    world.installer.handle(request)
    (read, reading), (write, commit) = world.backend.rpcs.calls[:2]
    assert (read, write) == ("BatchGetDocuments", "Commit")
    assert not reading.new_transaction
    assert not commit.transaction
    assert commit.writes[0].current_document.update_time
    assert world.row.lifecycle_state is LifecycleState.PROCESSING


def test_an_install_that_an_uninstall_overtakes_at_its_taking_deploys_nothing(world: World) -> None:
    request = world.install()
    overtaking = [world.uninstall]
    world.backend.rpcs.before["Commit"] = lambda _request: overtaking and overtaking.pop()()
    world.installer.handle(request)
    assert world.row.lifecycle_state is LifecycleState.DELETING
    assert world.cluster.objects == {}
    assert world.tasks.deadlines == {}


@pytest.mark.parametrize("before", [None, claimed("org_1")])
def test_a_record_that_was_written_meanwhile_is_read_and_decided_again(
    backend: Backend, before: SlugClaim | None
) -> None:
    if before:
        backend.put(SLUG, before)
    backend.rpcs.calls.clear()
    others = [lambda: backend.put(SLUG, claimed("org_other"))]
    backend.rpcs.before["Commit"] = lambda _request: others and others.pop()()
    made, _ = backend.store.change(SLUG, claim_next)
    assert made == "org_other-again"
    assert backend.store.get(SLUG) == claimed("org_other-again")


def test_a_record_that_was_deleted_meanwhile_is_decided_again(backend: Backend) -> None:
    backend.put(SLUG, claimed("org_1"))
    others = [lambda: backend.store.delete_all([SLUG])]
    backend.rpcs.before["Commit"] = lambda _request: others and others.pop()()
    assert backend.store.change(SLUG, claim_next)[0] == "org_first"


def test_a_loser_emits_nothing_that_it_did_not_commit(backend: Backend) -> None:
    """The entry of the first try is not published, since its commit failed."""
    backend.put(SLUG, claimed("org_1"))
    others = [lambda: backend.put(SLUG, claimed("org_taken"))]
    backend.rpcs.before["Commit"] = lambda _request: others and others.pop()()

    def take(found: SlugClaim | None, writes: Writes) -> None:
        if found == claimed("org_1"):
            writes.write(SLUG, claimed("org_2"))
            writes.emit(ENTRY)

    assert backend.store.change(SLUG, take)[1] == ()
    assert backend.documents.under("outbox") == {}
    assert backend.store.get(SLUG) == claimed("org_taken")


def test_what_the_caller_has_read_is_not_read_again(backend: Backend) -> None:
    backend.put(SLUG, claimed("org_1"))
    seen = backend.store.see(SLUG)
    backend.rpcs.calls.clear()
    backend.store.change(SLUG, claim_next, Reading(seen))
    assert backend.rpcs.names() == ["Commit"]


def test_contention_without_end_is_temporary(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider_hub.adapters.firestore.documents._BACKOFF_SECONDS", 0.0)
    backend.rpcs.fail("Commit", grpc.StatusCode.FAILED_PRECONDITION, times=ATTEMPTS)
    with pytest.raises(TemporaryError, match=f"refused {ATTEMPTS} tries"):
        backend.store.change(SLUG, claim_next)


def test_a_change_whose_answer_is_lost_counts_as_done(backend: Backend) -> None:
    backend.rpcs.lose_answers("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    assert backend.store.change(SLUG, claim_next)[0] == "org_first"
    assert backend.store.get(SLUG) == claimed("org_first")


def test_writes_that_leave_the_record_out_are_a_fault_of_ours(backend: Backend) -> None:
    def decide(_found: Any, writes: Writes) -> None:
        writes.write(keys.installation_of(wish()), wish())

    with pytest.raises(AssertionError, match="Firestore compares what is written alone"):
        backend.store.change(SLUG, decide)


@pytest.fixture
def world(backend: Backend) -> World:
    return World(backend)
