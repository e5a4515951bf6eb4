"""The catalog's records: providers and their versions; and the rules for seeing and finding them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies.lock import DependencyLock
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName, normalised
from provider_hub.domain.publishers.records import PublishedBy
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version, latest

PUBLIC_AUDIENCE = "public"
TOKEN_LENGTH = 12
# A provider has one; who renames it on and on gets no document that is over Firestore's limit.
MAX_DISTRIBUTIONS = 50


class AuthorKind(StrEnum):
    """Whether the platform publishes a provider or one of its customers."""

    PLATFORM = "platform"
    CUSTOMER = "customer"


class VersionStatus(StrEnum):
    """A version's state. Only PUBLISHED can be installed; a YANKED one keeps running where it is installed."""

    BUILDING = "building"
    PUBLISHED = "published"
    FAILED = "failed"
    YANKED = "yanked"


@dataclass(frozen=True, slots=True)
class Author:
    """Who publishes a provider; `organization_id` is None for the platform."""

    kind: AuthorKind
    organization_id: str | None
    display_name: str

    @property
    def owner(self) -> str:
        """What the author's uploads and publishes are counted under; no organization can be called `platform`."""
        return self.organization_id or PLATFORM_PREFIX


PLATFORM_AUTHOR = Author(AuthorKind.PLATFORM, None, "Platform")


@dataclass(frozen=True, slots=True)
class Provider:
    """A catalog row.

    `audience` is `public` or the id of the only organization that may see it, so a query can filter by it.
    `retiring` means that a deletion has begun: no caller can see or install it, and its author can delete it again. If
    it is interrupted before it is certain, the sweeper shows the provider again at `deletion_given_up_at`.
    `distributions` are the normalised names of what its versions' wheels are distributions of: at most
    MAX_DISTRIBUTIONS, by which the package index finds it.
    """

    prefix: str
    name: str
    display_name: str
    description: str
    author: Author
    scope: Scope
    audience: str
    latest_version: str | None
    created_at: datetime
    updated_at: datetime
    icon_url: str | None = None
    readme: str | None = None
    tags: tuple[str, ...] = ()
    search_tokens: tuple[str, ...] = ()
    retiring: bool = False
    distributions: tuple[str, ...] = ()
    deletion_given_up_at: datetime | None = None

    @property
    def provider_name(self) -> ProviderName:
        """The provider's name."""
        return ProviderName(self.prefix, self.name)

    @property
    def canonical(self) -> str:
        """The name as `prefix/name`."""
        return self.provider_name.canonical

    def visible_to(self, organization_id: str | None) -> bool:
        """Whether a caller of this organization may know that it exists; None is a caller who is not signed in."""
        return not self.retiring and self.audience in audiences_of(organization_id)


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """The schemas of one resource type, each as JSON text: Firestore cannot hold the nested lists of a JSON Schema."""

    resource: str
    provider: str
    description: str | None
    config_schema: str | None
    outputs_schema: str | None


@dataclass(frozen=True, slots=True)
class ProviderVersion:
    """A wheel, its verified digest, and the lock of its dependencies.

    Only `status` with `error_message` and `yanked_by_platform`, the lock and `updated_at` ever change; and once, for a
    version without an object, `wheel_object`: when the sweeper keeps its bytes, or the same are published again, which
    changes `wheel_url` and `metadata_sha256` too. Whoever changes what the package index lists of a version writes its
    provider's `updated_at` in the same transaction: the index goes by that.

    `wheel_url` is where the bytes were published; pods ask there after the bucket. `runtime_version` is
    the one that it was pinned to. `wheel_size` is in bytes; `distribution_name`, `summary` and `requires_python` are
    what the wheel says of itself. `wheel_object` is the name of the bucket's object with its bytes, None for a version
    that was published before the hub kept any. `requirements` are the Requires-Dist lines of the wheel, None where the
    version was published before they were kept. `lock_sha256` is the digest of the lock that new installations get, and
    `lock_packages` counts the distributions in it; both are None where there is no lock yet. `lock_due_at` is when the
    sweeper is to lock it, or to lock it again; `lock_message` says what came of it. `fingerprint` is the
    digest of everything that was published. It tells whether a second publish of the version is the same or another
    one. `published_by` is None for what was published before that was recorded. `metadata_sha256` is the digest of the
    wheel's METADATA, by which the bucket keeps it; None where it is not kept. `attestations` are the types of what the
    run that published it attested (`domain.attestations`). If the platform yanked it (`yanked_by_platform`), the author
    cannot take that back.
    """

    prefix: str
    name: str
    version: str
    wheel_url: str
    wheel_sha256: str
    runtime_version: str
    status: VersionStatus
    fingerprint: str
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None
    distribution_name: str | None = None
    summary: str | None = None
    requires_python: str | None = None
    wheel_filename: str | None = None
    wheel_size: int | None = None
    package_name: str | None = None
    entrypoint: tuple[str, ...] | None = None
    source_hash: str | None = None
    build_id: str | None = None
    schemas: tuple[ResourceSchema, ...] = ()
    config_schema: str | None = None
    outputs_schema: str | None = None
    changelog: str | None = None
    error_message: str | None = None
    requirements: tuple[str, ...] | None = None
    lock_sha256: str | None = None
    lock_packages: int | None = None
    wheel_object: str | None = None
    published_by: PublishedBy | None = None
    lock_due_at: datetime | None = None
    lock_message: str | None = None
    metadata_sha256: str | None = None
    attestations: tuple[str, ...] = ()
    yanked_by_platform: bool = False

    @property
    def provider_name(self) -> ProviderName:
        """The provider's name."""
        return ProviderName(self.prefix, self.name)


