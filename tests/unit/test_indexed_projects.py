"""What a page of the package index costs, and whose providers are on it."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Request
from tests.builders import provider, version
from tests.fakes import START, FakeClock
from tests.faults.memory_firestore import MemoryFirestore
from werkzeug.test import EnvironBuilder

from provider_hub.actions import keys, package_index
from provider_hub.actions.indexed_projects import IndexedProjects
from provider_hub.actions.package_index import get_project, list_projects
from provider_hub.actions.receiving import Receiving
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import PUBLIC_AUDIENCE, ProviderVersion, VersionStatus
from provider_hub.domain.errors import NotFound
from provider_hub.domain.identity import User
from provider_hub.domain.names import ProviderName
from provider_hub.domain.package_index import IndexedProject
from provider_hub.http.application import Application
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.route import Access, Routes

OWN = "org_acme"


class Database(MemoryFirestore):
    """Counts the queries of each collection."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: Counter[str] = Counter()

    def run_query(self, request: Any, **options: Any) -> Any:
        (source,) = request.structured_query.from_
        self.queries[source.collection_id] += 1
        return super().run_query(request, **options)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def services(database: Database) -> Any:
    client: Any = database
    return SimpleNamespace(store=FirestoreStore(client, "p", "(default)"))


@pytest.fixture
def known() -> IndexedProjects:
    return IndexedProjects()


def release(services: Any, name: str, text: str = "1.0.0", *, at: int = 0, **changes: Any) -> ProviderVersion:
    """What a publish writes, `at` minutes after START: the version, and its provider's row."""
    canonical, now = ProviderName("acme", name), START + timedelta(minutes=at)
    made = version(
        text,
        canonical,
        distribution_name="weather",
        wheel_object="kept",
        wheel_filename=f"weather-{text}-py3-none-any.whl",
        published_at=now,
    )
    row = provider(canonical, updated_at=now, distributions=("weather",), **changes)

    def decide(transaction: Any) -> None:
        transaction.write(keys.provider(canonical), row)
        transaction.write(keys.version(canonical, text), made)

    services.store.transact(decide)
    return made


def shown(services: Any, known: IndexedProjects, viewer: str | None = None) -> list[str]:
    return [file.version for file in get_project(services, known, viewer, ("acme",), "weather").files]


