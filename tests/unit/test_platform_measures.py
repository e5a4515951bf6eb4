"""What the platform stops, only the platform starts again."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import actor_of, provider, rollout, version
from tests.fakes import START, FakeClock, FakeTasks
from tests.faults.memory_firestore import MemoryFirestore

from provider_hub.actions import curate, keys
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.rollouts import pause, resume
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import OutboxEntry
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.http.functions.catalog import RolloutBody

NAME = ProviderName("acme", "weather")
AUTHOR, PLATFORM = actor_of("org_acme"), actor_of(None)


class SilentTopics:
    """Takes every event, and nobody listens."""

    def publish(self, entry: OutboxEntry) -> None:
        pass


@pytest.fixture
def services() -> Any:
    client: Any = MemoryFirestore()
    numbers = iter(range(1000))
    store = FirestoreStore(client, "p", "(default)")
    made = SimpleNamespace(
        store=store,
        outbox=Outbox(store, SilentTopics()),
        clock=FakeClock(),
        new_id=lambda _: f"{next(numbers):026}",
        audit_budget=RequestBudget(),
    )

    def furnish(transaction: Any) -> None:
        transaction.write(keys.provider(NAME), provider())
        transaction.write(keys.version(NAME, "1.0.0"), version())

    made.store.transact(furnish)
    return made


def roll(services: Any, **state: Any) -> None:
    services.store.transact(lambda transaction: transaction.write(keys.rollout(NAME, "1.0.0"), rollout(**state)))


def resumed(services: Any, by: Any) -> Rollout:
    return resume(services, FakeTasks(), by, NAME, "1.0.0")


@pytest.mark.parametrize("state", [RolloutState.RUNNING, RolloutState.BAKING, RolloutState.WAITING])
def test_an_author_cannot_resume_a_rollout_that_the_platform_paused(services: Any, state: RolloutState) -> None:
    roll(services, state=state, due_at=START)
    assert RolloutBody.of(pause(services, PLATFORM, NAME, "1.0.0")).paused_by_platform, "the author is told"
    with pytest.raises(
        Conflict, match=r"the platform paused the rollout of acme/weather 1\.0\.0: only the platform can resume it"
    ):
        resumed(services, AUTHOR)
    assert resumed(services, PLATFORM).state is state
    assert not RolloutBody.of(pause(services, AUTHOR, NAME, "1.0.0")).paused_by_platform
    assert resumed(services, AUTHOR).state is state, "an author's own pause is the author's again"


def test_the_platform_takes_over_a_pause_of_the_author(services: Any) -> None:
    roll(services, state=RolloutState.BAKING, due_at=START)
    pause(services, AUTHOR, NAME, "1.0.0")
    assert pause(services, PLATFORM, NAME, "1.0.0").paused_from is RolloutState.BAKING
    with pytest.raises(Conflict, match="the platform paused"):
        resumed(services, AUTHOR)
    with pytest.raises(Conflict, match="nothing to pause"):
        pause(services, PLATFORM, NAME, "1.0.0")
    assert resumed(services, PLATFORM).state is RolloutState.BAKING


def test_the_platform_pauses_a_halted_rollout_which_then_goes_on_as_a_halted_one(services: Any) -> None:
    roll(services, state=RolloutState.HALTED, due_at=None, wave_failed=3, halted_reason="3 of 3 failed")
    pause(services, PLATFORM, NAME, "1.0.0")
    with pytest.raises(Conflict, match="the platform paused"):
        resumed(services, AUTHOR)
    again = resumed(services, PLATFORM)
    assert (again.state, again.due_at, again.wave_failed, again.halted_reason) == (RolloutState.RUNNING, START, 0, None)


def test_an_author_cannot_take_back_a_yank_of_the_platform(services: Any) -> None:
    curate.yank(services, PLATFORM, NAME, "1.0.0", "it mines coins")
    with pytest.raises(Conflict, match=r"the platform yanked acme/weather 1\.0\.0: ask it"):
        curate.unyank(services, AUTHOR, NAME, "1.0.0")
    again = curate.yank(services, AUTHOR, NAME, "1.0.0", "nothing to see")
    assert (again.status, again.error_message) == (VersionStatus.YANKED, "it mines coins")
    assert curate.unyank(services, PLATFORM, NAME, "1.0.0").status is VersionStatus.PUBLISHED
    curate.yank(services, AUTHOR, NAME, "1.0.0", None)
    assert curate.unyank(services, AUTHOR, NAME, "1.0.0").status is VersionStatus.PUBLISHED


def test_a_yank_of_the_author_that_the_platform_repeats_is_the_platforms(services: Any) -> None:
    curate.yank(services, AUTHOR, NAME, "1.0.0", None)
    curate.yank(services, PLATFORM, NAME, "1.0.0", "it mines coins")
    with pytest.raises(Conflict, match="the platform yanked"):
        curate.unyank(services, AUTHOR, NAME, "1.0.0")
