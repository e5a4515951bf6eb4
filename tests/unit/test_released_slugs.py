"""A slug is released only where nothing is left under it, whatever is committed at that moment."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import ACME, actor_of, provider
from tests.fakes import FakeClock
from tests.unit.test_installed_counts import Database, install

from provider_hub.actions import keys, suspension
from provider_hub.actions.organizations import Organizations
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.errors import Conflict
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.limits import OrganizationLimits
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.publishing_use import PublishingUse

PLATFORM = actor_of(None)
CLAIM = SlugClaim(ACME.slug, ACME.organization_id)


def publish(services: Any) -> None:
    """What the commit of a publish writes, as far as it concerns a slug; tests/integration/test_organizations.py holds
    a real one to it.
    """
    now, key = services.clock(), keys.publishing_use(ACME.organization_id)

    def decide(transaction: Any) -> None:
        (use,) = transaction.read(key)
        transaction.write(key, (use or PublishingUse.unused(ACME.organization_id, now)).counted(now))
        transaction.write(keys.provider(provider().provider_name), provider())

    services.store.transact(decide)


def resume(services: Any) -> None:
    suspension.resume(services, PLATFORM, ACME.organization_id)


@pytest.mark.parametrize("counts", [1, 2])
@pytest.mark.parametrize(
    ("commit", "refusal"),
    [
        (lambda services: install(services, "weather"), "has 1 installations"),
        (publish, "there are providers named acme/"),
        (resume, "is active"),
    ],
    ids=["install", "publish", "resume"],
)
def test_what_is_committed_after_the_rows_were_counted_keeps_the_slug(counts: int, commit: Any, refusal: str) -> None:
    database = Database()
    client: Any = database
    services: Any = SimpleNamespace(
        store=FirestoreStore(client, "p", "(default)"),
        clock=FakeClock(),
        new_id=str,
        limits=OrganizationLimits(3),
        quota_cache=SimpleNamespace(counted=lambda *_: None),
    )
    Organizations(services).of(OrganizationClaims(ACME.organization_id, ACME.slug))
    suspension.suspend(services, PLATFORM, ACME.organization_id, "a reason")
    services.clock.turn(minutes=10)
    database.after_count = [lambda: commit(services), *[lambda: None] * (counts - 1)]
    with pytest.raises(Conflict, match=refusal):
        suspension.release_slug(services, PLATFORM, ACME.organization_id)
    assert services.store.get(keys.slug(ACME.slug)) == CLAIM
