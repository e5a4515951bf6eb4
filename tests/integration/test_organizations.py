"""An organization that the operator suspended is told so, within a minute."""

import io
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import WEATHER, actor_of, provider, wish
from tests.fakes import FakeWheels
from tests.integration.backend import Backend

from provider_hub.actions import keys, suspension
from provider_hub.actions.organizations import Organizations
from provider_hub.actions.publish import publish
from provider_hub.actions.publish_file import publish_file
from provider_hub.actions.wheels import AttachedFile
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.domain.catalog import Author, AuthorKind
from provider_hub.domain.errors import Conflict, Forbidden, NotFound
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.names import ProviderName

PLATFORM = actor_of(None)
ACME = OrganizationClaims("org_acme", "acme", name="Acme")
AFTER = ProviderName("acme-next", "x")
SQUATTER, OWNER = (Author(AuthorKind.CUSTOMER, f"org_{name}", name) for name in ("squatter", "acme"))
FIRST = PublishWish(
    name="acme/weather",
    version="1.0.0",
    wheel_url="https://wheels.example/weather-1.0.0-py3-none-any.whl",
    metadata=MetadataWish(display_name="Weather", description="Tells it"),
)


def suspend_long_ago(backend: Backend, claims: OrganizationClaims) -> None:
    """Let the organization be seen, and suspended for longer than anything of it may be under way."""
    Organizations(backend.services).of(claims)
    suspension.suspend(backend.services, PLATFORM, claims.organization_id, "a reason")
    backend.clock.turn(minutes=10)


def test_a_suspended_organization_is_refused_within_a_minute_and_let_in_again(backend: Backend) -> None:
    organizations = Organizations(backend.services)
    active = organizations.of(ACME)
    for status, refused in (("suspended", True), ("active", False)):
        changed = replace(active, status=status)
        backend.store.transact(lambda transaction, to=changed: transaction.write(keys.organization("org_acme"), to))
        backend.clock.turn(minutes=1)
        if refused:
            with pytest.raises(Forbidden, match="suspended"):
                organizations.of(ACME)
        else:
            assert organizations.of(ACME) == active


def test_the_platform_suspends_an_organization_with_a_reason_and_lets_it_in_again(backend: Backend) -> None:
    organizations = Organizations(backend.services)
    organizations.of(ACME)
    suspension.suspend(backend.services, PLATFORM, "org_acme", "its tokens were stolen")
    backend.clock.turn(minutes=1)
    with pytest.raises(Forbidden, match="suspended: its tokens were stolen; what runs goes on"):
        organizations.of(ACME)
    suspension.resume(backend.services, PLATFORM, "org_acme")
    backend.clock.turn(minutes=1)
    assert organizations.of(ACME).status == "active"


def test_a_released_slug_goes_to_the_organization_that_comes_with_it_and_the_other_begins_anew(
    backend: Backend,
) -> None:
    organizations = Organizations(backend.services)
    organizations.of(OrganizationClaims("org_squatter", "acme"))
    with pytest.raises(Forbidden, match="belongs to another"):
        organizations.of(ACME)
    with pytest.raises(Conflict, match="is active"):
        suspension.release_slug(backend.services, PLATFORM, "org_squatter")
    suspension.suspend(backend.services, PLATFORM, "org_squatter", "the slug is another's")
    with pytest.raises(Conflict, match="release its slug in 600 seconds"):
        suspension.release_slug(backend.services, PLATFORM, "org_squatter")
    backend.clock.turn(minutes=9, seconds=59.5)
    with pytest.raises(Conflict, match="release its slug in 1 seconds"):
        suspension.release_slug(backend.services, PLATFORM, "org_squatter")
    backend.clock.turn(seconds=0.5)
    suspension.release_slug(backend.services, PLATFORM, "org_squatter")
    assert organizations.of(ACME).slug == "acme"
    suspension.resume(backend.services, PLATFORM, "org_squatter")
    backend.clock.turn(minutes=1)
    assert organizations.of(OrganizationClaims("org_squatter", "renamed")).slug == "renamed"


def test_an_organization_without_its_slug_is_never_active(backend: Backend) -> None:
    """Not even where the process ends after any commit of the resume."""
    suspend_long_ago(backend, ACME)
    suspension.release_slug(backend.services, PLATFORM, "org_acme")
    after_each: list[str | None] = []

    def look(_request: Any) -> None:
        row = backend.store.get(keys.organization("org_acme"))
        after_each.append(row and row.status)

    backend.rpcs.before["Commit"] = look
    suspension.resume(backend.services, PLATFORM, "org_acme")
    assert set(after_each) == {"suspended"}
    assert backend.store.get(keys.organization("org_acme")) is None


