"""The package index that pip and uv read (contract, section 4): PEP 503 in HTML and PEP 691 in JSON.

Which of the two an answer is, `Accept` says. Both tell the same, and where a file's attestations are (PEP 740).
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol, Self

from pydantic import ConfigDict, Field, PrivateAttr

from provider_hub.actions import package_index
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.indexed_projects import IndexedProjects
from provider_hub.actions.services import Services
from provider_hub.domain.package_index import IndexedFile, IndexedProject
from provider_hub.http.call import Call, Reply
from provider_hub.http.models import Representable, Response
from provider_hub.http.parameters import PROVIDER, VERSION, Parameter
from provider_hub.http.route import HTML, Access, Routes
from provider_hub.http.version_view import file_path, integrity_path

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
SIMPLE_HTML = "application/vnd.pypi.simple.v1+html"
# What a client knows from: sizes and upload times since 1.1 (PEP 700), attestations since 1.3 (PEP 740).
API_VERSION = "1.3"
_ROOT = "/simple"


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""

    @property
    def artifacts(self) -> ArtifactStore:
        """The bucket."""

    @property
    def indexed(self) -> IndexedProjects:
        """The projects that this process has read."""


routes: Routes[Hub] = Routes(
    "catalog",
    parameters={
        **PROVIDER,
        **VERSION,
        "project": Parameter("The name of a distribution, in any spelling.", example="weather-provider"),
        "file": Parameter(
            "The file name of the version's wheel, or that with `.metadata` behind it.",
            example="weather_provider-1.4.0-py3-none-any.whl",
        ),
    },
)


class _IndexPage(Representable):
    """What both pages of the index have: JSON without null, as the standard has it, and HTML."""

    meta: dict[str, str] = Field(
        {"api-version": API_VERSION}, description="The version of the standard.", examples=[{"api-version": "1.3"}]
    )

    def as_media(self, media: str) -> bytes:
        """JSON, or HTML for either of its types."""
        if media == SIMPLE_JSON:
            return self.model_dump_json(by_alias=True, exclude_none=True).encode()
        title, links = self.title_and_links()
        return _PAGE.format(version=API_VERSION, title=escape(title), links="<br>\n".join(links)).encode()

    @abstractmethod
    def title_and_links(self) -> tuple[str, list[str]]:
        """What the page is headed by, and its links, each as HTML."""


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="pypi:repository-version" content="{version}"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{links}
</body>
</html>
"""


def _link(text: str, href: str, attributes: Mapping[str, str | None] | None = None) -> str:
    given = {"href": href, **(attributes or {})}
    written = [f'{name}="{escape(value)}"' for name, value in given.items() if value is not None]
    return f"<a {' '.join(written)}>{escape(text)}</a>"


class IndexEntryBody(Response):
    """A distribution of the index."""

    model_config = ConfigDict(title="IndexEntry")

    name: str = Field(description="Its normalised name.", examples=["weather-provider"])


class IndexBody(_IndexPage):
    """The distributions of an index."""

    model_config = ConfigDict(title="Index")

    projects: list[IndexEntryBody] = Field(description="By name.")
    _base: str = PrivateAttr("")

    @classmethod
    def of(cls, names: Sequence[str], base: str) -> Self:
        """The view of these distributions, whose pages are beneath `base`."""
        made = cls(projects=[IndexEntryBody(name=name) for name in names])
        made._base = base
        return made

    def title_and_links(self) -> tuple[str, list[str]]:
        """Each link is a distribution's page."""
        return "Distributions", [_link(entry.name, f"{self._base}/{entry.name}/") for entry in self.projects]


