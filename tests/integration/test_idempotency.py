"""A key's reservation against the emulator: what it costs, and what a call may do whose reservation has lapsed."""

from contextlib import ExitStack

import grpc
import pytest
from tests.integration.backend import Backend

from provider_hub.actions.idempotency import LEASE, Answer, KeyedCall, Reservation, reserved
from provider_hub.domain.errors import Conflict, Invalid, UnderWay

CALL = KeyedCall("org_acme", "POST /providers/install", "key-1", b"{}")
OTHER_BODY = KeyedCall(CALL.organization_id, CALL.route, CALL.key, b'{"config": {}}')
MADE, MADE_LATER = Answer(201, "made", {"Location": "/a"}), Answer(201, "made later", {})


class Calls:
    """Calls with one key that are under way at once, each in a `reserved` block that ends when a test says so."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def begin(self, call: KeyedCall = CALL) -> tuple[Reservation, ExitStack]:
        block = ExitStack()
        return block.enter_context(reserved(self._backend.services, call)), block

    def succeed(self, begun: tuple[Reservation, ExitStack], answer: Answer) -> None:
        reservation, block = begun
        reservation.keep(answer)
        block.close()

    def fail(self, begun: tuple[Reservation, ExitStack]) -> None:
        _, block = begun
        with pytest.raises(Conflict), block:
            raise Conflict("it is there already")

    @property
    def answer(self) -> Answer | None:
        """What a repetition gets now; None where it would act. That repetition leaves no reservation behind."""
        reservation, block = self.begin()
        if reservation.kept is None:
            self.fail((reservation, block))
        return reservation.kept


@pytest.fixture
def calls(backend: Backend) -> Calls:
    return Calls(backend)


def test_a_call_with_a_new_key_costs_two_commits_and_no_read(backend: Backend, calls: Calls) -> None:
    calls.succeed(calls.begin(), MADE)
    assert backend.rpcs.names() == ["Commit", "Commit"]
    backend.rpcs.calls.clear()
    assert calls.answer == MADE
    assert backend.rpcs.names() == ["Commit", "GetDocument"]


def test_a_refused_call_frees_its_key_for_another_request(backend: Backend, calls: Calls) -> None:
    calls.fail(calls.begin())
    assert backend.documents.all() == {}
    calls.succeed(calls.begin(OTHER_BODY), MADE)


def test_a_key_is_taken_until_the_longest_call_is_over(backend: Backend, calls: Calls) -> None:
    first = calls.begin()
    backend.clock.turn(seconds=LEASE.total_seconds() - 1)
    with pytest.raises(UnderWay):
        calls.begin()
    backend.clock.turn(seconds=1)
    calls.succeed(calls.begin(), MADE_LATER)
    calls.fail(first)
    assert calls.answer == MADE_LATER


def lapsed(backend: Backend, calls: Calls) -> tuple[tuple[Reservation, ExitStack], tuple[Reservation, ExitStack]]:
    """A call that hung for longer than its reservation, and the repetition that has reserved the key since."""
    first = calls.begin()
    backend.clock.turn(seconds=LEASE.total_seconds())
    return first, calls.begin()


def test_a_repetition_that_is_refused_for_the_effect_of_a_late_call_leaves_that_calls_answer(
    backend: Backend, calls: Calls
) -> None:
    first, second = lapsed(backend, calls)
    calls.succeed(first, MADE)
    calls.fail(second)
    assert calls.answer == MADE


def test_a_late_call_keeps_its_answer_after_the_repetition_was_refused(backend: Backend, calls: Calls) -> None:
    first, second = lapsed(backend, calls)
    calls.fail(second)
    calls.succeed(first, MADE)
    assert calls.answer == MADE


def test_a_late_call_that_is_refused_leaves_the_reservation_of_the_repetition(backend: Backend, calls: Calls) -> None:
    first, second = lapsed(backend, calls)
    calls.fail(first)
    with pytest.raises(UnderWay):
        calls.begin()
    calls.succeed(second, MADE)
    assert calls.answer == MADE


def test_the_first_answer_that_is_kept_stays(backend: Backend, calls: Calls) -> None:
    first, second = lapsed(backend, calls)
    calls.succeed(second, MADE_LATER)
    calls.succeed(first, MADE)
    assert calls.answer == MADE_LATER


def test_a_late_call_leaves_the_key_to_another_request_that_has_it_since(backend: Backend, calls: Calls) -> None:
    first, second = lapsed(backend, calls)
    calls.fail(second)
    other = calls.begin(OTHER_BODY)
    calls.succeed(first, MADE)
    with pytest.raises(Invalid, match="used with another request"):
        calls.begin()
    calls.succeed(other, MADE_LATER)


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_call_finds_its_reservation_again_whose_answer_was_lost(
    backend: Backend, calls: Calls, is_refused: bool
) -> None:
    backend.rpcs.lose_answers("Commit", grpc.StatusCode.DEADLINE_EXCEEDED, times=1)
    begun = calls.begin()
    if is_refused:
        calls.fail(begun)
        assert backend.documents.all() == {}
        return
    calls.succeed(begun, MADE)
    assert calls.answer == MADE
