"""What the package index lists of a distribution, and what its two kinds of pages say of it."""

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Request
from tests.builders import WEATHER, provider, version
from tests.fakes import START
from werkzeug.test import EnvironBuilder

from provider_hub.domain.catalog import MAX_DISTRIBUTIONS, ProviderVersion, VersionStatus, with_distribution
from provider_hub.domain.names import ProviderName
from provider_hub.domain.package_index import IndexedFile, project_name, project_of
from provider_hub.http.package_index import SIMPLE_HTML, SIMPLE_JSON, IndexBody, ProjectBody
from provider_hub.http.requests import base_url, wanted_media
from provider_hub.http.route import HTML
from provider_hub.http.table import match

PIP = f"{SIMPLE_JSON}, {SIMPLE_HTML}; q=0.1, text/html; q=0.01"
UV = f"{SIMPLE_JSON}, {SIMPLE_HTML};q=0.2, text/html;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


HUB = "https://hub.example.com"


def kept(text: str = "1.0.0", name: ProviderName = WEATHER, **changes: Any) -> ProviderVersion:
    """A version whose wheel and METADATA the hub keeps."""
    given = {
        "distribution_name": "Weather_Provider",
        "wheel_filename": f"weather_provider-{text}-py3-none-any.whl",
        "wheel_object": f"sha256/aa/{'a' * 64}/weather_provider-{text}-py3-none-any.whl",
        "wheel_size": 1000,
        "metadata_sha256": "e" * 64,
        "requires_python": ">=3.11,<4",
    }
    return version(text, name, **{**given, **changes})


class Links(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def test_a_name_is_found_in_any_spelling_and_what_is_none_is_not() -> None:
    assert {project_name(text) for text in ("weather-provider", "Weather_Provider", "weather.-_provider")} == {
        "weather-provider"
    }
    assert [project_name(text) for text in ("", "-", "a-", "wëather", "a b", "x" * 201, "__x__/..")] == [None] * 7


@pytest.mark.parametrize(
    "hidden",
    [
        {"status": VersionStatus.BUILDING},
        {"status": VersionStatus.FAILED},
        {"wheel_object": None},
        {"wheel_filename": None},
        {"distribution_name": None},
        {"distribution_name": "weather"},
    ],
    ids=str,
)
def test_a_version_without_a_file_of_the_distribution_is_not_listed(hidden: dict[str, Any]) -> None:
    assert project_of("weather-provider", [kept("1.1.0", **hidden)]).files == ()
    assert len(project_of("weather-provider", [kept("1.1.0", **hidden), kept()]).files) == 1


def test_a_file_name_stands_for_the_bytes_that_were_published_under_it_first() -> None:
    later = kept(name=ProviderName("acme", "another"), wheel_sha256="b" * 64, published_at=START + timedelta(hours=1))
    for versions in ([later, kept()], [kept(), later]):
        (file,) = project_of("weather-provider", versions).files
        assert (file.sha256, file.provider) == ("a" * 64, WEATHER)


def test_versions_are_those_of_the_wheels_each_once() -> None:
    made = kept("2.0.0-rc.1", wheel_filename="weather_provider-2.0.0rc1-py3-none-any.whl")
    compiled = kept("1.0.0", wheel_filename="weather_provider-1.0.0-cp313-cp313-manylinux_2_36_x86_64.whl")
    assert project_of("weather-provider", [made, kept(), compiled]).versions == ("1.0.0", "2.0.0rc1")


def test_json_is_as_the_standard_has_it() -> None:
    versions = [kept("1.0.0+build.5"), kept("1.1.0", status=VersionStatus.YANKED, requires_python=None)]
    page = json.loads(ProjectBody.of(project_of("weather-provider", versions), HUB).as_media(SIMPLE_JSON))
    assert page["meta"] == {"api-version": "1.3"}
    assert (page["name"], page["versions"]) == ("weather-provider", ["1.0.0+build.5", "1.1.0"])
    first, yanked = page["files"]
    assert first == {
        "filename": "weather_provider-1.0.0+build.5-py3-none-any.whl",
        "url": "/simple/files/acme/weather/1.0.0%2Bbuild.5/weather_provider-1.0.0%2Bbuild.5-py3-none-any.whl",
        "hashes": {"sha256": "a" * 64},
        "requires-python": ">=3.11,<4",
        "core-metadata": {"sha256": "e" * 64},
        "size": 1000,
        "upload-time": f"{START:%Y-%m-%dT%H:%M:%S}.000000Z",
        "yanked": False,
    }
    assert (yanked["yanked"], "requires-python" in yanked) == (True, False)


def test_html_says_the_same_and_nothing_in_it_is_markup_of_an_author() -> None:
    reason = '"><script>alert(1)</script>'
    versions = [kept(), kept("1.1.0", status=VersionStatus.YANKED, error_message=reason, metadata_sha256=None)]
    project = ProjectBody.of(project_of("weather-provider", versions), HUB)
    for media in (HTML, SIMPLE_HTML):
        page = project.as_media(media)
        assert b"<script" not in page
        assert b'<meta name="pypi:repository-version" content="1.3">' in page
        first, yanked = Links(page).found
        assert first == {
            "href": f"/simple/files/acme/weather/1.0.0/weather_provider-1.0.0-py3-none-any.whl#sha256={'a' * 64}",
            "data-requires-python": ">=3.11,<4",
            "data-core-metadata": f"sha256={'e' * 64}",
            "data-dist-info-metadata": f"sha256={'e' * 64}",
        }
        assert (yanked["data-yanked"], "data-core-metadata" in yanked) == (reason, False)


def test_both_lead_to_the_attestations_of_a_file_by_a_whole_url() -> None:
    attested = project_of("weather-provider", [kept("1.0.0+b", attestations=("https://a.example",)), kept("1.1.0")])
    page = ProjectBody.of(attested, HUB)
    file_name = "weather_provider-1.0.0%2Bb-py3-none-any.whl"
    whole = f"{HUB}/integrity/acme/weather/1.0.0%2Bb/{file_name}/provenance"
    with_some, without = json.loads(page.as_media(SIMPLE_JSON))["files"]
    assert (with_some["provenance"], "provenance" in without) == (whole, False)
    linked, not_linked = Links(page.as_media(HTML)).found
    assert (linked["data-provenance"], "data-provenance" in not_linked) == (whole, False)
    nowhere = json.loads(ProjectBody.of(attested, "").as_media(SIMPLE_JSON))["files"]
    assert not any("provenance" in file for file in nowhere), "a path alone is no URL"


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "hub.example.com", "X-Forwarded-Proto": "https"}, HUB),
        ({"Host": "127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"Host": 'x"><script>'}, ""),
    ],
)
def test_a_hub_is_where_its_caller_reaches_it(headers: dict[str, str], base: str) -> None:
    assert base_url(Request(EnvironBuilder(headers=headers).get_environ())) == base


