"""Publishing and the catalog below HTTP: two at once, a crash in the middle of a deletion, organizations that meet."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import ACME, WEATHER, actor_of, provider, version, wish
from tests.fakes import FakeWheels
from tests.integration.backend import Backend

from provider_hub.actions import browse, curate, keys
from provider_hub.actions.organizations import Organizations
from provider_hub.actions.publish import Published, publish
from provider_hub.actions.publish_file import publish_file
from provider_hub.actions.retiring import show_left_hidden
from provider_hub.actions.scope import make_private
from provider_hub.actions.wheels import AttachedFile
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.catalog import Author, AuthorKind, in_scope
from provider_hub.domain.errors import Conflict, Forbidden, Invalid, NotFound, TemporaryError
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Topic
from provider_hub.domain.scope import Scope
from provider_hub.domain.wheels import Packages

AUTHOR = Author(AuthorKind.CUSTOMER, "org_acme", "Acme")
ADA = actor_of("org_acme")
METADATA = MetadataWish(display_name="Weather", description="Tells it")
WISH = PublishWish(
    name="acme/weather",
    version="1.0.0",
    wheel_url="https://wheels.example/w-1.0.0-py3-none-any.whl",
    metadata=METADATA,
)
NEXT = WISH.model_copy(update={"version": "1.1.0"})
PUBLIC = WISH.model_copy(update={"metadata": METADATA.model_copy(update={"scope": Scope.PUBLIC})})
RENAMED = "https://elsewhere.example/w-1.0.0-py2.py3-none-any.whl"


def renamed(sha256: str | None) -> PublishWish:
    """The same bytes at another host, under another file name."""
    return WISH.model_copy(update={"wheel_url": RENAMED, "sha256": sha256})


def sent_by_form(backend: Backend, wheels: FakeWheels) -> Published:
    attached = AttachedFile(io.BytesIO(b""), "weather-1.0.0-py3-none-any.whl", "a" * 64, "Tells it by a form")
    return publish_file(backend.services, wheels, "acme", attached, AUTHOR, ADA)


def test_of_two_that_publish_one_version_with_other_bytes_one_wins_and_the_other_is_told(backend: Backend) -> None:
    together = threading.Barrier(2, timeout=20)

    def attempt(digest: str) -> Published | Conflict:
        try:
            return publish(
                backend.services, FakeWheels(digest * 64, while_fetching=together.wait), WEATHER, WISH, AUTHOR, ADA
            )
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(attempt, "ab"))
    (won,) = [result for result in results if isinstance(result, Published)]
    (told,) = [result for result in results if isinstance(result, Conflict)]
    assert "published with other bytes or fields" in str(told)
    assert backend.store.get(keys.version(WEATHER, "1.0.0")) == won.version
    assert len(backend.topics.pull(Topic.VERSION_EVENTS)) == 1


def test_of_two_that_publish_the_very_same_both_get_it_and_one_made_it(backend: Backend) -> None:
    together = threading.Barrier(2, timeout=20)

    def attempt(_: int) -> Published:
        return publish(backend.services, FakeWheels(while_fetching=together.wait), WEATHER, WISH, AUTHOR, ADA)

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(attempt, range(2))
    assert one.version == other.version
    assert sorted([one.created, other.created]) == [False, True]


def test_the_wheel_is_not_fetched_for_what_the_given_digest_decides(backend: Backend) -> None:
    given = WISH.model_copy(update={"sha256": "a" * 64})
    publish(backend.services, FakeWheels(), WEATHER, given, AUTHOR, ADA)
    wheels = FakeWheels()
    assert not publish(backend.services, wheels, WEATHER, given, AUTHOR, ADA).created
    with pytest.raises(Conflict):
        publish(backend.services, wheels, WEATHER, given.model_copy(update={"sha256": "b" * 64}), AUTHOR, ADA)
    assert wheels.fetched == []


def test_a_wheel_that_is_refused_stores_nothing(backend: Backend) -> None:
    wheels = FakeWheels(refused=Invalid.at("body", "sha256", msg="another digest"))
    with pytest.raises(Invalid, match="another digest"):
        publish(backend.services, wheels, WEATHER, WISH, AUTHOR, ADA)
    assert backend.documents.all() == {}


def test_a_lock_that_another_version_has_stays_as_it_was_packed(backend: Backend) -> None:
    first = publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA).version
    key = keys.lock(WEATHER, str(first.lock_sha256))
    known = backend.store.get(key)
    assert known
    packed_otherwise = replace(known, packed="as another zlib packs it")
    backend.put(key, packed_otherwise)
    second = publish(backend.services, FakeWheels(), WEATHER, NEXT, AUTHOR, ADA).version
    assert second.lock_sha256 == first.lock_sha256
    assert backend.store.get(key) == packed_otherwise


def test_a_provider_is_not_hidden_for_a_version_whose_wheel_could_not_be_kept(backend: Backend) -> None:
    publish(backend.services, FakeWheels(), WEATHER, PUBLIC, AUTHOR, ADA)
    before = backend.documents.under("providers")
    hidden = NEXT.model_copy(update={"metadata": METADATA.model_copy(update={"scope": Scope.TENANT})})
    down = FakeWheels(not_kept=TemporaryError("the bucket is down"))
    with pytest.raises(TemporaryError, match="the bucket is down"):
        publish(backend.services, down, WEATHER, hidden, AUTHOR, ADA)
    assert backend.documents.under("providers") == before


@pytest.mark.parametrize("other_has_it", [False, True])
@pytest.mark.parametrize("author_has_it", [False, True])
def test_an_author_that_installs_or_uninstalls_meanwhile_counts_neither_for_another_nor_in_its_place(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, author_has_it: bool, other_has_it: bool
) -> None:
    backend.put(keys.provider(WEATHER), in_scope(provider(), Scope.PUBLIC))
    own, count = keys.installation("org_acme", WEATHER), backend.store.install_count
    if author_has_it:
        backend.put(own, wish())
    if other_has_it:
        backend.put(keys.installation("org_other", WEATHER), wish(organization_id="org_other"))

    def counts_after_a_change(name: ProviderName) -> int:
        monkeypatch.setattr(backend.services.store, "install_count", count)
        if author_has_it:
            backend.store.delete_all([own])
        else:
            backend.put(own, wish())
        return count(name)

    monkeypatch.setattr(backend.services.store, "install_count", counts_after_a_change)
    if other_has_it:
        with pytest.raises(Conflict, match="is installed by 1 other"):
            make_private(backend.services, ADA, WEATHER)
    else:
        assert make_private(backend.services, ADA, WEATHER)


def test_the_same_bytes_under_another_file_name_leave_a_version_as_it_is(backend: Backend) -> None:
    first = publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA).version
    for sha256 in (None, "a" * 64):
        again = publish(backend.services, FakeWheels(), WEATHER, renamed(sha256), AUTHOR, ADA)
        assert (again.version, again.created) == (first, False)
    assert backend.store.get(keys.version(WEATHER, "1.0.0")) == first


def test_a_version_keeps_the_package_that_an_older_rule_chose_and_is_published_again_as_it_is(backend: Backend) -> None:
    by_the_old_rule, by_the_new = FakeWheels(packages=Packages.only("acme")), Packages.only("acme.weather")
    first = publish(backend.services, by_the_old_rule, WEATHER, WISH, AUTHOR, ADA).version
    again = publish(backend.services, FakeWheels(packages=by_the_new), WEATHER, WISH, AUTHOR, ADA)
    assert (again.version, again.created, again.version.package_name) == (first, False, "acme")


@pytest.mark.parametrize("sha256", [None, "a" * 64])
def test_publishing_again_keeps_the_bytes_of_a_version_that_the_hub_had_no_copy_of(
    backend: Backend, sha256: str | None
) -> None:
    first = publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA).version
    backend.put(keys.version(WEATHER, "1.0.0"), replace(first, wheel_object=None))
    backend.clock.turn(minutes=1)
    again = publish(backend.services, FakeWheels(), WEATHER, renamed(sha256), AUTHOR, ADA).version
    row = backend.store.get(keys.provider(WEATHER))
    assert row is not None
    assert row.updated_at == backend.clock(), "the package index reads its versions again"
    assert (again.wheel_url, again.wheel_object) == (RENAMED, kept_name("a" * 64, "w-1.0.0-py2.py3-none-any.whl"))
    assert backend.store.get(keys.version(WEATHER, "1.0.0")) == again


def test_other_bytes_are_not_kept_for_a_version_that_the_hub_has_no_copy_of(backend: Backend) -> None:
    first = publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA).version
    backend.put(keys.version(WEATHER, "1.0.0"), replace(first, wheel_object=None))
    other = FakeWheels("b" * 64, not_kept=AssertionError("they are refused before"))
    with pytest.raises(Conflict, match="published with other bytes"):
        publish(backend.services, other, WEATHER, renamed(None), AUTHOR, ADA)


def test_a_form_that_meets_another_publish_of_the_same_bytes_finds_its_version(backend: Backend) -> None:
    def meanwhile() -> None:
        publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA)

    found = sent_by_form(backend, FakeWheels(while_fetching=meanwhile))
    assert (found.created, found.version) == (False, backend.store.get(keys.version(WEATHER, "1.0.0")))


def test_a_form_that_meets_another_publish_of_other_bytes_is_told(backend: Backend) -> None:
    def meanwhile() -> None:
        publish(backend.services, FakeWheels("b" * 64), WEATHER, WISH, AUTHOR, ADA)

    with pytest.raises(Conflict, match="already exists with other bytes"):
        sent_by_form(backend, FakeWheels(while_fetching=meanwhile))


def test_a_form_with_the_bytes_of_a_yanked_version_is_refused(backend: Backend) -> None:
    publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA)
    curate.yank(backend.services, ADA, WEATHER, "1.0.0", "it is wrong")
    with pytest.raises(Conflict, match="already exists and is yanked"):
        sent_by_form(backend, FakeWheels())


def test_an_older_version_published_later_is_not_the_latest(backend: Backend) -> None:
    for text in ("1.10.0", "1.9.0", "2.0.0-rc.1"):
        publish(backend.services, FakeWheels(), WEATHER, WISH.model_copy(update={"version": text}), AUTHOR, ADA)
    found = backend.store.get(keys.provider(WEATHER))
    assert found
    assert found.latest_version == "1.10.0"


def test_a_deletion_is_recorded_before_the_first_version_goes(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA)
    before = backend.documents.under("audit")

    def dies(*_: object) -> None:
        raise TemporaryError("the process is gone")

    monkeypatch.setattr(type(backend.store), "delete_all", dies)
    with pytest.raises(TemporaryError):
        curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    made = [entry for path, entry in backend.documents.under("audit").items() if path not in before]
    assert [(entry["action"], entry["organization_id"]) for entry in made] == [("provider-deleted", "org_acme")]


def test_a_deletion_that_died_in_the_middle_is_finished_by_the_next(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider(retiring=True))
    backend.put(keys.version(WEATHER, "1.0.0"), version())
    with pytest.raises(NotFound):
        browse.get_provider(backend.services, "org_acme", WEATHER)
    with pytest.raises(NotFound):
        curate.delete_provider(backend.services, actor_of("org_other"), WEATHER)
    with pytest.raises(Conflict, match="is being deleted"):
        publish(backend.services, FakeWheels(), WEATHER, WISH.model_copy(update={"version": "2.0.0"}), AUTHOR, ADA)
    curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert [entry["action"] for entry in backend.documents.under("audit").values()] == ["provider-deleted"]
    assert backend.documents.under("providers") == {}


def test_a_deletion_that_died_before_anyone_was_counted_is_given_up_and_the_provider_is_there_again(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.installation("org_other", WEATHER), wish(organization_id="org_other"))

    def dies(_name: object) -> int:
        raise TemporaryError("the process is gone")

    with monkeypatch.context() as dying:
        dying.setattr(backend.services.store, "install_count", dies)
        with pytest.raises(TemporaryError):
            curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert show_left_hidden(backend.services) == 0, "it may be under way"
    with pytest.raises(NotFound):
        browse.get_provider(backend.services, "org_acme", WEATHER)
    backend.clock.turn(minutes=10)
    assert show_left_hidden(backend.services) == 1
    assert browse.get_provider(backend.services, "org_acme", WEATHER).install_count == 1
    assert backend.store.get(keys.provider(WEATHER)) == provider()


def test_a_deletion_that_was_given_up_while_it_counted_deletes_nothing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA)

    def counts_for_long(_name: object) -> int:
        backend.clock.turn(minutes=10)
        return show_left_hidden(backend.services) - 1

    monkeypatch.setattr(backend.services.store, "install_count", counts_for_long)
    with pytest.raises(Conflict, match="took too long: delete it again"):
        curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert backend.store.get(keys.version(WEATHER, "1.0.0"))


def test_a_deletion_that_died_once_it_was_certain_is_not_given_up(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(backend.services, FakeWheels(), WEATHER, WISH, AUTHOR, ADA)

    def dies(*_: object) -> None:
        raise TemporaryError("the process is gone")

    for _ in range(2):
        with monkeypatch.context() as dying:
            dying.setattr(type(backend.store), "delete_all", dies)
            with pytest.raises(TemporaryError):
                curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
        backend.clock.turn(minutes=10)
        assert show_left_hidden(backend.services) == 0
    curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert backend.documents.under("providers") == {}


def test_an_install_that_slips_in_before_the_count_keeps_the_provider(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.installation("org_other", WEATHER), wish(organization_id="org_other"))
    with pytest.raises(Conflict, match="is installed 1 times"):
        curate.delete_provider(backend.services, actor_of("org_acme"), WEATHER)
    assert browse.get_provider(backend.services, "org_acme", WEATHER).install_count == 1


@pytest.fixture
def organizations(backend: Backend) -> Organizations:
    return Organizations(backend.services)


def claims(**changes: Any) -> OrganizationClaims:
    return OrganizationClaims(**{"organization_id": "org_acme", "slug": "acme", "name": "Acme", **changes})


def test_an_organization_is_made_once_and_then_remembered(backend: Backend, organizations: Organizations) -> None:
    made = replace(ACME, cell=None)  # its first install chooses one
    assert organizations.of(claims()) == made
    backend.rpcs.calls.clear()
    assert organizations.of(claims()) == made
    assert backend.rpcs.calls == []
    assert Organizations(backend.services).of(claims()) == made
    assert backend.rpcs.names() == ["BatchGetDocuments"]


def test_of_two_organizations_with_one_slug_the_first_has_it(organizations: Organizations) -> None:
    organizations.of(claims())
    with pytest.raises(Forbidden, match="belongs to another organization"):
        organizations.of(claims(organization_id="org_squatter"))


def test_an_organization_without_a_name_is_called_by_its_slug(organizations: Organizations) -> None:
    assert organizations.of(claims(name=None)).name == "acme"


@pytest.mark.parametrize("slug", ["platform", "install", "installed", "Acme", "a_b", "a" * 101])
def test_a_slug_that_is_none_is_forbidden_and_stores_nothing(
    backend: Backend, organizations: Organizations, slug: str
) -> None:
    with pytest.raises(Forbidden, match="is not usable"):
        organizations.of(claims(slug=slug))
    assert backend.documents.all() == {}


@pytest.mark.parametrize("organization_id", ["", "a/b", "..", "__x__", "x" * 129, "é"])
def test_an_id_that_is_none_is_forbidden(organizations: Organizations, organization_id: str) -> None:
    with pytest.raises(Forbidden, match="organization id is not usable"):
        organizations.of(claims(organization_id=organization_id))
