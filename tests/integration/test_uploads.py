"""Publishing bytes instead of a URL: by a signed upload, by the form of Python's tools; and what hostile ones get."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tests.e2e.cases.publishing import form
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.runtime_harness import make_wheel

from local_stack.stack_file import artifacts_dir
from provider_hub.domain.wheels.offered_schemas import SCHEMAS_FILE
from provider_hub.http.upload_form import MAX_FORM

METADATA = {"display_name": "Gauge", "description": "Measures"}


@pytest.fixture(scope="module")
def deployed(around: StandIns) -> Iterator[Deployed]:
    with deployed_on(around) as made:
        yield made


@pytest.fixture(scope="module")
def tenants(deployed: Deployed) -> Tenants:
    made = Tenants(deployed)
    made.furnish()
    return made


@pytest.fixture
def wheel(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of a distribution of its own for each test."""
    name = f"g{hashlib.sha256(request.node.name.encode()).hexdigest()[:10]}"
    return make_wheel(tmp_path, {f"{name}/__init__.py": "", f"{name}/noise": os.urandom(5000).hex()}, name=name)


def digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def announced(tenants: Tenants, wheel: Path, token: str | None = None, **changes: Any) -> Any:
    body = {"filename": wheel.name, "size": wheel.stat().st_size, "sha256": digest(wheel), **changes}
    answer = tenants.deployed.call("POST", "/uploads", token or tenants.machine, body=body)
    assert answer.status_code == 201, answer.text
    return answer.json


def published(tenants: Tenants, wheel: Path, upload_id: str, token: str | None = None, **changes: Any) -> Any:
    name = wheel.name.partition("-")[0]
    body = {"name": f"acme/{name}", "version": "1.0.0", "upload_id": upload_id, "metadata": METADATA, **changes}
    return tenants.deployed.call("POST", "/provider-versions", token or tenants.machine, body=body)


def sent_form(
    tenants: Tenants, wheel: Path, authorization: str | None = None, path: str = "/upload/", **fields: str
) -> Any:
    raw, kind = form(wheel.name, wheel.read_bytes(), **fields)
    headers = {"Content-Type": kind, "Authorization": authorization or f"Bearer {tenants.machine}"}
    return tenants.deployed.call("POST", path, headers=headers, data=raw)


def kept(around: StandIns) -> set[Path]:
    """The verified objects in the bucket."""
    folder = artifacts_dir(around.state_dir) / "objects" / "sha256"
    return {path for path in folder.rglob("*") if path.is_file()}


def test_an_uploaded_wheel_is_published_and_kept_under_its_digest(
    tenants: Tenants, around: StandIns, http: urllib3.PoolManager, wheel: Path
) -> None:
    upload = announced(tenants, wheel)
    assert http.request("PUT", upload["url"], body=wheel.read_bytes(), headers=upload["headers"]).status == 200
    made = published(tenants, wheel, upload["upload_id"])
    assert made.status_code == 201, made.text
    sha256 = digest(wheel)
    name = f"sha256/{sha256[:2]}/{sha256}/{wheel.name}"
    assert (made.json["wheel_sha256"], made.json["wheel_filename"]) == (sha256, wheel.name)
    assert made.json["wheel_url"] == f"{around.bucket.endpoint}/artifacts/{name}"
    assert (artifacts_dir(around.state_dir) / "objects" / name).read_bytes() == wheel.read_bytes()
    path = f"providers/acme:{made.json['name']}/versions/1.0.0"
    assert tenants.deployed.documents.all()[path]["wheel_object"] == name
    again = published(tenants, wheel, upload["upload_id"])
    assert (again.status_code, again.json) == (200, made.json)