def test_a_yank_without_a_reason_is_one_in_both() -> None:
    project = ProjectBody.of(project_of("weather-provider", [kept(status=VersionStatus.YANKED)]), HUB)
    assert json.loads(project.as_media(SIMPLE_JSON))["files"][0]["yanked"] is True
    assert Links(project.as_media(HTML)).found[0]["data-yanked"] == ""


def test_the_list_links_each_distribution() -> None:
    index = IndexBody.of(["moon", "sun"], "/simple/org/acme")
    assert json.loads(index.as_media(SIMPLE_JSON))["projects"] == [{"name": "moon"}, {"name": "sun"}]
    assert [link["href"] for link in Links(index.as_media(HTML)).found] == [
        "/simple/org/acme/moon/",
        "/simple/org/acme/sun/",
    ]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (PIP, SIMPLE_JSON),
        (UV, SIMPLE_JSON),
        (BROWSER, HTML),
        ("text/html", HTML),
        (SIMPLE_HTML, SIMPLE_HTML),
        ("*/*", HTML),
        ("application/json", HTML),
        ("nonsense", HTML),
        (None, HTML),
    ],
)
def test_accept_chooses_and_html_is_the_default(accept: str | None, media: str) -> None:
    (route,), _ = match("/simple/weather-provider/")
    headers = {} if accept is None else {"Accept": accept}
    assert wanted_media(route, Request(EnvironBuilder(headers=headers).get_environ())) == media


def test_a_provider_has_no_more_distributions_than_its_document_holds() -> None:
    row = provider()
    for number in range(MAX_DISTRIBUTIONS + 5):
        row = with_distribution(row, f"Weather.{number}")
    assert (len(row.distributions), row.distributions[0]) == (MAX_DISTRIBUTIONS, "weather-0")
    assert with_distribution(row, "weather_0") is row


def test_the_version_of_a_file_is_the_one_in_its_name() -> None:
    file = IndexedFile(WEATHER, "1.0.0-rc.1", "weather-1.0.0rc1-1_build-py3-none-any.whl", "a" * 64, None, START)
    assert file.wheel_version == "1.0.0rc1"
