"""What is shown to mend an installation is a version that its organization takes."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import ACME, OTHER, WEATHER, provider, revision, version, wish
from tests.fakes import START, FakeClock
from tests.faults.memory_firestore import MemoryFirestore

from provider_hub.actions import keys
from provider_hub.actions.inspect import get_installed
from provider_hub.actions.installed import Installed
from provider_hub.actions.known_providers import TRUSTED, KnownProviders
from provider_hub.actions.lock_facts import with_lock_facts
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.advisories import Advisory, LockAdvisories
from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.organizations import Organization
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind

ISSUER = "https://ci"
BY = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, issuer=ISSUER, repository="acme/weather")
HOLE = Advisory("GHSA-tide", (), "tide", "1.0", None, None, "1.2")
OLD, NEW = "a" * 64, "b" * 64
ROW = wish(revision=revision("1.0.0", lock_sha256=OLD))


def put(store: FirestoreStore, key: Key[Any], record: Any) -> None:
    store.transact(lambda transaction: transaction.write(key, record))


def stored(rules: dict[str, ProvenanceRule | None], *, relocked: str = OLD) -> FirestoreStore:
    """1.0.0, whose lock OLD has a hole; the latest, 1.1.0, has none and is attested by acme's run; rules by their
    organizations."""
    client: Any = MemoryFirestore()
    store = FirestoreStore(client, "p", "(default)")
    put(store, keys.provider(WEATHER), provider(latest_version="1.1.0"))
    put(store, keys.version(WEATHER, "1.0.0"), version("1.0.0", lock_sha256=relocked))
    attested = version("1.1.0", lock_sha256=NEW, published_by=BY, attestations=(PUBLISH,))
    put(store, keys.version(WEATHER, "1.1.0"), attested)
    for digest, found in ((OLD, (HOLE,)), (NEW, ())):
        put(store, keys.lock_advisories(digest), LockAdvisories(digest, START, START, found, START))
    for organization, rule in rules.items():
        put(store, keys.installation(organization, WEATHER), replace(ROW, organization_id=organization))
        put(store, keys.provenance_policy(organization), ProvenancePolicy(organization, rule, (), START, "user_1"))
    return store


def mended_by(rule: ProvenanceRule | None, *, relocked: str = OLD) -> str | None:
    """What mends an installation of 1.0.0."""
    rules = {ACME.organization_id: rule} if rule else {}
    services: Any = SimpleNamespace(store=stored(rules, relocked=relocked))
    (shown,) = with_lock_facts(services, [Installed(ROW, provider(latest_version="1.1.0"))])
    return shown.lock.mended_by


@pytest.mark.parametrize(
    ("rule", "mends"),
    [
        (None, "1.1.0"),
        (ProvenanceRule(ISSUER, "acme/*"), "1.1.0"),
        (ProvenanceRule(ISSUER, "other/*"), None),
    ],
)
def test_a_version_that_the_organization_refuses_mends_nothing(rule: ProvenanceRule | None, mends: str | None) -> None:
    assert mended_by(rule) == mends


def test_the_installed_version_that_was_locked_again_mends_whatever_is_required() -> None:
    assert mended_by(ProvenanceRule(ISSUER, "other/*"), relocked=NEW) == "1.0.0"


@pytest.mark.parametrize("order", [(ACME, OTHER), (OTHER, ACME)])
def test_a_poll_shows_what_its_own_organization_takes_whoever_asked_before(order: tuple[Organization, ...]) -> None:
    strict = ProvenanceRule(ISSUER, "other/*")
    store, clock = stored({ACME.organization_id: strict, OTHER.organization_id: None}), FakeClock()
    services: Any = SimpleNamespace(store=store, clock=clock, known_providers=KnownProviders())

    def shown() -> dict[str, str | None]:
        polled = [(one.slug, get_installed(services, one, WEATHER, is_poll=True)) for one in order]
        return {slug: found.lock.mended_by for slug, found in polled}

    strictly = {"acme": None, "other": "1.1.0"}
    assert (shown(), shown()) == (strictly, strictly)
    policy = ProvenancePolicy(ACME.organization_id, None, (), START, "user_1")
    put(store, keys.provenance_policy(ACME.organization_id), policy)
    assert shown() == strictly, "a poll reads no policy twice within some seconds"
    clock.turn(seconds=TRUSTED.total_seconds())
    assert shown() == {"acme": "1.1.0", "other": "1.1.0"}
