"""A config is checked outside of every transaction, and what is committed was checked against what is committed."""

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from tests.builders import ACME, WEATHER, provider, version
from tests.integration.backend import Backend

from provider_hub.actions import change, keys
from provider_hub.actions.install import request_install
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.ports import Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.domain.errors import Invalid, Problem

R = TypeVar("R")
SCHEMA = '{"properties": {"CITY": {"enum": ["Bern", "Oslo"]}}, "required": ["CITY"]}'
NARROWER = '{"properties": {"CITY": {"enum": ["Oslo"]}}}'
BERN = {"CITY": "Bern"}


class WatchedStore:
    """The store of a backend; says whether a transaction is under way."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.inside = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transact(self, decide: Callable[[Transaction], R]) -> Any:
        def watched(transaction: Transaction) -> R:
            with self._entered():
                return decide(transaction)

        return self._store.transact(watched)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        self.inside = True
        try:
            yield
        finally:
            self.inside = False


@dataclass
class CountingChecker:
    """Checks as the functions do, counts, and remembers whether a transaction was under way."""

    store: WatchedStore
    checks: int = 0
    inside: list[bool] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def problems(
        self, config: Mapping[str, str], schema: str, sealed_keys: Set[str] = frozenset(), organization_id: str = ""
    ) -> list[Problem] | None:
        self.checks += 1
        self.inside.append(self.store.inside)
        self.meanwhile()
        return JsonSchemaChecker().problems(config, schema, sealed_keys, organization_id)


@dataclass
class World:
    backend: Backend
    services: Services
    checker: CountingChecker

    def install(self, config: dict[str, str], text: str | None = "1.0.0") -> None:
        wish = InstallWish(provider_name=WEATHER, version=text, config=config)
        request_install(self.services, ACME, wish, "user_1")

    def config(self) -> dict[str, str]:
        row = self.backend.store.get(keys.installation(ACME.organization_id, WEATHER))
        assert row
        return row.revision.config


@pytest.fixture
def world(backend: Backend) -> World:
    store: Any = WatchedStore(backend.store)
    checker = CountingChecker(store)
    services = replace(backend.services, store=store, outbox=Outbox(store, backend.publisher), config_checker=checker)
    backend.put(keys.provider(WEATHER), provider(latest_version="1.0.0"))
    backend.put(keys.version(WEATHER, "1.0.0"), version("1.0.0", config_schema=SCHEMA))
    return World(backend, services, checker)


def test_no_check_runs_inside_a_transaction(world: World) -> None:
    world.install(BERN)
    change.change_settings(world.services, ACME, WEATHER, change.SettingsWish(config={"CITY": "Oslo"}), "user_1")
    assert world.checker.inside == [False, False]
    assert world.config() == {"CITY": "Oslo"}


@pytest.mark.parametrize("text", ["1.0.0", None])
def test_a_config_that_does_not_fit_is_refused_and_nothing_is_written(world: World, text: str | None) -> None:
    with pytest.raises(Invalid, match="enum"):
        world.install({"CITY": "Rome"}, text)
    assert world.checker.inside == [False]
    assert not world.backend.documents.under("organizations")
    assert not world.backend.documents.under("outbox")


def test_a_latest_version_that_changes_during_the_check_is_checked_as_well(world: World) -> None:
    def publish() -> None:
        world.backend.put(keys.version(WEATHER, "1.1.0"), version("1.1.0", config_schema=NARROWER))
        world.backend.put(keys.provider(WEATHER), provider(latest_version="1.1.0"))

    world.checker.meanwhile = publish
    with pytest.raises(Invalid, match="Oslo"):
        world.install(BERN, None)
    assert world.checker.checks == 2
    assert not world.backend.documents.under("organizations")


def test_upgrade_downgrade_and_deploy_refuse_a_version_that_the_stored_config_does_not_fit(world: World) -> None:
    world.install(BERN)
    for text in ("0.9.0", "1.1.0"):
        world.backend.put(keys.version(WEATHER, text), version(text, config_schema=NARROWER))
    refusals = (
        lambda: change.upgrade(world.services, ACME, WEATHER, "1.1.0", "user_1"),
        lambda: change.downgrade(world.services, ACME, WEATHER, "0.9.0", "user_1"),
        lambda: change.deploy(world.services, ACME, WEATHER, "1.1.0", "user_1"),
    )
    for refused in refusals:
        with pytest.raises(Invalid, match=r"the installation's config does not fit (1\.1\.0|0\.9\.0): .*Oslo"):
            refused()
    row = world.backend.store.get(keys.installation(ACME.organization_id, WEATHER))
    assert row
    assert (row.installed_version, row.generation) == ("1.0.0", 1)
    assert not any(world.checker.inside)


def test_an_upgrade_that_the_stored_config_fits_is_checked_and_taken(world: World) -> None:
    world.install(BERN)
    world.backend.put(keys.version(WEATHER, "1.1.0"), version("1.1.0", config_schema=SCHEMA))
    assert change.upgrade(world.services, ACME, WEATHER, "1.1.0", "user_1").row.installed_version == "1.1.0"
    assert world.checker.inside == [False, False]
