"""An organization that the operator suspended is told so, within a minute."""

from dataclasses import replace

import pytest
from tests.builders import WEATHER, actor_of, provider, wish
from tests.integration.backend import Backend

from provider_hub.actions import keys, suspension
from provider_hub.actions.organizations import Organizations
from provider_hub.domain.errors import Conflict, Forbidden, NotFound
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.names import ProviderName

PLATFORM = actor_of(None)
ACME = OrganizationClaims("org_acme", "acme", name="Acme")
AFTER = ProviderName("acme-next", "x")


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
    suspension.release_slug(backend.services, PLATFORM, "org_squatter")
    assert organizations.of(ACME).slug == "acme"
    suspension.resume(backend.services, PLATFORM, "org_squatter")
    backend.clock.turn(minutes=1)
    assert organizations.of(OrganizationClaims("org_squatter", "renamed")).slug == "renamed"


def test_a_slug_with_something_beneath_it_is_not_released(backend: Backend) -> None:
    Organizations(backend.services).of(ACME)
    suspension.suspend(backend.services, PLATFORM, "org_acme", "a reason")
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