def test_private_providers_hide_no_public_one_behind_them(
    services: Any, known: IndexedProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(package_index.MAX_PROVIDERS_OF_PROJECT):
        release(services, f"private-{number:02}", f"0.{number}.0")
    release(services, "retired", "8.0.0", audience=PUBLIC_AUDIENCE, retiring=True)
    with pytest.raises(NotFound):
        shown(services, known)
    release(services, "shown", audience=PUBLIC_AUDIENCE)
    assert shown(services, known) == shown(services, known, "org_other") == ["1.0.0"]
    assert len(shown(services, known, OWN)) == package_index.MAX_PROVIDERS_OF_PROJECT
    monkeypatch.setattr(package_index, "MAX_PROVIDERS", 1)
    assert list_projects(services, None, ("acme",)) == ["weather"]


def test_a_page_reads_no_versions_again_until_one_of_them_changes(
    services: Any, known: IndexedProjects, database: Database
) -> None:
    first = release(services, "weather", audience=PUBLIC_AUDIENCE)
    for viewer in (None, "org_other", OWN):
        assert shown(services, known, viewer) == ["1.0.0"]
    assert database.queries["versions"] == 1
    release(services, "weather", "1.1.0", at=1, audience=PUBLIC_AUDIENCE)
    assert shown(services, known) == shown(services, known) == ["1.0.0", "1.1.0"]
    assert database.queries["versions"] == 2

    def yank(transaction: Any) -> None:
        (row,) = transaction.read(keys.provider(first.provider_name))
        transaction.write(keys.provider(first.provider_name), replace(row, updated_at=START + timedelta(minutes=2)))
        transaction.write(keys.version(first.provider_name, "1.0.0"), replace(first, status=VersionStatus.YANKED))

    services.store.transact(yank)
    yanked = get_project(services, known, None, ("acme",), "weather")
    assert [file.yanked for file in yanked.files] == ["", None]


def test_a_caller_never_gets_what_another_one_may_see(services: Any, known: IndexedProjects) -> None:
    release(services, "weather", audience=PUBLIC_AUDIENCE)
    release(services, "weather-secret", "2.0.0")
    assert shown(services, known, OWN) == ["1.0.0", "2.0.0"]
    assert shown(services, known) == ["1.0.0"]
    release(services, "weather", at=1)
    with pytest.raises(NotFound):
        shown(services, known)


def test_a_page_has_a_bound_for_the_versions_of_all_its_providers(
    services: Any, known: IndexedProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_index, "_PAGE", 2)
    monkeypatch.setattr(package_index, "MAX_VERSIONS", 5)
    for major, name in enumerate(("one", "other"), start=1):
        for minor in range(4):
            release(services, name, f"{major}.{minor}.0")
    assert shown(services, known, OWN) == ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0"]


def test_the_project_that_nobody_asked_for_longest_is_forgotten_first(services: Any) -> None:
    known = IndexedProjects(most_files=2)
    rows = (provider(),)
    for name in ("a", "b"):
        known.keep(rows, IndexedProject(name, ()))
    assert known.find("a", rows) is not None
    known.keep(rows, IndexedProject("c", ()))
    assert [name for name in "abc" if known.find(name, rows)] == ["a", "c"]
    assert known.find("a", (provider(updated_at=START + timedelta(minutes=1)),)) is None


class Nothing(Response):
    """An answer that says nothing."""


@pytest.fixture
def two_a_minute() -> Application[None]:
    """A page for everyone and two that are not; who asks with a token is a user of that name, without an organization.

    Each may ask twice in a minute.
    """
    routes: Routes[None] = Routes("catalog")
    for path, access in (("/page", Access.ANYONE_OR_CUSTOMER), ("/me", Access.CUSTOMER), ("/own", Access.TENANT)):

        @routes.add("GET", path, access)
        def page(_hub: None, _call: Call) -> Nothing:
            """A page."""
            return Nothing()

    services: Any = SimpleNamespace(
        clock=FakeClock(), request_budget=RequestBudget(2), unknown_tokens=UnknownTokens(), receiving=Receiving(4)
    )
    who: Any = SimpleNamespace(address=lambda _forwarded, peer: peer, customer=User)
    return Application(routes, None, who, services)


def test_a_caller_without_an_organization_has_a_budget_of_its_own(two_a_minute: Application[None]) -> None:
    def asked(path: str, who: str) -> Any:
        builder = EnvironBuilder(path, headers={"Authorization": who}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
        return two_a_minute.respond(Request(builder.get_environ()))

    assert [asked("/page", "user_a").status_code for _ in range(3)] == [200, 200, 429]
    assert asked("/me", "user_a").json["detail"] == "this caller makes more than 2 requests a minute: slow down"
    assert [asked("/me", "user_b").status_code for _ in range(3)] == [200, 200, 429]
    assert [asked("/own", "user_c").status_code for _ in range(3)] == [403, 403, 429]


def test_an_address_without_a_token_has_a_budget_of_its_own(two_a_minute: Application[None]) -> None:
    def asked(address: str) -> Any:
        return two_a_minute.respond(
            Request(EnvironBuilder("/page", environ_base={"REMOTE_ADDR": address}).get_environ())
        )

    assert [asked("203.0.113.9").status_code for _ in range(3)] == [200, 200, 429]
    refused = asked("203.0.113.9")
    assert (refused.json["detail"], refused.headers["Retry-After"]) == (
        "this address makes more than 2 requests a minute: slow down",
        "31",
    )
    assert asked("203.0.113.10").status_code == 200
    assert [asked("").status_code for _ in range(3)] == [200] * 3, "an address that is not known stands for everybody"
