"""A provider with installations of many tenants, and the hand that plays Cloud Tasks and the runtimes."""

from dataclasses import replace
from datetime import timedelta

from tests.builders import actor_of
from tests.fakes import FakeTasks, FakeWheels
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.publish import publish
from provider_hub.actions.scheduled_calls import StepCall
from provider_hub.actions.waves import Waves
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.domain.catalog import Author, AuthorKind
from provider_hub.domain.installation import (
    Health,
    Installation,
    LifecycleState,
    ResourceTier,
    Revision,
    UpgradePolicy,
)
from provider_hub.domain.messages import VersionPublished, decode
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Topic
from provider_hub.domain.rollout import Pace, Rollout

NAME = ProviderName("acme", "weather")
AUTHOR = Author(AuthorKind.CUSTOMER, "org_acme", "Acme")
PACE = Pace(timedelta(hours=1), timedelta(minutes=15), timedelta(seconds=15), failures_percent=5)


def wish_for(name: ProviderName, version: str) -> PublishWish:
    metadata = MetadataWish(display_name="Weather", description="Readings")
    return PublishWish(
        name=str(name), version=version, wheel_url="https://x/w-1.0.0-py3-none-any.whl", metadata=metadata
    )


class World:
    """A provider with installations, and the hand that plays Cloud Tasks and the runtimes."""

    def __init__(self, backend: Backend, installations: int, version: str = "1.0.0") -> None:
        self.backend = backend
        self.tasks = FakeTasks()
        self.waves = Waves(backend.services, self.tasks, PACE)
        self.publish(version)
        for number in range(installations):
            self.put(f"org_{number:03}")

    def publish(self, version: str) -> VersionPublished:
        by = actor_of(AUTHOR.organization_id)
        publish(self.backend.services, FakeWheels(), NAME, wish_for(NAME, version), AUTHOR, by)
        return VersionPublished(NAME.canonical, version, self.backend.clock())

    def deliver(self) -> list[str]:
        """Deliver the messages about versions that were sent since; what came of each."""
        begun: list[str] = []
        while messages := self.backend.topics.pull_now(Topic.VERSION_EVENTS):
            begun += [self.waves.begin(decode(VersionPublished, message.data)) for message in messages]
        return begun

    def has_rollout(self, version: str) -> bool:
        return self.backend.store.get(keys.rollout(NAME, version)) is not None

    def put(self, organization_id: str, **changes: object) -> None:
        now = self.backend.clock()
        revision = Revision("1.0.0", ResourceTier.FREE, {})
        row = Installation(
            organization_id=organization_id,
            organization_slug=organization_id.removeprefix("org_"),
            prefix=NAME.prefix,
            name=NAME.name,
            installation_id=f"01{organization_id}",
            generation=1,
            revision=revision,
            upgrade_policy=UpgradePolicy.AUTO,
            lifecycle_state=LifecycleState.READY,
            created_at=now,
            updated_at=now,
            current_version="1.0.0",
            ready_revision=revision,
            ready_generation=1,
            health=Health.HEALTHY,
            last_check_in_at=now,
        )
        self.backend.put(keys.installation(organization_id, NAME), replace(row, **changes))  # type: ignore[arg-type]

    def rows(self) -> list[Installation]:
        return self.backend.store.installations_after(None, 500)

    def on(self, version: str) -> list[str]:
        return [row.organization_id for row in self.rows() if row.installed_version == version]

    def rollout(self, version: str) -> Rollout:
        found = self.backend.store.get(keys.rollout(NAME, version))
        assert found is not None
        return found

    def step(self, version: str) -> Rollout:
        """Let the time come at which the rollout is due, and call its step as Cloud Tasks would."""
        rollout = self.rollout(version)
        assert rollout.due_at is not None
        self.backend.clock.now = max(self.backend.clock.now, rollout.due_at)
        self.waves.step(StepCall(NAME.canonical, version, rollout.step))
        return self.rollout(version)

    def settle(self, version: str, *, well: bool = True) -> None:
        """The runtimes of what is under way check in, or fail and are rolled back."""
        for row in self.rows():
            if row.lifecycle_state is not LifecycleState.PENDING:
                continue
            if well:
                self.put(
                    row.organization_id,
                    revision=row.revision,
                    current_version=version,
                    generation=row.generation,
                    ready_revision=row.revision,
                )
            else:
                self.put(row.organization_id, generation=row.generation + 1, failed_versions=(version,))

    def run(self, version: str, *, well: bool = True, steps: int = 60) -> Rollout:
        """Step until the rollout wants no more."""
        for _ in range(steps):
            rollout = self.rollout(version)
            if rollout.due_at is None:
                return rollout
            self.step(version)
            self.settle(version, well=well)
        raise AssertionError(f"after {steps} steps: {self.rollout(version)}")
