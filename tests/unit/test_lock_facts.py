"""What is shown to mend an installation is a version that its organization takes."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import ACME, WEATHER, provider, revision, version, wish
from tests.fakes import START
from tests.faults.memory_firestore import MemoryFirestore

from provider_hub.actions import keys
from provider_hub.actions.installed import Installed
from provider_hub.actions.lock_facts import with_lock_facts
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.advisories import Advisory, LockAdvisories
from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind

ISSUER = "https://ci"
BY = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, issuer=ISSUER, repository="acme/weather")
HOLE = Advisory("GHSA-tide", (), "tide", "1.0", None, None, "1.2")
OLD, NEW = "a" * 64, "b" * 64


def mended_by(rule: ProvenanceRule | None, *, relocked: str = OLD) -> str | None:
    """What mends 1.0.0, whose lock OLD has a hole; the latest, 1.1.0, has none and is attested by acme's run."""
    client: Any = MemoryFirestore()
    store = FirestoreStore(client, "p", "(default)")

    def put(key: Key[Any], record: Any) -> None:
        store.transact(lambda transaction: transaction.write(key, record))

    put(keys.version(WEATHER, "1.0.0"), version("1.0.0", lock_sha256=relocked))
    put(keys.version(WEATHER, "1.1.0"), version("1.1.0", lock_sha256=NEW, published_by=BY, attestations=(PUBLISH,)))
    for digest, found in ((OLD, (HOLE,)), (NEW, ())):
        put(keys.lock_advisories(digest), LockAdvisories(digest, START, START, found, START))
    if rule:
        organization = ACME.organization_id
        put(keys.provenance_policy(organization), ProvenancePolicy(organization, rule, (), START, "user_1"))
    row = wish(revision=revision("1.0.0", lock_sha256=OLD))
    services: Any = SimpleNamespace(store=store)
    (shown,) = with_lock_facts(services, [Installed(row, provider(latest_version="1.1.0"))])
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
