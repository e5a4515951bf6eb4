"""Locks the dependencies of a wheel for the runtime that it is pinned to, so that every install of it is the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from provider_hub.actions import keys
from provider_hub.actions.ports import CatalogStore
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import audiences_of
from provider_hub.domain.dependencies import DependencyLock, LockedWheel, LockRefused
from provider_hub.domain.dependencies.requirements import applying, required_names
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName, normalised
from provider_hub.domain.runtimes import RuntimeImage

# By distribution.
OwnProviders = Mapping[str, Iterable[ProviderName]]

# The most that the store looks up at once.
_NAMES_A_QUERY = 15
# A distribution has wheels in a few of an author's providers at most.
_PROVIDERS_A_QUERY = 300


def locked_dependencies(
    services: Services[CatalogStore],
    requires_dist: Sequence[str],
    distribution: str,
    image: RuntimeImage,
    prefix: str,
    hint: Callable[[], str] = lambda: "",
) -> DependencyLock:
    """The lock of what a wheel needs in that image, by its Requires-Dist lines.

    `distribution` is the wheel's own name, `prefix` the one that it is published under. `hint` ends a refusal
    that another Python might lift.

    No index is asked where nothing is needed. Raises Invalid with the resolver's reason, or TemporaryError.
    """
    try:
        requirements = applying(requires_dist, image)
        if not requirements:
            return DependencyLock.of(image, ())
        own = _own_providers(services, prefix, required_names(requirements))
        wanted = Dependencies(requirements, image, frozenset(own), services.clock(), prefix)
        lock = _resolved(services, wanted, own)
        _refuse_the_wheel_itself(lock, distribution)
    except LockRefused as refusal:
        more = hint() if refusal.may_fit_elsewhere else ""
        raise Invalid.at("body", "wheel_url", msg=f"{refusal}{more}") from refusal
    return lock


def _resolved(services: Services[CatalogStore], wanted: Dependencies, own: OwnProviders) -> DependencyLock:
    """The lock, in which a file may be younger than the cooldown only if the author published that very file.

    A name proves nothing: anybody may register it on a public index, and anybody may call a distribution like that of
    somebody else.
    """
    lock = services.resolver.resolve(wanted)
    if all(_is_published(services, own[wheel.name], wheel) for wheel in lock.wheels if wheel.name in own):
        return lock
    # Both together have the time of one: a publish that fetched slowly is near its own end.
    left = max(wanted.within - (services.clock() - wanted.at), timedelta())
    return services.resolver.resolve(replace(wanted, own=frozenset(), within=left))


def _is_published(services: Services[CatalogStore], providers: Iterable[ProviderName], wheel: LockedWheel) -> bool:
    """Whether the wheel's digest is that of a version of one of the providers."""
    # Costs as much to import as `domain.dependencies.requirements` says.
    from provider_hub.domain.wheels.versions import same_version  # noqa: PLC0415

    found = ((name, text) for name in providers for text in services.store.version_numbers(name))
    wanted = [keys.version(name, text) for name, text in found if same_version(text, wheel.version)]
    return any(version and version.wheel_sha256 == wheel.sha256 for version in services.store.get_all(wanted))


def _own_providers(services: Services[CatalogStore], prefix: str, names: frozenset[str]) -> OwnProviders:
    """The author's own providers, by each distribution of `names` that they have wheels of.

    A provider need not be called like the distribution.
    """
    claim = services.store.get(keys.slug(prefix))
    audiences = audiences_of(claim.organization_id if claim else None)
    asked, own = sorted(names), dict[str, list[ProviderName]]()
    for start in range(0, len(asked), _NAMES_A_QUERY):
        some = asked[start : start + _NAMES_A_QUERY]
        for provider in services.store.providers_of_distributions(prefix, some, audiences, _PROVIDERS_A_QUERY):
            for distribution in names.intersection(provider.distributions):
                own.setdefault(distribution, []).append(provider.provider_name)
    return own


def _refuse_the_wheel_itself(lock: DependencyLock, distribution: str) -> None:
    """Two wheels of one distribution cannot be installed together, and only one of them was verified."""
    if any(one.name == normalised(distribution) for one in lock.wheels):
        raise LockRefused(
            f"a dependency of the wheel requires {distribution} itself, which would be installed beside the "
            "wheel: give the wheel's distribution another name, or drop that dependency"
        )
