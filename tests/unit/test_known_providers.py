"""A poll of an installation costs one read, and what it shows of the provider is some seconds old at most."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from tests.builders import ACME, WEATHER, provider, wish
from tests.fakes import FakeClock

from provider_hub.actions import keys
from provider_hub.actions.inspect import get_installed
from provider_hub.actions.known_providers import TRUSTED, KnownProviders
from provider_hub.actions.ports import Key

BY_ALL = ["installations", "providers", "locks", "advisories"]


class Store:
    """Two documents, and the paths that were read."""

    def __init__(self) -> None:
        self.documents: dict[Key[Any], Any] = {
            keys.installation(ACME.organization_id, WEATHER): wish(),
            keys.provider(WEATHER): provider(readme="long"),
        }
        self.read: list[str] = []

    def get(self, key: Key[Any]) -> Any:
        self.read.append(key.path[-2])
        return self.documents[key]

    def current_locks(self, versions: Sequence[Key[Any]]) -> list[str | None]:
        self.read.append("locks")
        return ["a" * 64 for _ in versions]

    def get_all(self, wanted: Sequence[Key[Any]]) -> list[Any]:
        self.read.append("advisories")
        return [None for _ in wanted]


def test_a_poll_reads_the_row_alone_until_the_provider_is_too_old_to_be_trusted() -> None:
    store, clock = Store(), FakeClock()
    services: Any = SimpleNamespace(store=store, clock=clock, known_providers=KnownProviders())

    def latest(*, is_poll: bool) -> str | None:
        store.read.clear()
        found = get_installed(services, ACME, WEATHER, is_poll=is_poll).provider
        return found.latest_version if found else None

    assert (latest(is_poll=True), store.read) == ("1.0.0", BY_ALL)
    store.documents[keys.provider(WEATHER)] = provider(latest_version="1.1.0")
    assert (latest(is_poll=True), store.read) == ("1.0.0", ["installations"])
    clock.turn(seconds=TRUSTED.total_seconds())
    assert (latest(is_poll=True), store.read) == ("1.1.0", BY_ALL)
    store.documents[keys.provider(WEATHER)] = provider(latest_version="1.2.0")
    assert (latest(is_poll=False), store.read) == ("1.2.0", BY_ALL)
    assert latest(is_poll=True) == "1.2.0"
