"""The package index of what a caller may see: distributions, their files, and where each file is.

A distribution comes from one author alone. Installers take the highest version of a name from wherever it is listed, so
an index that mixed authors would let anybody publish a higher one of somebody else's name (dependency confusion).
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from provider_hub.actions import browse, keys
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.indexed_projects import IndexedProjects
from provider_hub.actions.ports import CatalogStore, DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.artifacts import metadata_name
from provider_hub.domain.catalog import Provider, ProviderVersion, audiences_of
from provider_hub.domain.errors import NotFound
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName, is_slug
from provider_hub.domain.organizations import Organization
from provider_hub.domain.package_index import METADATA_SUFFIX, IndexedProject, project_name, project_of

# What one answer lists at most: a function answers within its memory and time, whatever was published.
MAX_PROVIDERS = 10_000
MAX_VERSIONS = 10_000
MAX_PROVIDERS_OF_PROJECT = 20
_PAGE = 300


def own_authors(tenant: Organization | None) -> tuple[str, ...]:
    """The prefixes of the caller's own index, the first of which that has a distribution is the one to give it.

    Never another organization's: it may call a distribution as it likes, also as one that the caller is going to make.
    """
    return (PLATFORM_PREFIX,) if tenant is None else (tenant.slug, PLATFORM_PREFIX)


def named_author(slug: str) -> tuple[str, ...]:
    """The prefix of one author's index. Raises NotFound where there can be no such author."""
    if slug != PLATFORM_PREFIX and not is_slug(slug):
        raise NotFound(f"there is no organization {slug[:80]}")
    return (slug,)


def list_projects(services: Services[CatalogStore], viewer: str | None, authors: Sequence[str]) -> list[str]:
    """The distributions of those that the viewer's organization may see of the authors' providers.

    Of each author, the first MAX_PROVIDERS of those are read.
    """
    audiences = audiences_of(viewer)
    seen = (provider for prefix in authors for provider in _providers_under(services, prefix, audiences))
    return sorted({name for provider in seen for name in provider.distributions})


def get_project(
    services: Services[CatalogStore],
    known: IndexedProjects,
    viewer: str | None,
    authors: Sequence[str],
    text: str,
) -> IndexedProject:
    """A distribution by the first of the authors that has one of that name, in any spelling. Raises NotFound.

    An author's providers that the viewer's organization may not see are no reason to stop at it. Of the others the
    first MAX_PROVIDERS_OF_PROJECT count, and of their versions the first MAX_VERSIONS in all. Versions that `known` has
    are not read.
    """
    none = NotFound(f"there is no distribution {text[:80]} here")
    name = project_name(text)
    if name is None:
        raise none
    for prefix in authors:
        visible = tuple(
            services.store.providers_of_distributions(prefix, (name,), audiences_of(viewer), MAX_PROVIDERS_OF_PROJECT)
        )
        if visible:
            return known.find(name, visible) or _read(services, known, name, visible)
    raise none


def _read(
    services: Services[CatalogStore], known: IndexedProjects, name: str, providers: tuple[Provider, ...]
) -> IndexedProject:
    versions = (version for provider in providers for version in _versions_of(services, provider))
    project = project_of(name, islice(versions, MAX_VERSIONS))
    known.keep(providers, project)
    return project


def file_url(
    services: Services[DocumentStore],
    artifacts: ArtifactStore,
    viewer: str | None,
    name: ProviderName,
    text: str,
    file_name: str,
) -> str:
    """Where anyone may fetch a version's wheel, or the METADATA of it, for a few minutes. Raises NotFound."""
    version = browse.get_version(services, viewer, name, text)
    for called, kept_as in _files_of(version):
        if called == file_name:
            return artifacts.signed_url(kept_as, browse.WHEEL_URL_LIFETIME)
    raise NotFound(f"{name} {text} has no file {file_name[:80]}")


def _files_of(version: ProviderVersion) -> Iterator[tuple[str, str]]:
    """The names of the version's files, and those of their objects."""
    if version.wheel_filename is None or version.wheel_object is None:
        return
    yield version.wheel_filename, version.wheel_object
    if version.metadata_sha256 is not None:
        yield f"{version.wheel_filename}{METADATA_SUFFIX}", metadata_name(version.metadata_sha256)


def _providers_under(services: Services[CatalogStore], prefix: str, audiences: Sequence[str]) -> Iterator[Provider]:
    place, left = None, MAX_PROVIDERS
    while left > 0:
        page = services.store.providers_under(prefix, audiences, place, min(_PAGE, left))
        yield from page
        if len(page) < _PAGE:
            return
        left -= len(page)
        place = keys.provider(page[-1].provider_name).place


def _versions_of(services: Services[CatalogStore], provider: Provider) -> Iterator[ProviderVersion]:
    last = None
    while page := services.store.listed_versions(provider.provider_name, last, _PAGE):
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].version