def test_a_wheel_that_was_fetched_from_a_url_is_kept_as_well(
    tenants: Tenants, around: StandIns, tmp_path: Path
) -> None:
    added = tenants.host_wheel(tmp_path, name="fetched")
    body = {"name": "acme/fetched", "version": "2.0.0", "wheel_url": added.url, "metadata": METADATA}
    made = tenants.deployed.call("POST", "/provider-versions", tenants.machine, body=body)
    assert made.status_code == 201, made.text
    assert made.json["wheel_url"] == added.url
    assert added.sha256 in {path.parent.name for path in kept(around)}


def test_who_sees_a_version_gets_its_wheel_from_the_hub(
    tenants: Tenants, http: urllib3.PoolManager, wheel: Path
) -> None:
    made = sent_form(tenants, wheel).json
    path = f"/providers/{made['canonical']}/versions/1.0.0/wheel"
    led = tenants.deployed.call("GET", path, tenants.user)
    assert (led.status_code, led.data, led.headers["Cache-Control"]) == (302, b"", "no-store")
    assert http.request("GET", led.headers["Location"]).data == wheel.read_bytes()
    assert tenants.deployed.call("GET", path, tenants.other).status_code == 404
    assert tenants.deployed.call("GET", path).status_code == 404


def test_the_platform_uploads_with_its_own_token(tenants: Tenants, http: urllib3.PoolManager, wheel: Path) -> None:
    body = {"filename": wheel.name, "size": wheel.stat().st_size, "sha256": digest(wheel)}
    upload = tenants.deployed.call("POST", "/console/uploads", tenants.console_machine, body=body).json
    http.request("PUT", upload["url"], body=wheel.read_bytes())
    version = {"name": "platform/gauge", "version": "1.0.0", "upload_id": upload["upload_id"], "metadata": METADATA}
    made = tenants.deployed.call("POST", "/console/provider-versions", tenants.console_machine, body=version)
    assert made.status_code == 201, made.text


def test_nobody_publishes_anothers_upload(
    tenants: Tenants, around: StandIns, http: urllib3.PoolManager, wheel: Path
) -> None:
    upload = announced(tenants, wheel)
    http.request("PUT", upload["url"], body=wheel.read_bytes())
    before, objects = tenants.deployed.documents.all(), kept(around)
    stolen = published(tenants, wheel, upload["upload_id"], tenants.issuer.machine("other"), name="other/gauge")
    assert (stolen.status_code, stolen.json["errors"][0]["loc"]) == (422, ["body", "upload_id"])
    assert "no such upload" in stolen.json["detail"]
    assert (tenants.deployed.documents.all(), kept(around)) == (before, objects)


@pytest.mark.parametrize("hostile", ["nothing", "other bytes", "no wheel", "another name"])
def test_a_hostile_upload_is_refused_and_leaves_nothing(
    tenants: Tenants, around: StandIns, http: urllib3.PoolManager, wheel: Path, hostile: str
) -> None:
    content, changes = wheel.read_bytes(), dict[str, Any]()
    if hostile == "other bytes":
        content = content[:-1] + bytes([content[-1] ^ 1])
    if hostile == "no wheel":
        content = b"x" * len(content)
        changes = {"sha256": hashlib.sha256(content).hexdigest()}
    if hostile == "another name":
        changes = {"filename": f"other-{wheel.name.partition('-')[2]}"}
    upload = announced(tenants, wheel, **changes)
    before, objects = tenants.deployed.documents.all(), kept(around)
    if hostile != "nothing":
        assert http.request("PUT", upload["url"], body=content).status == 200
    refused = published(tenants, wheel, upload["upload_id"])
    assert refused.status_code == 422, refused.text
    assert refused.json["errors"][0]["loc"] == ["body", "sha256" if hostile == "other bytes" else "upload_id"]
    assert tenants.deployed.documents.all() == before
    assert kept(around) == objects


