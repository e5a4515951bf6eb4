"""What the functions' entry points share: services over this deployment's Firestore and Pub/Sub, made once."""

import functools
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from provider_hub import cold_start, logs
from provider_hub.actions.checkers import ConfigChecker
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.receiving import BodyPace, Receiving
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.services import Services
from provider_hub.adapters import pubsub
from provider_hub.adapters.firestore import store as firestore
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.settings.core import Core, Project
from provider_hub.threads import request_threads

P = TypeVar("P", bound=Project)
T = TypeVar("T")


class Once(Generic[T]):
    """A value that one thread makes from the settings when it is first used, so that nothing connects at import.

    `needs` names the groups of settings. The first use raises SettingsError where one of them cannot be read.
    """

    def __init__(self, needs: type[P], make: Callable[[P], T]) -> None:
        self._make = functools.partial(_made, needs, make)
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """The value. Raises SettingsError at the first use, as above; the next use then tries again."""
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
                    cold_start.end()
        return self._made[0]


def _made(needs: type[P], make: Callable[[P], T]) -> T:
    given = read(needs)
    logs.configure(given.project)
    return make(given)


def read(needs: type[P]) -> P:
    """The groups that a function needs, from this process's environment. Raises SettingsError."""
    return needs.from_environment(os.environ)


def connected_services(given: Core, config_checker: ConfigChecker | None = None) -> Services:
    """Services over Google's Firestore and Pub/Sub, or their emulators where the environment names them.

    `config_checker` is for the functions that check a tenant's config.
    """
    store = firestore.connect(given.project, given.database)
    made = Services(
        store=store,
        outbox=Outbox(store, pubsub.connect(given.project, given.topic_names)),
        clock=now,
        new_id=lambda at: ulid(at, secrets.token_bytes(RANDOM_BYTES)),
        deadlines=given.deadlines,
        limits=given.organization_limits,
        request_budget=RequestBudget(given.requests_per_minute),
        receiving=Receiving(request_threads(), BodyPace(given.body_seconds, given.body_least_kib_per_second * 1024)),
    )
    return made if config_checker is None else replace(made, config_checker=config_checker)


def now() -> datetime:
    """The clock of every function: the present time, in UTC."""
    return datetime.now(UTC)
