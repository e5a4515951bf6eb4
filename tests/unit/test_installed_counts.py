"""The number of installations that a quota goes by: exact while all goes well, and corrected where it did not."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import wish
from tests.fakes import START, FakeClock
from tests.faults.memory_firestore import MemoryFirestore

from provider_hub.actions import keys
from provider_hub.actions.installed_counts import (
    COUNTS_A_RUN,
    Recount,
    add_installed,
    admit_installation,
    correct_slice,
    recount,
)
from provider_hub.actions.locks import NamedLocks
from provider_hub.actions.quota import QuotaCache
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.errors import QuotaExceeded
from provider_hub.domain.limits import OrganizationLimits
from provider_hub.domain.records import InstalledCount

ORGANIZATION = "org_acme"
KEY = keys.installed_count(ORGANIZATION)


class Database(MemoryFirestore):
    """Lets something happen right after the next count of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0
        self.after_count: list[Any] = []

    def run_aggregation_query(self, request: Any, **options: Any) -> Any:
        self.counted += 1
        answers = list(super().run_aggregation_query(request, **options))
        if self.after_count:
            self.after_count.pop()()
        return answers


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def services(database: Database) -> Any:
    client: Any = database
    return SimpleNamespace(
        store=FirestoreStore(client, "p", "(default)"),
        clock=FakeClock(),
        limits=OrganizationLimits(3),
        quota_cache=QuotaCache(),
        locks=NamedLocks(),
    )


def install(services: Any, name: str, organization_id: str = ORGANIZATION, *, moves: bool = True) -> None:
    """What the commit of an install writes; an older release does not move the number."""
    row = wish(organization_id=organization_id, prefix="acme", name=name)

    def decide(transaction: Any) -> None:
        if moves:
            add_installed(transaction, organization_id, 1)
        transaction.write(keys.installation_of(row), row)

    services.store.transact(decide)


def kept(services: Any) -> InstalledCount:
    found: InstalledCount = services.store.get(KEY)
    return found


def test_the_number_moves_with_the_rows_and_no_row_is_counted(services: Any, database: Database) -> None:
    services.store.transact(lambda transaction: transaction.write(KEY, InstalledCount(ORGANIZATION, 0, START)))
    for name in ("a", "b"):
        admit_installation(services, ORGANIZATION)
        install(services, name)
    services.store.transact(lambda transaction: add_installed(transaction, ORGANIZATION, -1))
    assert kept(services) == InstalledCount(ORGANIZATION, 1, START)
    assert database.counted == 0


def test_rows_of_before_there_was_a_number_are_counted_once(services: Any, database: Database) -> None:
    install(services, "old", moves=False)
    install(services, "new")
    assert kept(services) == InstalledCount(ORGANIZATION, 1, None)
    for _ in range(2):
        admit_installation(services, ORGANIZATION)
    assert kept(services).installations == 2
    assert database.counted == 1


def test_a_number_that_is_too_high_refuses_nobody_and_is_corrected(services: Any) -> None:
    services.store.transact(lambda transaction: transaction.write(KEY, InstalledCount(ORGANIZATION, 9, START)))
    admit_installation(services, ORGANIZATION)
    assert kept(services).installations == 0


def test_an_organization_at_its_quota_is_refused(services: Any) -> None:
    for name in ("a", "b", "c"):
        admit_installation(services, ORGANIZATION)
        install(services, name)
    with pytest.raises(QuotaExceeded, match="has 3 installations"):
        admit_installation(services, ORGANIZATION)


def test_an_install_during_a_recount_is_in_the_number(services: Any, database: Database) -> None:
    """It committed after the rows were counted: without the conflict its row would be missing for good."""
    install(services, "a")
    database.after_count = [lambda: install(services, "b")]
    assert recount(services, ORGANIZATION) == Recount(2, said=2)
    assert kept(services).installations == 2
    assert database.counted == 2


def test_the_sweeper_corrects_a_number_that_is_too_low(services: Any, caplog: pytest.LogCaptureFixture) -> None:
    recount(services, ORGANIZATION)
    install(services, "a", moves=False)
    assert correct_slice(services) == 1
    assert kept(services).installations == 1
    assert "org_acme has 1 installations, and its number said 0" in caplog.text
    assert correct_slice(services) == 0


def test_an_install_while_the_sweeper_compares_others_is_no_correction(
    services: Any, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("org_a", "org_b"):
        recount(services, name)
    database.after_count = [lambda: install(services, "weather", "org_b")]
    assert correct_slice(services) == 0
    assert services.store.get(keys.installed_count("org_b")).installations == 1
    assert not caplog.records


def test_the_sweeper_comes_to_every_organization_and_begins_anew(services: Any) -> None:
    names = [f"org_{number:02}" for number in range(COUNTS_A_RUN + 1)]
    for name in names:
        recount(services, name)
        install(services, "weather", name, moves=False)
    assert [correct_slice(services) for _ in range(3)] == [COUNTS_A_RUN, 1, 0]
    assert {services.store.get(keys.installed_count(name)).installations for name in names} == {1}
