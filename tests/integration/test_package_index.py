"""The package index over HTTP: what whom is shown, where files are, and from whom a distribution comes."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tests.builders import version
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.integration.test_uploads import METADATA, digest, sent_form
from tests.runtime_harness import make_wheel

from provider_hub.actions import keys, package_index
from provider_hub.domain.names import ProviderName
from provider_hub.http.package_index import SIMPLE_JSON

JSON = {"Accept": SIMPLE_JSON}


@pytest.fixture(scope="module")
def deployed(around: StandIns) -> Iterator[Deployed]:
    with deployed_on(around) as made:
        yield made


@pytest.fixture(scope="module")
def tenants(deployed: Deployed) -> Tenants:
    made = Tenants(deployed)
    made.furnish()
    return made


def login(token: str, user: str = "__token__") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"}


def page(tenants: Tenants, path: str, token: str | None = None) -> Any:
    answer = tenants.deployed.call("GET", path, headers={**JSON, **(login(token) if token else {})})
    assert answer.status_code == 200, answer.text
    return answer.json


def wheel_of(folder: Path, name: str, text: str = "1.0.0", *metadata: str) -> Path:
    return make_wheel(folder, {f"{name}/__init__.py": ""}, name=name, version=text, metadata=metadata)


def made_public(tenants: Tenants, canonical: str, token: str) -> None:
    shown = tenants.deployed.call("PATCH", f"/providers/{canonical}", token, body={"scope": "public"})
    assert shown.status_code == 200, shown.text


def test_what_is_published_is_listed_with_its_metadata_and_led_to(
    tenants: Tenants, http: urllib3.PoolManager, tmp_path: Path
) -> None:
    wheel = wheel_of(tmp_path, "index_sun", "1.0.0", "Requires-Python: >=3.9")
    assert sent_form(tenants, wheel).status_code == 200
    shown = page(tenants, "/simple/Index.Sun/", tenants.user)
    (file,) = shown["files"]
    assert (shown["name"], shown["versions"], file["filename"]) == ("index-sun", ["1.0.0"], wheel.name)
    assert (file["hashes"], file["size"]) == ({"sha256": digest(wheel)}, wheel.stat().st_size)
    assert (file["requires-python"], file["yanked"]) == (">=3.9", False)
    led = tenants.deployed.call("GET", file["url"], headers=login(tenants.machine, "ada"))
    assert (led.status_code, led.headers["Cache-Control"]) == (302, "no-store")
    assert http.request("GET", led.headers["Location"]).data == wheel.read_bytes()
    led = tenants.deployed.call("GET", f"{file['url']}.metadata", tenants.user)
    metadata = http.request("GET", led.headers["Location"]).data
    assert metadata == zipfile.ZipFile(wheel).read("index_sun-1.0.0.dist-info/METADATA")
    assert file["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert {"name": "index-sun"} in page(tenants, "/simple/", tenants.user)["projects"]


def test_the_longest_metadata_in_the_longest_letters_is_kept_as_it_is(tenants: Tenants, tmp_path: Path) -> None:
    """As text in JSON, each of these letters would be six bytes of what the inspecting child may answer."""
    wheel = wheel_of(tmp_path, "index_long", "1.0.0", "", "\u00e9\x01" * 340_000)
    assert sent_form(tenants, wheel).status_code == 200
    (file,) = page(tenants, "/simple/index-long/", tenants.user)["files"]
    metadata = zipfile.ZipFile(wheel).read("index_long-1.0.0.dist-info/METADATA")
    assert file["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}


def test_a_page_has_a_tag_for_each_of_its_kinds(tenants: Tenants, tmp_path: Path) -> None:
    sent_form(tenants, wheel_of(tmp_path, "index_tag"))
    tags = set()
    for accept, kind in ((SIMPLE_JSON, SIMPLE_JSON), ("text/html", "text/html; charset=utf-8")):
        headers = {"Accept": accept, **login(tenants.user)}
        first = tenants.deployed.call("GET", "/simple/index-tag/", headers=headers)
        assert (first.headers["Content-Type"], first.headers["Vary"]) == (kind, "Accept, Authorization")
        again = {**headers, "If-None-Match": first.headers["ETag"]}
        same = tenants.deployed.call("GET", "/simple/index-tag/", headers=again)
        assert (same.status_code, same.data, same.headers["Vary"]) == (304, b"", "Accept, Authorization")
        tags.add(first.headers["ETag"])
    assert len(tags) == 2


def test_a_yanked_version_stays_with_its_reason(tenants: Tenants, tmp_path: Path) -> None:
    for text in ("1.0.0", "1.1.0"):
        sent_form(tenants, wheel_of(tmp_path, "index_yank", text))
    body = {"reason": "wrong units"}
    path = "/providers/acme/index-yank/versions/1.1.0/yank"
    assert tenants.deployed.call("POST", path, tenants.user, body=body).status_code == 200
    shown = page(tenants, "/simple/index-yank/", tenants.user)
    assert [file["yanked"] for file in shown["files"]] == [False, "wrong units"]


def test_a_private_distribution_is_not_there_for_others(tenants: Tenants, tmp_path: Path) -> None:
    sent_form(tenants, wheel_of(tmp_path, "index_secret"))
    (file,) = page(tenants, "/simple/org/acme/index-secret/", tenants.user)["files"]
    for token in (tenants.other, None):
        for path in (
            "/simple/index-secret/",
            "/simple/org/acme/index-secret/",
            file["url"],
            f"{file['url']}.metadata",
        ):
            assert tenants.deployed.call("GET", path, token).status_code == 404, path
        assert page(tenants, "/simple/org/acme/", token)["projects"] == []


def test_no_other_organization_gives_a_distribution_to_an_index_that_does_not_name_it(
    tenants: Tenants, tmp_path: Path
) -> None:
    """Whoever publishes a higher version of a name that is yours, or that you will use, gets into no index of yours."""
    own = wheel_of(tmp_path, "index_name", "1.0.0")
    sent_form(tenants, own)
    attacker = tenants.issuer.machine("other")
    for name in ("index_name", "index_typo"):
        forged = wheel_of(tmp_path, name, "99.0.0")
        assert sent_form(tenants, forged, f"Bearer {attacker}").status_code == 200
        made_public(tenants, f"other/{name.replace('_', '-')}", attacker)
    assert page(tenants, "/simple/index-name/", tenants.user)["versions"] == ["1.0.0"]
    assert tenants.deployed.call("GET", "/simple/index-typo/", tenants.user).status_code == 404
    assert tenants.deployed.call("GET", "/simple/index-typo/").status_code == 404
    names = [project["name"] for project in page(tenants, "/simple/", tenants.user)["projects"]]
    assert "index-typo" not in names
    for token in (tenants.user, None):
        assert page(tenants, "/simple/org/other/index-typo/", token)["versions"] == ["99.0.0"]


def test_the_platforms_distribution_is_in_every_index_and_the_organizations_own_is_before_it(
    tenants: Tenants, tmp_path: Path
) -> None:
    host = tenants.host_wheel(tmp_path, "index_cloud", "2.0.0")
    body = {"name": "platform/skies", "version": "2.0.0", "wheel_url": host.url, "metadata": METADATA}
    made = tenants.deployed.call("POST", "/console/provider-versions", tenants.console_machine, body=body)
    assert made.status_code == 201, made.text
    assert made.json["distribution_name"] == "index_cloud", "a provider need not be called like its distribution"
    for path in ("/simple/index-cloud/", "/simple/org/platform/index-cloud/"):
        for token in (tenants.user, None):
            assert page(tenants, path, token)["versions"] == ["2.0.0"]
    sent_form(tenants, wheel_of(tmp_path, "index_cloud", "1.0.0"))
    own = page(tenants, "/simple/index-cloud/", tenants.user)["versions"]
    assert own == ["1.0.0"], "never both: one name, one author"
    assert page(tenants, "/simple/index-cloud/", tenants.other)["versions"] == ["2.0.0"]


@pytest.mark.parametrize(
    "path",
    [
        "/simple/never-published/",
        "/simple/-/",
        "/simple/org/Not-A-Slug/",
        "/simple/org/install/x/",
        "/simple/files/acme/weather/1.0.0/weather-1.0.0-py3-none-any.whl",
        "/simple/files/acme/weather/latest/x.whl",
        "/simple/files/acme/..x/1.0.0/x.whl",
    ],
)
def test_what_is_not_there_is_404(tenants: Tenants, path: str) -> None:
    assert tenants.deployed.call("GET", path, tenants.user).status_code == 404


@pytest.mark.parametrize("token", ["", "no-token"])
def test_a_login_with_another_password_than_a_token_is_refused(tenants: Tenants, token: str) -> None:
    assert tenants.deployed.call("GET", "/simple/", headers=login(token)).status_code == 401


def test_many_versions_are_read_page_by_page(tenants: Tenants, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "_PAGE", 2)
    many = ProviderName("acme", "index-many")
    sent_form(tenants, wheel_of(tmp_path, "index_many"))
    stored = tenants.deployed.store.get(keys.version(many, "1.0.0"))
    assert stored is not None
    for minor in range(1, 5):
        name = f"index_many-1.{minor}.0-py3-none-any.whl"
        tenants.release(version(f"1.{minor}.0", many, **_of_wheel(stored, name)))
    assert len(page(tenants, "/simple/index-many/", tenants.user)["files"]) == 5
    assert len(page(tenants, "/simple/", tenants.user)["projects"]) >= 2


def _of_wheel(stored: Any, file_name: str) -> dict[str, Any]:
    return {
        "distribution_name": stored.distribution_name,
        "wheel_object": stored.wheel_object,
        "wheel_filename": file_name,
    }