def test_what_an_organization_published_is_not_the_next_owners_of_its_slug(backend: Backend) -> None:
    """Neither a further version of it, nor what is published again, whichever way."""
    services, wheels = backend.services, FakeWheels()
    publish(services, wheels, WEATHER, FIRST, SQUATTER, actor_of("org_squatter"))
    further = FIRST.model_copy(update={"version": "1.1.0"})
    attached = AttachedFile(io.BytesIO(b""), "weather-1.0.0-py3-none-any.whl", wheels.digest, "")
    attempts = (
        lambda: publish(services, wheels, WEATHER, FIRST, OWNER, actor_of("org_acme")),
        lambda: publish(services, wheels, WEATHER, further, OWNER, actor_of("org_acme")),
        lambda: publish_file(services, wheels, "acme", attached, OWNER, actor_of("org_acme")),
    )
    for attempt in attempts:
        with pytest.raises(Forbidden, match="acme/weather is another organization's"):
            attempt()
    assert len(wheels.fetched) == 1, "the wheel of a refused publish is not fetched"


@pytest.mark.parametrize("has_next_owner", [False, True])
def test_a_publish_that_outlives_the_release_of_its_slug_leaves_nothing_under_it(
    backend: Backend, has_next_owner: bool
) -> None:
    organizations = Organizations(backend.services)
    organizations.of(OrganizationClaims("org_squatter", "acme"))

    def meanwhile() -> None:
        suspend_long_ago(backend, OrganizationClaims("org_squatter", "acme"))
        suspension.release_slug(backend.services, PLATFORM, "org_squatter")
        if has_next_owner:
            organizations.of(ACME)

    wheels = FakeWheels(while_fetching=meanwhile)
    with pytest.raises(Forbidden, match="the slug acme is not your organization's any more"):
        publish(backend.services, wheels, WEATHER, FIRST, SQUATTER, actor_of("org_squatter"))
    assert backend.documents.under("providers") == {}


def test_the_commit_that_brings_a_provider_writes_what_the_release_of_its_slug_reads(backend: Backend) -> None:
    """Else a release that counts the providers at that moment would find none, and free the slug."""
    Organizations(backend.services).of(ACME)
    publish(backend.services, FakeWheels(), WEATHER, FIRST, OWNER, actor_of("org_acme"))
    commits = [request.writes for method, request in backend.rpcs.calls if method == "Commit"]
    written = [{write.update.name.partition("/documents/")[2] for write in writes} for writes in commits]
    (bringing,) = [places for places in written if keys.provider(WEATHER).place in places]
    assert keys.publishing_use("org_acme").place in bringing


def test_a_publish_finds_another_organizations_provider_in_its_transaction_too(backend: Backend) -> None:
    wheels = FakeWheels(while_fetching=lambda: backend.put(keys.provider(WEATHER), provider(author=SQUATTER)))
    with pytest.raises(Forbidden, match="acme/weather is another organization's"):
        publish(backend.services, wheels, WEATHER, FIRST, OWNER, actor_of("org_acme"))
    assert backend.store.get(keys.version(WEATHER, "1.0.0")) is None


def test_a_slug_with_something_beneath_it_is_not_released(backend: Backend) -> None:
    suspend_long_ago(backend, ACME)
    backend.put(keys.provider(WEATHER), provider(WEATHER))
    with pytest.raises(Conflict, match="acme/"):
        suspension.release_slug(backend.services, PLATFORM, "org_acme")
    backend.store.delete_all([keys.provider(WEATHER)])
    backend.put(keys.provider(AFTER), provider(AFTER))
    backend.put(keys.installation("org_acme", AFTER), wish(prefix="acme-next", name="x"))
    with pytest.raises(Conflict, match="has 1 installations"):
        suspension.release_slug(backend.services, PLATFORM, "org_acme")
    backend.store.delete_all([keys.installation("org_acme", AFTER)])
    suspension.release_slug(backend.services, PLATFORM, "org_acme")
    with pytest.raises(NotFound, match="org_none"):
        suspension.release_slug(backend.services, PLATFORM, "org_none")