def yanker_of(version: ProviderVersion) -> str:
    """Who yanked the version, in the words of a sentence to people."""
    return "the platform" if version.yanked_by_platform else "its author"


def is_lock_offered(version: ProviderVersion, lock_sha256: str) -> bool:
    """Whether installations of the version that have another lock are to be offered this one."""
    return version.status is VersionStatus.PUBLISHED and version.lock_sha256 == lock_sha256


@dataclass(frozen=True, slots=True)
class StoredLock:
    """The text of a lock (`pylock.toml`), under its digest. Versions of a provider that need the same share it.

    `packed` is what pods are given. It is kept, because another release of zlib may compress otherwise, and the Secret
    that it stands in never changes. `mirror_due_at` is when its wheels are to be copied into the bucket, None once all
    of them are there.
    """

    prefix: str
    name: str
    sha256: str
    text: str
    packed: str
    created_at: datetime
    mirror_due_at: datetime | None = None

    @classmethod
    def of(cls, provider: ProviderName, lock: DependencyLock, now: datetime) -> Self:
        """The record of a lock that was made just now."""
        due_at = now if lock.wheels else None
        return cls(provider.prefix, provider.name, lock.sha256, lock.text, lock.packed, now, due_at)

    @property
    def provider_name(self) -> ProviderName:
        """The provider whose versions have it."""
        return ProviderName(self.prefix, self.name)


def in_scope(provider: Provider, scope: Scope) -> Provider:
    """The provider as `scope` shows it: to everyone, or to its author's organization."""
    audience = PUBLIC_AUDIENCE if scope is Scope.PUBLIC else str(provider.author.organization_id)
    return replace(provider, scope=scope, audience=audience)


def takes_distribution(provider: Provider, distribution: str) -> bool:
    """Whether the package index can find the provider by this distribution: it does, or there is room for one more."""
    return normalised(distribution) in provider.distributions or len(provider.distributions) < MAX_DISTRIBUTIONS


def with_distribution(provider: Provider, distribution: str) -> Provider:
    """The provider, found by this distribution as well; the same one where it is, or where it takes no other."""
    name = normalised(distribution)
    if name in provider.distributions or not takes_distribution(provider, name):
        return provider
    return replace(provider, distributions=(*provider.distributions, name))


def audiences_of(organization_id: str | None) -> tuple[str, ...]:
    """The audiences that a caller belongs to; None is a caller who is not signed in."""
    return (PUBLIC_AUDIENCE,) if organization_id is None else (PUBLIC_AUDIENCE, organization_id)


def words_of(text: str) -> tuple[str, ...]:
    """The words that a search compares: runs of letters and digits, in lower case."""
    return tuple(re.findall(r"[^\W_]+", text.lower()))


def has_words(provider: Provider, words: Sequence[str]) -> bool:
    """Whether each of `words` is the beginning of a word in the provider's name or description."""
    described = _described(provider)
    return all(any(word.startswith(beginning) for word in described) for beginning in words)


def search_tokens(provider: Provider) -> tuple[str, ...]:
    """The tokens that a query can find the provider by: the beginnings of every word, and `#tag` for every tag.

    A Firestore query matches one token only. A search for several words filters what one of them finds.
    """
    beginnings = {
        word[:length] for word in _described(provider) for length in range(1, min(len(word), TOKEN_LENGTH) + 1)
    }
    return tuple(sorted(beginnings)) + tuple(f"#{tag}" for tag in provider.tags)


def _described(provider: Provider) -> tuple[str, ...]:
    return words_of(f"{provider.prefix} {provider.name} {provider.display_name} {provider.description}")


def newer_of(current: str | None, candidate: Version) -> str:
    """The version that is the latest of the two; `current` None is a provider without one."""
    known = [Version.parse(current)] if current else []
    return str(latest([*known, candidate]))
