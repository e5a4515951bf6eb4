"""Records as tests need them: each with sound values, of which a test names those it is about."""

from typing import Any

from provider_hub.domain.catalog import (
    PLATFORM_AUTHOR,
    PUBLIC_AUDIENCE,
    Author,
    AuthorKind,
    Organization,
    Provider,
    ProviderVersion,
    Scope,
    VersionStatus,
)
from provider_hub.domain.installation import (
    Installation,
    LifecycleState,
    ResourceTier,
    Revision,
    UpgradePolicy,
)
from provider_hub.domain.names import ProviderName
from tests.fakes import START

ACME = Organization("org_acme", "Acme", "acme", "active", START, START)
OTHER = Organization("org_other", "Other", "other", "active", START, START)
WEATHER = ProviderName("acme", "weather")
CLOUD = ProviderName("platform", "cloud")


def revision(version: str = "1.0.0", **changes: Any) -> Revision:
    return Revision(**{"version": version, "resource_tier": ResourceTier.STANDARD, "config": {}, **changes})


def wish(**changes: Any) -> Installation:
    """An installation as it is wished for, before its first step."""
    given: dict[str, Any] = {
        "organization_id": ACME.organization_id,
        "organization_slug": ACME.slug,
        "prefix": WEATHER.prefix,
        "name": WEATHER.name,
        "installation_id": "01JGFJJZ00000000000000000A",
        "generation": 1,
        "revision": revision(),
        "upgrade_policy": UpgradePolicy.MANUAL,
        "lifecycle_state": LifecycleState.PENDING,
        "created_at": START,
        "updated_at": START,
    }
    return Installation(**{**given, **changes})


def provider(name: ProviderName = WEATHER, **changes: Any) -> Provider:
    """A tenant's own provider, or a public one of the platform, by its prefix."""
    platform = name.prefix == "platform"
    given: dict[str, Any] = {
        "prefix": name.prefix,
        "name": name.name,
        "display_name": name.name.title(),
        "description": "",
        "author": PLATFORM_AUTHOR if platform else Author(AuthorKind.CUSTOMER, f"org_{name.prefix}", name.prefix),
        "scope": Scope.PUBLIC if platform else Scope.TENANT,
        "audience": PUBLIC_AUDIENCE if platform else f"org_{name.prefix}",
        "latest_version": "1.0.0",
        "created_at": START,
        "updated_at": START,
    }
    return Provider(**{**given, **changes})


def version(text: str = "1.0.0", name: ProviderName = WEATHER, **changes: Any) -> ProviderVersion:
    given: dict[str, Any] = {
        "prefix": name.prefix,
        "name": name.name,
        "version": text,
        "wheel_url": f"https://wheels.example/{name.name}-{text}-py3-none-any.whl",
        "wheel_sha256": "a" * 64,
        "status": VersionStatus.PUBLISHED,
        "fingerprint": "f" * 64,
        "created_at": START,
        "updated_at": START,
        "published_at": START,
    }
    return ProviderVersion(**{**given, **changes})