class IndexFileBody(Response):
    """A wheel of a distribution."""

    model_config = ConfigDict(title="IndexFile")

    filename: str = Field(description="The file's name.", examples=["weather_provider-1.4.0-py3-none-any.whl"])
    url: str = Field(
        description="Where it is, with the same login; with `.metadata` behind it, its METADATA.",
        examples=["/simple/files/acme/weather/1.4.0/weather_provider-1.4.0-py3-none-any.whl"],
    )
    hashes: dict[str, str] = Field(
        description="Its SHA-256.",
        examples=[{"sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}],
    )
    requires_python: str | None = Field(
        None,
        serialization_alias="requires-python",
        description="The Python versions that it says it runs on.",
        examples=[">=3.11"],
    )
    core_metadata: dict[str, str] | None = Field(
        None,
        serialization_alias="core-metadata",
        description="The SHA-256 of its METADATA; absent where the hub does not keep it.",
        examples=[{"sha256": "c2f8a1d4a0cf0a3c3f0e6f7d6f9a3f2bb0b0d9a6a2a4c1d0b7a9e8c7d6e5f4a3"}],
    )
    size: int | None = Field(None, description="Its size in bytes.", examples=[48213])
    upload_time: str = Field(
        serialization_alias="upload-time",
        description="When it was published.",
        examples=["2026-03-02T09:30:00.000000Z"],
    )
    yanked: bool | str = Field(description="Whether it is yanked, and why, where its author said.", examples=[False])
    provenance: str | None = Field(
        None,
        description="Where its attestations are, with the same login; absent where there are none.",
        examples=["https://hub.example.com/integrity/acme/weather/1.4.0/weather-1.4.0-py3-none-any.whl/provenance"],
    )

    @classmethod
    def of(cls, file: IndexedFile, base_url: str) -> Self:
        """The view of a listed file. `provenance` is a whole URL (PEP 740), so there is none where `base_url` is ""."""
        kept = file.metadata_sha256
        attested_at = integrity_path(file.provider, file.version, file.file_name) if file.is_attested else None
        return cls(
            filename=file.file_name,
            url=f"{_ROOT}/files/{file_path(file.provider, file.version, file.file_name)}",
            hashes={"sha256": file.sha256},
            requires_python=file.requires_python,
            core_metadata=None if kept is None else {"sha256": kept},
            size=file.size,
            upload_time=f"{file.uploaded_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            yanked=False if file.yanked is None else file.yanked or True,
            provenance=base_url + attested_at if attested_at and base_url else None,
        )

    def link(self) -> str:
        """The file as HTML has it; `data-dist-info-metadata` is the older name of the digest (PEP 714)."""
        metadata = f"sha256={self.core_metadata['sha256']}" if self.core_metadata else None
        attributes = {
            "data-requires-python": self.requires_python,
            "data-core-metadata": metadata,
            "data-dist-info-metadata": metadata,
            "data-yanked": None if self.yanked is False else "" if self.yanked is True else self.yanked,
            "data-provenance": self.provenance,
        }
        return _link(self.filename, f"{self.url}#sha256={self.hashes['sha256']}", attributes)


class ProjectBody(_IndexPage):
    """A distribution, and its files."""

    model_config = ConfigDict(title="IndexProject")

    name: str = Field(description="Its normalised name.", examples=["weather-provider"])
    versions: list[str] = Field(description="Its versions, as their wheels spell them.", examples=[["1.4.0"]])
    files: list[IndexFileBody] = Field(description="In the order in which they were published.")

    @classmethod
    def of(cls, project: IndexedProject, base_url: str) -> Self:
        """The view of a distribution, for whoever reaches this API at `base_url`."""
        files = [IndexFileBody.of(file, base_url) for file in project.files]
        return cls(name=project.name, versions=list(project.versions), files=files)

    def title_and_links(self) -> tuple[str, list[str]]:
        """Each link is a file."""
        return f"Links for {self.name}", [file.link() for file in self.files]


@routes.add("GET", _ROOT, Access.ANYONE_OR_CUSTOMER, media=HTML, other_media=(SIMPLE_JSON, SIMPLE_HTML), login=True)
def list_own_projects(hub: Hub, call: Call) -> IndexBody:
    """The distributions of the caller's own index: of its organization and of the platform."""
    return _listed(hub, call, package_index.own_authors(call.tenant), _ROOT)


@routes.add(
    "GET",
    f"{_ROOT}/{{project}}",
    Access.ANYONE_OR_CUSTOMER,
    refusals=(404,),
    media=HTML,
    other_media=(SIMPLE_JSON, SIMPLE_HTML),
    login=True,
)
def get_own_project(hub: Hub, call: Call) -> ProjectBody:
    """A distribution of the caller's own index, and its files.

    It is the caller's organization's where that has one of the name, and else the platform's; never another's.
    """
    return _found(hub, call, package_index.own_authors(call.tenant))


@routes.add(
    "GET",
    f"{_ROOT}/org/{{org}}",
    Access.ANYONE_OR_CUSTOMER,
    refusals=(404,),
    media=HTML,
    other_media=(SIMPLE_JSON, SIMPLE_HTML),
    login=True,
)
def list_projects_of(hub: Hub, call: Call) -> IndexBody:
    """The distributions of one organization, or of the platform, that the caller may see."""
    org = call.parameters["org"]
    return _listed(hub, call, package_index.named_author(org), f"{_ROOT}/org/{org}")


@routes.add(
    "GET",
    f"{_ROOT}/org/{{org}}/{{project}}",
    Access.ANYONE_OR_CUSTOMER,
    refusals=(404,),
    media=HTML,
    other_media=(SIMPLE_JSON, SIMPLE_HTML),
    login=True,
)
def get_project_of(hub: Hub, call: Call) -> ProjectBody:
    """A distribution of one organization, or of the platform, and its files."""
    return _found(hub, call, package_index.named_author(call.parameters["org"]))


@routes.add(
    "GET",
    f"{_ROOT}/files/{{org}}/{{name}}/{{version}}/{{file}}",
    Access.ANYONE_OR_CUSTOMER,
    status=302,
    refusals=(404,),
    location=True,
    login=True,
)
def get_indexed_file(hub: Hub, call: Call) -> Reply[None]:
    """A file of the index, or its METADATA, by a URL that is good for five minutes."""
    version, file = call.parameters["version"], call.parameters["file"]
    url = package_index.file_url(hub.services, hub.artifacts, call.viewer, call.provider, version, file)
    return Reply(None, headers={"Location": url, "Cache-Control": "no-store"})


def _listed(hub: Hub, call: Call, authors: Sequence[str], base: str) -> IndexBody:
    return IndexBody.of(package_index.list_projects(hub.services, call.viewer, authors), base)


def _found(hub: Hub, call: Call, authors: Sequence[str]) -> ProjectBody:
    text = call.parameters["project"]
    found = package_index.get_project(hub.services, hub.indexed, call.viewer, authors, text)
    return ProjectBody.of(found, call.base_url)
