"""What the functions' entry points share: services over this deployment's Firestore and Pub/Sub, made once."""

import gc
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from provider_hub import COLLECTOR_THRESHOLD, logs
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.services import PublishingRules, Services
from provider_hub.adapters import pubsub
from provider_hub.adapters.firestore import store as firestore
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.domain.installation import Deadlines
from provider_hub.domain.records import Topic
from provider_hub.domain.rollout import Pace
from provider_hub.domain.runtimes import RuntimeImage
from provider_hub.settings import Settings, SettingsError, settings, variable_name

T = TypeVar("T")


class Once(Generic[T]):
    """A value made from the settings at its first use, by one thread: nothing connects at import."""

    def __init__(self, make: Callable[[Settings], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        if not self._made:
            with self._lock:
                if not self._made:
                    given = settings()
                    logs.configure(given.project)
                    self._made.append(self._make(given))
                    # All of this stays as long as the process: no collection in the middle of a request looks at it.
                    gc.freeze()
                    gc.set_threshold(*COLLECTOR_THRESHOLD)
        return self._made[0]


def services(given: Settings) -> Services:
    """Services over Google's Firestore and Pub/Sub, or their emulators where the environment names them."""
    store = firestore.connect(given.project, given.database)
    return Services(
        store=store,
        outbox=Outbox(store, pubsub.connect(given.project, topics(given))),
        clock=now,
        new_id=lambda at: ulid(at, secrets.token_bytes(RANDOM_BYTES)),
        deadlines=Deadlines(
            queue=timedelta(seconds=given.queue_deadline_seconds),
            deploy=timedelta(seconds=given.deploy_deadline_seconds),
            check_in_writes=timedelta(seconds=given.check_in_seconds),
        ),
        publishing=PublishingRules(
            RuntimeImage(given.runtime_image, given.runtime_python, given.runtime_platform), given.default_scope
        ),
        installation_quota=given.installation_quota,
    )


def now() -> datetime:
    return datetime.now(UTC)


def topics(given: Settings) -> dict[Topic, str]:
    """What the topics are called in this deployment."""
    return {Topic(role): name for role, name in given.topic_names.items()}


def pace(given: Settings) -> Pace:
    return Pace(
        minimum_age=timedelta(seconds=given.release_age_seconds),
        bake=timedelta(seconds=given.bake_seconds),
        poll=timedelta(seconds=given.wave_poll_seconds),
        failures_percent=given.wave_failures_percent,
    )


def check_in_keys(given: Settings) -> tuple[bytes, ...]:
    """The keys of the check-in tokens. Raises SettingsError for none and for an empty one, which signs for anyone."""
    given.require("check_in_keys")
    keys = [key.strip() for key in given.check_in_keys.get_secret_value().split(",")]
    if not all(keys):
        raise SettingsError(f"{variable_name('check_in_keys')} has an empty key: keys are separated by single commas")
    return tuple(key.encode() for key in keys)
