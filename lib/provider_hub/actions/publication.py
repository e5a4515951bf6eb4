"""What a publish is about, and the records that come of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from provider_hub.actions.artifacts import KeptWheel
from provider_hub.actions.attestations import Attested
from provider_hub.actions.wheels import Wheel, WheelSource
from provider_hub.actions.wishes.publishing import PublishWish, as_text
from provider_hub.domain.catalog import (
    Author,
    Provider,
    ProviderVersion,
    ResourceSchema,
    VersionStatus,
    in_scope,
    newer_of,
    search_tokens,
)
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import Forbidden
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.organizations import Organization, SlugClaim
from provider_hub.domain.runtimes import DEFAULT_ENTRYPOINT, RuntimeVersion
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version


@dataclass(frozen=True, slots=True)
class Publication:
    """An author's wish, with the name, the wheel's source and the schemas that were read out of it.

    `package_name` is the package to import: the one that was named, then the one that the wheel turned out to have.
    """

    provider: ProviderName
    wish: PublishWish
    source: WheelSource
    package_name: str | None
    schemas: tuple[ResourceSchema, ...]

    @property
    def scope(self) -> Scope | None:
        """Who is to see the provider from this version on; None where the author does not say."""
        return self.wish.metadata.scope if self.wish.metadata else None

    @property
    def entrypoint(self) -> tuple[str, ...] | None:
        """None for the runtime's own command: spelled out, it is still the runtime that runs."""
        given = self.wish.entrypoint
        return None if given is None or tuple(given) == DEFAULT_ENTRYPOINT else tuple(given)


@dataclass(frozen=True, slots=True)
class Built:
    """What was found out before the transaction: the wheel, the runtime it is pinned to, its dependencies, what is
    attested of it; and where the wheel is kept, with the URL that the version is stored with."""

    wheel: Wheel
    runtime: RuntimeVersion
    lock: DependencyLock
    attested: tuple[Attested, ...]
    kept: KeptWheel


def check_author(provider: Provider | None, author: Author) -> None:
    """Raises Forbidden for a provider of another organization, which had this slug before."""
    if provider is not None and provider.author.organization_id != author.organization_id:
        raise Forbidden(
            f"{provider.canonical} is another organization's, which had this slug before: publish under another name, "
            "or ask the platform's support to delete it"
        )


def check_slug(name: ProviderName, author: Author, claim: SlugClaim | None, organization: Organization | None) -> None:
    """Raises Forbidden where the author's slug was released since its request began.

    No release is possible while there is a provider under the slug, so this is asked for a provider's first version. If
    neither the claim nor the organization is stored, the author was resumed after the release, and its next token
    claims the slug again.
    """
    is_anothers = claim is not None and claim.organization_id != author.organization_id
    was_released = claim is None and organization is not None
    if is_anothers or was_released:
        raise Forbidden(
            f"the slug {name.prefix} is not your organization's any more: sign in again, and publish under your own"
        )


def new_version(publication: Publication, built: Built, now: datetime) -> ProviderVersion:
    """The version, as it is stored where nothing was attested of it."""
    wheel = built.wheel
    return ProviderVersion(
        prefix=publication.provider.prefix,
        name=publication.provider.name,
        version=publication.wish.version,
        wheel_url=built.kept.url,
        wheel_sha256=wheel.sha256,
        runtime_version=built.runtime.version,
        status=VersionStatus.PUBLISHED,
        fingerprint=fingerprint_of(publication, wheel.sha256),
        created_at=now,
        updated_at=now,
        published_at=now,
        distribution_name=wheel.distribution,
        summary=wheel.summary,
        requires_python=wheel.requires_python,
        wheel_filename=wheel.file_name,
        wheel_size=wheel.size,
        package_name=publication.package_name,
        entrypoint=publication.entrypoint,
        schemas=publication.schemas,
        config_schema=as_text(publication.wish.config_schema),
        outputs_schema=as_text(publication.wish.outputs_schema),
        changelog=publication.wish.changelog,
        requirements=wheel.requirements,
        lock_sha256=built.lock.sha256,
        lock_packages=len(built.lock.wheels),
        wheel_object=built.kept.name,
        metadata_sha256=built.kept.metadata_sha256,
    )


def catalog_row(publication: Publication, provider: Provider, now: datetime) -> Provider:
    """The provider with what is published of it, and with the newest of its versions as the latest."""
    if metadata := publication.wish.metadata:
        keeps = metadata.only_if_new or ()
        provider = replace(
            provider,
            display_name=provider.display_name if "display_name" in keeps else metadata.display_name,
            description=provider.description if "description" in keeps else metadata.description,
            icon_url=metadata.icon_url if metadata.icon_url is not None else provider.icon_url,
            tags=tuple(metadata.tags or provider.tags),
        )
        # To show it to more people needs no look at who has it; the way back, which does, was gone before.
        if metadata.scope is Scope.PUBLIC:
            provider = in_scope(provider, Scope.PUBLIC)
    latest = newer_of(provider.latest_version, Version.parse(publication.wish.version))
    return replace(provider, latest_version=latest, updated_at=now, search_tokens=search_tokens(provider))


def new_provider(publication: Publication, author: Author, default_scope: Scope, now: datetime) -> Provider:
    """A provider without versions, for its first publish; `default_scope` is for an author who names none."""
    name, metadata = publication.provider, publication.wish.metadata
    scope = Scope.PUBLIC if name.prefix == PLATFORM_PREFIX else publication.scope or default_scope
    provider = Provider(
        prefix=name.prefix,
        name=name.name,
        display_name=metadata.display_name if metadata else name.name,
        description=metadata.description if metadata else "",
        author=author,
        scope=scope,
        audience="",
        latest_version=None,
        created_at=now,
        updated_at=now,
    )
    return in_scope(provider, scope)


def fingerprint_of(publication: Publication, digest: str) -> str:
    """A digest of everything that was published: the wheel by its own digest, without where it was or runs.

    Whether a name or a description was made up does not count: it is the same version.
    """
    facts: Mapping[str, Any] = {
        "sha256": digest,
        "package_name": publication.package_name,
        "entrypoint": publication.entrypoint,
        "schemas": [
            (schema.resource, schema.provider, schema.description, schema.config_schema, schema.outputs_schema)
            for schema in publication.schemas
        ],
        "config_schema": as_text(publication.wish.config_schema),
        "outputs_schema": as_text(publication.wish.outputs_schema),
        "changelog": publication.wish.changelog,
        "metadata": publication.wish.metadata
        and (
            publication.wish.metadata.display_name,
            publication.wish.metadata.description,
            publication.wish.metadata.icon_url,
            publication.wish.metadata.tags or (),
            publication.wish.metadata.scope,
        ),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
