"""The store's records: organizations, providers and their versions, and the rules that read them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.versions import Version, latest

PUBLIC_AUDIENCE = "public"
TOKEN_LENGTH = 12


class Scope(StrEnum):
    """Who may see a provider: everyone, or its own organization."""

    PUBLIC = "public"
    TENANT = "tenant"


class AuthorKind(StrEnum):
    PLATFORM = "platform"
    CUSTOMER = "customer"


class VersionStatus(StrEnum):
    BUILDING = "building"
    PUBLISHED = "published"
    FAILED = "failed"
    YANKED = "yanked"


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant, known since its claims were first seen; its slug never changes, since namespaces hang on it."""

    organization_id: str
    name: str
    slug: str
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SlugClaim:
    """Which organization a slug belongs to: the first that came with it."""

    slug: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Author:
    kind: AuthorKind
    organization_id: str | None
    display_name: str


PLATFORM_AUTHOR = Author(AuthorKind.PLATFORM, None, "Platform")


@dataclass(frozen=True, slots=True)
class Provider:
    """A catalog row.

    `audience` is who may find it, in one word that a query can ask for: `public`, or the one organization.
    While `retiring`, a deletion is under way: nobody can see or install it, and the author can delete it again.
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

    @property
    def provider_name(self) -> ProviderName:
        return ProviderName(self.prefix, self.name)

    @property
    def canonical(self) -> str:
        return self.provider_name.canonical

    def visible_to(self, organization_id: str | None) -> bool:
        """Whether a caller of this organization (None: nobody signed in) may know that it exists."""
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
    """A wheel and its verified digest. Nothing but `status` (and what goes with it) ever changes.

    `fingerprint` is the digest of everything that was published, so that publishing the same again is
    told from publishing something else under a version that is taken.
    """

    prefix: str
    name: str
    version: str
    wheel_url: str
    wheel_sha256: str
    status: VersionStatus
    fingerprint: str
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None
    runtime_version: str | None = None
    package_name: str | None = None
    entrypoint: tuple[str, ...] | None = None
    source_hash: str | None = None
    build_id: str | None = None
    schemas: tuple[ResourceSchema, ...] = ()
    config_schema: str | None = None
    outputs_schema: str | None = None
    changelog: str | None = None
    error_message: str | None = None

    @property
    def provider_name(self) -> ProviderName:
        return ProviderName(self.prefix, self.name)

    @property
    def semver(self) -> Version:
        return Version.parse(self.version)


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """A released image of the runtime, which a provider version may pin."""

    version: str
    image_url: str
    changelog: str | None
    released_at: datetime
    created_at: datetime
    updated_at: datetime


def scope_of(prefix: str) -> Scope:
    """Who sees what is published under `prefix`: the platform's is everyone's, a tenant's its own."""
    return Scope.PUBLIC if prefix == PLATFORM_PREFIX else Scope.TENANT


def audiences_of(organization_id: str | None) -> tuple[str, ...]:
    """The audiences that a caller belongs to; None is nobody in particular."""
    return (PUBLIC_AUDIENCE,) if organization_id is None else (PUBLIC_AUDIENCE, organization_id)


def words_of(text: str) -> tuple[str, ...]:
    """The words that search compares: lower-case runs of letters and digits."""
    return tuple(re.findall(r"[^\W_]+", text.lower()))


def has_words(provider: Provider, words: Sequence[str]) -> bool:
    """Whether each of `words` begins a word that the provider is described with."""
    described = _described(provider)
    return all(any(word.startswith(beginning) for word in described) for beginning in words)


def search_tokens(provider: Provider) -> tuple[str, ...]:
    """What a query may ask one at a time for: the beginnings of every word, and `#tag` for every tag.

    Firestore finds a document by one token only; a search for several words filters what the first one finds.
    """
    beginnings = {
        word[:length] for word in _described(provider) for length in range(1, min(len(word), TOKEN_LENGTH) + 1)
    }
    return tuple(sorted(beginnings)) + tuple(f"#{tag}" for tag in provider.tags)


def _described(provider: Provider) -> tuple[str, ...]:
    return words_of(f"{provider.prefix} {provider.name} {provider.display_name} {provider.description}")


def newer_of(current: str | None, candidate: Version) -> str:
    """Which of the two "latest" names."""
    known = [Version.parse(current)] if current else []
    return str(latest([*known, candidate]))
