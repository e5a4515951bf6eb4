"""One organization publishes within its share, and what it does to its wheel host takes nobody else's turn."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from tests.builders import ACME as ORGANIZATION
from tests.builders import CLOUD, RUNTIME, WEATHER, actor_of, provider, version
from tests.builders import wish as installation
from tests.fakes import START, FakeWheels
from tests.integration.backend import Backend

from provider_hub.actions import keys, stored_allowance
from provider_hub.actions.ports import Key
from provider_hub.actions.publish import publish
from provider_hub.actions.publishing_rules import PublishingRules
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.services import Services
from provider_hub.actions.wheels import AttachedFile
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.domain.catalog import (
    MAX_DISTRIBUTIONS,
    PLATFORM_AUTHOR,
    Author,
    AuthorKind,
    Provider,
    in_scope,
)
from provider_hub.domain.errors import Conflict, Invalid, NotFound, QuotaExceeded
from provider_hub.domain.identity import OrganizationClaims, User
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.publishers.records import PublishingPolicy
from provider_hub.domain.publishing_use import PublishingLimits
from provider_hub.domain.scope import Scope
from provider_hub.http.call import Call
from provider_hub.http.functions.publishing import Hub, upload

ACME = Author(AuthorKind.CUSTOMER, "org_acme", "Acme")
OTHER = Author(AuthorKind.CUSTOMER, "org_other", "Other")


def limited(backend: Backend, **limits: int) -> Services:
    services = backend.services
    backend.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    rules = PublishingRules(services.publishing_rules.runtime, limits=PublishingLimits(**limits))
    return replace(services, publishing=rules)


def wish(name: ProviderName, text: str = "9.0.0") -> PublishWish:
    return PublishWish.model_validate(
        {
            "name": str(name),
            "version": text,
            "wheel_url": f"https://wheels.example/{name.name}-{text}-py3-none-any.whl",
            "metadata": {"display_name": "x", "description": "y"},
        }
    )


def go(services: Services, name: ProviderName, author: Author, wheels: Any = None, text: str = "9.0.0") -> None:
    publish(services, wheels or FakeWheels(), name, wish(name, text), author, actor_of(author.organization_id))


def test_a_second_publish_at_the_same_time_is_refused_and_another_organizations_is_not(backend: Backend) -> None:
    services = limited(backend, at_once=1)
    elsewhere = ProviderName("other", "radio")

    def meanwhile() -> None:
        with pytest.raises(QuotaExceeded, match="1 publishes under way"):
            go(services, ProviderName("acme", "second"), ACME)
        go(services, elsewhere, OTHER)
        go(services, CLOUD, PLATFORM_AUTHOR)

    go(services, WEATHER, ACME, FakeWheels(while_fetching=meanwhile))
    assert services.store.get(keys.version(elsewhere, "9.0.0"))
    go(services, ProviderName("acme", "second"), ACME)


def test_a_publish_that_fails_gives_its_turn_back_and_leaves_nothing(backend: Backend) -> None:
    services = limited(backend, at_once=1)
    before = backend.documents.all()

    def fail() -> None:
        raise Invalid.at("body", "wheel_url", msg="no such wheel")

    for _ in range(2):
        with pytest.raises(Invalid, match="no such wheel"):
            go(services, WEATHER, ACME, FakeWheels(while_fetching=fail))
    assert backend.documents.all() == before


def test_a_day_has_so_many_versions_of_an_organization(backend: Backend) -> None:
    services = limited(backend, a_day=2)
    for text in ("9.0.0", "9.0.1"):
        go(services, WEATHER, ACME, text=text)
    with pytest.raises(QuotaExceeded, match="2 versions today"):
        go(services, WEATHER, ACME, text="9.0.2")
    backend.clock.turn(days=1)
    go(services, WEATHER, ACME, text="9.0.2")


def test_an_organization_has_so_many_providers_and_a_provider_so_many_versions(backend: Backend) -> None:
    services = limited(backend, providers=1, versions=1)
    backend.put(keys.provider(WEATHER), provider())
    backend.put(keys.version(WEATHER, "1.0.0"), version("1.0.0"))
    with pytest.raises(QuotaExceeded, match="1 providers"):
        go(services, ProviderName("acme", "second"), ACME)
    with pytest.raises(QuotaExceeded, match="1 versions"):
        go(services, WEATHER, ACME)
    go(services, ProviderName("other", "radio"), OTHER)


def used(services: Services) -> int:
    use = services.store.get(keys.publishing_use("org_acme"))
    return use.stored_bytes(services.clock()) if use else 0


def test_what_an_organization_has_kept_is_counted_once_and_has_a_bound(backend: Backend) -> None:
    services = limited(backend, stored_bytes=2500)
    wheels = FakeWheels()
    go(services, WEATHER, ACME, wheels)
    assert used(services) == 1000
    # The same object again, of a publish that is refused in the end, is no other byte.
    with pytest.raises(Conflict):
        go(services, WEATHER, ACME, FakeWheels(digest="b" * 64, kept=wheels.kept))
    go(services, WEATHER, ACME, wheels, text="9.0.1")
    assert used(services) == 2000
    with pytest.raises(QuotaExceeded, match="more, and deleting versions frees nothing: ask the platform to allow"):
        go(services, WEATHER, ACME, wheels, text="9.0.2")
    assert used(services) == 2000
    go(services, ProviderName("other", "radio"), OTHER)
    go(services, CLOUD, PLATFORM_AUTHOR, text="9.0.3")


def test_the_platform_lets_an_organization_at_its_bound_publish_again(backend: Backend) -> None:
    services, wheels = limited(backend, stored_bytes=1500), FakeWheels()
    backend.put(keys.organization("org_acme"), ORGANIZATION)
    backend.put(keys.slug("acme"), SlugClaim("acme", "org_acme"))
    go(services, WEATHER, ACME, wheels)
    with pytest.raises(QuotaExceeded):
        go(services, WEATHER, ACME, wheels, text="9.0.1")
    allowed = stored_allowance.allow(services, actor_of(None), "org_acme", 5000)
    assert (allowed.use.allowed_bytes, allowed.use.stored_bytes(backend.clock())) == (5000, 1000)
    go(services, WEATHER, ACME, wheels, text="9.0.1")
    assert stored_allowance.stored_of(services, "org_acme").use.allowed_bytes == 5000, "publishing keeps the decision"
    stored_allowance.allow(services, actor_of(None), "org_acme", None)
    with pytest.raises(QuotaExceeded):
        go(services, WEATHER, ACME, wheels, text="9.0.2")
    go(services, ProviderName("other", "radio"), OTHER)
    with pytest.raises(NotFound, match="no organization org_none"):
        stored_allowance.allow(services, actor_of(None), "org_none", 1)


def test_metadata_that_lies_beside_a_wheel_is_of_the_share(backend: Backend) -> None:
    services = limited(backend, stored_bytes=2500)
    wheels = FakeWheels(metadata_size=400)
    go(services, WEATHER, ACME, wheels)
    assert used(services) == 1400
    with pytest.raises(QuotaExceeded, match="ask the platform to allow more"):
        go(services, WEATHER, ACME, wheels, text="9.0.1")
    assert (used(services), len(wheels.kept)) == (1400, 1)


def shown(scope: Scope) -> Provider:
    return in_scope(provider(), scope)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ({keys.provider_policy(WEATHER): PublishingPolicy(False, START, "user_1", attested_only=True)}, "attest it"),
        ({keys.provider(WEATHER): provider(retiring=True)}, "is being deleted"),
        (
            {
                keys.provider(WEATHER): shown(Scope.PUBLIC),
                keys.installation("org_other", WEATHER): installation(organization_id="org_other"),
            },
            "installed by 1 other",
        ),
    ],
)
def test_what_the_stored_provider_refuses_is_refused_before_the_wheel_is_fetched(
    backend: Backend, stored: dict[Key[Any], Any], told: str
) -> None:
    services, wheels = limited(backend), FakeWheels()
    for key, record in stored.items():
        backend.put(key, record)
    wanted = wish(WEATHER)
    hidden = wanted.model_copy(update={"metadata": MetadataWish(display_name="x", description="y", scope=Scope.TENANT)})
    with pytest.raises(Conflict, match=told):
        publish(services, wheels, WEATHER, hidden, ACME, actor_of("org_acme"))
    assert (wheels.fetched, wheels.kept, used(services)) == ([], set(), 0)


def test_a_version_that_must_be_attested_is_refused_though_the_rule_came_while_it_was_fetched(backend: Backend) -> None:
    policy = PublishingPolicy(False, START, "user_1", attested_only=True)
    wheels = FakeWheels(while_fetching=lambda: backend.put(keys.provider_policy(WEATHER), policy))
    with pytest.raises(Conflict, match="attest it"):
        go(limited(backend), WEATHER, ACME, wheels)
    assert backend.store.get(keys.version(WEATHER, "9.0.0")) is None


def test_a_distribution_that_the_index_could_not_find_is_refused_before_it_is_kept(backend: Backend) -> None:
    services, wheels = limited(backend), FakeWheels(distribution="one_more")
    full = replace(provider(), distributions=tuple(f"d-{number}" for number in range(MAX_DISTRIBUTIONS)))
    backend.put(keys.provider(WEATHER), full)
    with pytest.raises(Conflict, match=r"wheels of 50 distributions.*publish one_more as another"):
        go(services, WEATHER, ACME, wheels)
    assert (wheels.kept, used(services)) == (set(), 0)
    go(services, WEATHER, ACME, FakeWheels(distribution="D.7"))
    meanwhile = FakeWheels(distribution="last", while_fetching=lambda: backend.put(keys.provider(WEATHER), full))
    backend.put(keys.provider(WEATHER), replace(full, distributions=full.distributions[1:]))
    with pytest.raises(Conflict, match="wheels of 50 distributions"):
        go(services, WEATHER, ACME, meanwhile, text="9.0.1")
    assert backend.store.get(keys.version(WEATHER, "9.0.1")) is None


def test_a_publish_that_hides_its_provider_takes_once_from_the_audit_s_budget(backend: Backend) -> None:
    services = replace(limited(backend), audit_budget=RequestBudget(1, "audited changes"))
    backend.put(keys.provider(WEATHER), shown(Scope.PUBLIC))
    metadata = MetadataWish(display_name="x", description="y", scope=Scope.TENANT)
    hidden = wish(WEATHER).model_copy(update={"metadata": metadata})
    assert publish(services, FakeWheels(), WEATHER, hidden, ACME, actor_of("org_acme")).created


def test_what_a_publish_kept_that_failed_afterwards_counts(backend: Backend) -> None:
    services = limited(backend)
    wheels = FakeWheels(while_fetching=lambda: backend.put(keys.version(WEATHER, "9.0.0"), version("9.0.0")))
    with pytest.raises(Conflict):
        go(services, WEATHER, ACME, wheels)
    assert wheels.kept
    assert used(services) == 1000


def test_a_form_is_read_within_its_organizations_turn(backend: Backend) -> None:
    services = limited(backend, at_once=1)
    hub = Hub(services, FakeWheels(), artifacts=None)  # type: ignore[arg-type]
    caller = User("user_1", organization=OrganizationClaims("org_acme", "acme"))

    class SlowForm:
        def read(self) -> AttachedFile:
            with pytest.raises(QuotaExceeded, match="1 publishes under way"):
                go(services, WEATHER, ACME)
            return AttachedFile(BytesIO(), "radio-1.0.0-py3-none-any.whl", "a" * 64, "")

    published = upload(hub, Call({}, caller, ORGANIZATION), form=SlowForm())  # type: ignore[arg-type]
    assert (published.canonical, published.version) == ("acme/radio", "1.0.0")
    go(services, WEATHER, ACME)