def test_an_upload_takes_no_other_length_and_its_session_no_second_wheel(
    tenants: Tenants, http: urllib3.PoolManager, wheel: Path
) -> None:
    upload = announced(tenants, wheel)
    content = wheel.read_bytes()
    assert http.request("PUT", upload["url"], body=content + b"x").status == 400
    assert http.request("PUT", upload["url"], body=content[:-1]).status == 400
    assert http.request("PUT", upload["url"], body=content).status == 200
    assert http.request("PUT", upload["url"], body=b"y" * len(content)).status == 410
    assert published(tenants, wheel, upload["upload_id"]).status_code == 201


def test_ten_gibibytes_are_not_even_begun(tenants: Tenants, wheel: Path) -> None:
    body = {"filename": wheel.name, "size": 10 * 1024**3, "sha256": digest(wheel)}
    before = tenants.deployed.documents.all()
    refused = tenants.deployed.call("POST", "/uploads", tenants.machine, body=body)
    assert (refused.status_code, refused.json["detail"][0]["loc"]) == (422, ["body", "size"])
    assert tenants.deployed.documents.all() == before


def test_an_upload_is_of_its_announced_digest_alone(tenants: Tenants, http: urllib3.PoolManager, wheel: Path) -> None:
    upload = announced(tenants, wheel)
    http.request("PUT", upload["url"], body=wheel.read_bytes())
    refused = published(tenants, wheel, upload["upload_id"], sha256="0" * 64)
    assert (refused.status_code, refused.json["errors"][0]["loc"]) == (422, ["body", "sha256"])


def test_the_form_publishes_under_the_wheels_own_name_with_the_tools_own_login(
    tenants: Tenants, around: StandIns, wheel: Path
) -> None:
    login = base64.b64encode(f"__token__:{tenants.machine}".encode()).decode()
    made = sent_form(tenants, wheel, f"Basic {login}", summary="Measures the rain", sha256_digest=digest(wheel))
    assert made.status_code == 200, made.text
    name = wheel.name.partition("-")[0]
    assert (made.json["canonical"], made.json["version"]) == (f"acme/{name}", "1.0.0")
    assert digest(wheel) in {path.parent.name for path in kept(around)}
    shown = tenants.deployed.call("GET", f"/providers/acme/{name}", tenants.user).json
    assert (shown["display_name"], shown["description"]) == (name.title(), "Measures the rain")
    again = sent_form(tenants, wheel, summary="Another summary")
    assert (again.status_code, again.json) == (200, made.json)


def test_an_address_that_names_an_organization_takes_its_tokens_alone(tenants: Tenants, wheel: Path) -> None:
    login = base64.b64encode(f"__token__:{tenants.machine}".encode()).decode()
    before = tenants.deployed.documents.all()
    strange = (("/upload/acme/", tenants.other), ("/upload/other", tenants.machine), ("/upload/x y/", tenants.machine))
    for address, token in strange:
        refused = sent_form(tenants, wheel, f"Bearer {token}", address)
        own = "other" if token == tenants.other else "acme"
        assert refused.status_code == 403
        assert refused.json["detail"].startswith(f"your organization publishes under {own}/")
        assert refused.status == f"403 {refused.json['detail']}"
    assert tenants.deployed.documents.all() == before
    for address, authorization in (("/upload/acme/", f"Basic {login}"), ("/upload/acme", f"Bearer {tenants.user}")):
        made = sent_form(tenants, wheel, authorization, address)
        assert (made.status_code, made.json["prefix"]) == (200, "acme")


def test_the_form_keeps_what_the_catalog_shows_of_a_provider(tenants: Tenants, tmp_path: Path) -> None:
    first = make_wheel(tmp_path, {"kept/__init__.py": ""}, name="kept", version="1.0.0")
    second = make_wheel(tmp_path, {"kept/__init__.py": ""}, name="kept", version="1.1.0rc1")
    assert sent_form(tenants, first, summary="First").status_code == 200
    made = sent_form(tenants, second, summary="Second")
    assert (made.status_code, made.json["version"]) == (200, "1.1.0-rc.1")
    assert tenants.deployed.call("GET", "/providers/acme/kept", tenants.user).json["description"] == "First"


