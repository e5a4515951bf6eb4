"""Locks the dependencies of a wheel for the runtime that it is pinned to, so that every install of it is the same."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from provider_hub.actions import keys
from provider_hub.actions.ports import CatalogStore
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.services import Services
from provider_hub.domain.dependencies import DependencyLock, LockedWheel, LockRefused
from provider_hub.domain.dependencies.requirements import applying, normalised, required_names
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.runtimes import RuntimeImage


def locked_dependencies(
    services: Services[CatalogStore],
    requires_dist: Sequence[str],
    distribution: str,
    image: RuntimeImage,
    publisher: str,
) -> DependencyLock:
    """The lock of what a wheel needs in that image, by its Requires-Dist lines.

    `distribution` is the wheel's own name, `publisher` the prefix that it is published under.

    No index is asked where nothing is needed. Raises Invalid with the resolver's reason, or TemporaryError.
    """
    try:
        requirements = applying(requires_dist, image)
        if not requirements:
            return DependencyLock.of(image, ())
        own = _own_distributions(services, publisher, required_names(requirements))
        wanted = Dependencies(requirements, image, own, services.clock(), publisher)
        lock = _resolved(services, wanted)
        _refuse_the_wheel_itself(lock, distribution)
    except LockRefused as refusal:
        raise Invalid.at("body", "wheel_url", msg=str(refusal)) from refusal
    return lock


def _resolved(services: Services[CatalogStore], wanted: Dependencies) -> DependencyLock:
    """The lock, in which a file may be younger than the cooldown only if the publisher published that very file.

    A name proves nothing: anybody may register it on a public index, and anybody may call a provider like a
    distribution of somebody else.
    """
    lock = services.resolver.resolve(wanted)
    own = [wheel for wheel in lock.wheels if wheel.name in wanted.own]
    if all(_is_published(services, wanted.publisher, wheel) for wheel in own):
        return lock
    # Both together have the time of one: a publish that fetched slowly is near its own end.
    left = max(wanted.within - (services.clock() - wanted.at), timedelta())
    return services.resolver.resolve(replace(wanted, own=frozenset(), within=left))


def _is_published(services: Services[CatalogStore], publisher: str, wheel: LockedWheel) -> bool:
    """Whether the wheel's digest is that of a version of the publisher's provider of the same name."""
    # Costs as much to import as `domain.dependencies.requirements` says.
    from provider_hub.domain.wheels.versions import same_version  # noqa: PLC0415

    (name,) = _providers_of(publisher, [wheel.name])
    spellings = [text for text in services.store.version_numbers(name) if same_version(text, wheel.version)]
    versions = services.store.get_all([keys.version(name, text) for text in spellings])
    return any(version is not None and version.wheel_sha256 == wheel.sha256 for version in versions)


def _own_distributions(services: Services[CatalogStore], publisher: str, names: frozenset[str]) -> frozenset[str]:
    """Those of the distributions that the publisher's own providers are made of."""
    providers = services.store.get_all([keys.provider(name) for name in _providers_of(publisher, sorted(names))])
    latest = [(one.provider_name, one.latest_version) for one in providers if one]
    versions = services.store.get_all([keys.version(name, text) for name, text in latest if text])
    return names & {
        normalised(version.distribution_name) for version in versions if version and version.distribution_name
    }


def _providers_of(publisher: str, names: Iterable[str]) -> Iterable[ProviderName]:
    for name in names:
        try:
            yield ProviderName.parse(f"{publisher}/{name}")
        except ValueError:
            continue  # no provider can be called so


def _refuse_the_wheel_itself(lock: DependencyLock, distribution: str) -> None:
    """Two wheels of one distribution cannot be installed together, and only one of them was verified."""
    if any(one.name == normalised(distribution) for one in lock.wheels):
        raise LockRefused(
            f"a dependency of the wheel requires {distribution} itself, which would be installed beside the "
            "wheel: give the wheel's distribution another name, or drop that dependency"
        )
