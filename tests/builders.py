"""Records as tests need them: each with sound values, of which a test names those it is about."""

from typing import Any

from provider_hub.domain.audit import Actor, ActorKind
from provider_hub.domain.catalog import (
    PLATFORM_AUTHOR,
    PUBLIC_AUDIENCE,
    Author,
    AuthorKind,
    Provider,
    ProviderVersion,
    VersionStatus,
)
from provider_hub.domain.installation import (
    Installation,
    InstallationRequest,
    LifecycleState,
    RequestKind,
    ResourceTier,
    Revision,
    UpgradePolicy,
)
from provider_hub.domain.messages import encode
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.publishers.records import Publisher
from provider_hub.domain.records import DeadLetter, Topic
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.domain.runtimes import RuntimeImage, registered_default
from provider_hub.domain.scope import Scope
from tests.fakes import START

ACME = Organization("org_acme", "Acme", "acme", "active", START, START)
FULL = Organization("org_full", "Full", "full", "active", START, START)
OTHER = Organization("org_other", "Other", "other", "active", START, START)
WEATHER = ProviderName("acme", "weather")
CLOUD = ProviderName("platform", "cloud")
IMAGE = RuntimeImage("runtime:1", "3.13", "manylinux_2_36_x86_64")
RUNTIME = registered_default(IMAGE, START)


def actor_of(organization_id: str | None) -> Actor:
    """Someone of the organization, or the platform's release CI (None)."""
    if organization_id is None:
        return Actor(ActorKind.CONSOLE_MACHINE, "mch_console", None)
    return Actor(ActorKind.MACHINE, "mch_1", organization_id, "203.0.113.9")


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
        "runtime_version": RUNTIME.version,
        "status": VersionStatus.PUBLISHED,
        "fingerprint": "f" * 64,
        "created_at": START,
        "updated_at": START,
        "published_at": START,
    }
    return ProviderVersion(**{**given, **changes})


def rollout(text: str = "1.0.0", name: ProviderName = WEATHER, **changes: Any) -> Rollout:
    given: dict[str, Any] = {
        "prefix": name.prefix,
        "name": name.name,
        "version": text,
        "state": RolloutState.RUNNING,
        "candidates": 1,
        "created_at": START,
        "updated_at": START,
        "due_at": START,
    }
    return Rollout(**{**given, **changes})


def dead_letter(letter_id: str = "01LIFE-1", name: ProviderName = WEATHER, **changes: Any) -> DeadLetter:
    """Of an event that is stale by now: whoever gets it again has nothing to do."""
    organization_id = f"org_{name.prefix}"
    request = InstallationRequest(
        RequestKind.INSTALL,
        organization_id,
        name.canonical,
        "01LIFE",
        generation=1,
        version="1.0.0",
        requested_at=START,
    )
    given: dict[str, Any] = {
        "dead_letter_id": letter_id,
        "event_id": letter_id,
        "topic": Topic.INSTALLATION_EVENTS,
        "ordering_key": "01LIFE",
        "payload": encode(request).decode(),
        "organization_id": organization_id,
        "provider": name.canonical,
        "event_type": "INSTALL_REQUESTED",
        "error_message": "the cluster did not answer",
        "attempt_count": 10,
        "failed_at": START,
        "expires_at": START,
    }
    return DeadLetter(**{**given, **changes})


def publisher(**changes: Any) -> Publisher:
    """A workflow of GitHub that publishes acme/weather, after its first run."""
    given: dict[str, Any] = {
        "publisher_id": "01JGFJJZ00000000000000000P",
        "prefix": "acme",
        "name": "weather",
        "organization_id": "org_acme",
        "organization_slug": "acme",
        "organization_name": "Acme",
        "platform": Platform.GITHUB,
        "issuer": "https://token.actions.githubusercontent.com",
        "repository": "acme/weather",
        "repository_key": "acme/weather",
        "workflow": ".github/workflows/release.yml",
        "created_at": START,
        "created_by": "user_ada",
        "environment": "Release",
        "ref": "refs/tags/*",
        "repository_id": "74",
        "owner_id": "65",
        "pinned_at": START,
    }
    return Publisher(**{**given, **changes})