def test_the_form_takes_the_schemas_that_the_package_offers(tenants: Tenants, tmp_path: Path) -> None:
    schemas = {"schemas": {"dial": {"config_schema": {"type": "object"}}}, "config_schema": {"type": "object"}}
    files = {"dial/__init__.py": "", f"dial/{SCHEMAS_FILE}": json.dumps(schemas)}
    made = sent_form(tenants, make_wheel(tmp_path, files, name="dial", version="1.0.0"))
    assert made.status_code == 200, made.text
    shown = [(schema["resource"], schema["config_schema"]) for schema in made.json["schemas"]]
    assert shown == [("provider", {"type": "object"}), ("dial", {"type": "object"})]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no JSON document"),
        ('{"x": 1}', "no other keys"),
        ('{"config_schema": {"type": 7}}', "config_schema"),
        ('{"config_schema": {"title": "\\ud800"}}', "half of a surrogate pair"),
    ],
)
def test_the_form_refuses_schemas_that_are_none(tenants: Tenants, tmp_path: Path, content: str, told: str) -> None:
    wheel = make_wheel(tmp_path, {"dial/__init__.py": "", f"dial/{SCHEMAS_FILE}": content}, name="dials")
    before = tenants.deployed.documents.all()
    refused = sent_form(tenants, wheel)
    assert (refused.status_code, told in refused.json["message"]) == (400, True), refused.text
    assert SCHEMAS_FILE in refused.json["message"]
    assert tenants.deployed.documents.all() == before


def test_other_bytes_are_400_with_a_reason_that_tools_show(tenants: Tenants, wheel: Path, tmp_path: Path) -> None:
    assert sent_form(tenants, wheel).status_code == 200
    before = tenants.deployed.documents.all()
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    refused = sent_form(tenants, wheel)
    assert refused.status_code == 400
    assert set(refused.json) == {"detail", "message"}
    assert "already exists with other bytes" in refused.json["message"]
    assert refused.status == f"400 {refused.json['message']}"
    assert tenants.deployed.documents.all() == before


@pytest.mark.parametrize("user", ["someone", ""])
def test_no_other_user_of_a_login_is_let_in(tenants: Tenants, wheel: Path, user: str) -> None:
    login = base64.b64encode(f"{user}:{tenants.machine}".encode()).decode()
    assert sent_form(tenants, wheel, f"Basic {login}").status_code == 401


def test_a_login_is_taken_by_the_form_alone(tenants: Tenants) -> None:
    login = base64.b64encode(f"__token__:{tenants.machine}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    assert tenants.deployed.call("POST", "/uploads", headers=headers, body={}).status_code == 401


def test_a_form_that_is_too_large_names_the_command_that_is_not(tenants: Tenants) -> None:
    headers = {"Authorization": f"Bearer {tenants.machine}", "Content-Type": "multipart/form-data; boundary=x"}
    content = io.BytesIO(bytes(MAX_FORM + 1))
    refused = tenants.deployed.call(
        "POST", "/upload/", headers=headers, input_stream=content, content_length=MAX_FORM + 1
    )
    assert refused.status_code == 413
    assert "hub publish FILE" in refused.json["detail"]
    assert "hub publish FILE" in refused.status
    assert content.tell() == MAX_FORM + 1, "a tool reads no answer before it has sent everything"


def test_an_organization_begins_as_many_uploads_a_day_as_it_may_publish(around: StandIns, wheel: Path) -> None:
    with deployed_on(around, HUB_PUBLISHES_PER_DAY="1") as limited:
        tenants = Tenants(limited)
        tenants.furnish()
        announced(tenants, wheel)
        body = {"filename": wheel.name, "size": 5, "sha256": "a" * 64}
        refused = limited.call("POST", "/uploads", tenants.machine, body=body)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
