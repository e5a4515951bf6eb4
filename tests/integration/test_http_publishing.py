"""Publishing over HTTP: a real wheel from an HTTPS host, and what publishing it again does (contract, section 5)."""

from pathlib import Path
from typing import Any

import pytest
from tests.builders import RUNTIME
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.integration.test_http_catalog import VERSION_FIELDS
from tests.runtime_harness import make_wheel

from local_stack.interpreters import own_interpreter
from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import AddedWheel, add_wheel
from provider_hub.domain.records import Topic

METADATA = {"display_name": "Weather", "description": "Tells the weather", "tags": ["rain"]}


@pytest.fixture
def wheel(tenants: Tenants, tmp_path: Path) -> AddedWheel:
    return tenants.host_wheel(tmp_path)


def body(wheel: AddedWheel, **changes: Any) -> dict[str, Any]:
    given = {
        "name": "acme/new",
        "version": "2.0.0",
        "wheel_url": wheel.url,
        "sha256": wheel.sha256,
        "metadata": METADATA,
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not ...}


def publish(tenants: Tenants, wheel: AddedWheel, **changes: Any) -> Any:
    return tenants.deployed.call("POST", "/provider-versions", tenants.machine, body=body(wheel, **changes))


def test_a_version_is_published_with_its_provider_and_told_to_the_upgrades(tenants: Tenants, wheel: AddedWheel) -> None:
    response = publish(tenants, wheel, changelog="First", entrypoint=["serve"], package_name="weather")
    assert (response.status_code, response.headers["Content-Type"]) == (201, "application/json")
    made = response.json
    assert set(made) == VERSION_FIELDS
    assert (made["canonical"], made["version"], made["status"]) == ("acme/new", "2.0.0", "published")
    assert (made["wheel_url"], made["wheel_sha256"]) == (wheel.url, wheel.sha256)
    assert (made["changelog"], made["entrypoint"], made["package_name"]) == ("First", ["serve"], "weather")
    shown = tenants.deployed.call("GET", "/providers/acme/new", tenants.user).json
    assert (shown["display_name"], shown["tags"], shown["latest_version"]) == ("Weather", ["rain"], "2.0.0")
    assert (shown["scope"], shown["author"]["organization_id"]) == ("tenant", "org_acme")
    (message,) = tenants.deployed.topics.pull(Topic.VERSION_EVENTS)
    assert message.attributes["event_type"] == "VERSION_PUBLISHED"
    assert tenants.deployed.documents.under("outbox") == {}


def test_an_entrypoint_that_is_the_default_is_null_and_the_same_as_none(tenants: Tenants, wheel: AddedWheel) -> None:
    first = publish(tenants, wheel, entrypoint=["python", "-m", "pragma_runtime.entrypoint"])
    assert (first.status_code, first.json["entrypoint"]) == (201, None)
    again = publish(tenants, wheel)
    assert (again.status_code, again.json) == (200, first.json)


def test_the_same_again_is_200_and_the_stored_row(tenants: Tenants, wheel: AddedWheel) -> None:
    first = publish(tenants, wheel)
    before = tenants.deployed.documents.all()
    for sha256 in (wheel.sha256, ...):
        again = publish(tenants, wheel, sha256=sha256)
        assert (again.status_code, again.json) == (200, first.json)
    assert tenants.deployed.documents.all() == before
    assert len(tenants.deployed.topics.pull(Topic.VERSION_EVENTS)) == 1
    assert tenants.deployed.topics.pull_now(Topic.VERSION_EVENTS) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "b" * 64},
        {"package_name": "other"},
        {"changelog": "Other"},
        {"entrypoint": ["other"]},
        {"metadata": {**METADATA, "description": "Other"}},
        {"schemas": {"station": {"description": "x"}}},
        {"config_schema": {"type": "object"}},
        {"resource_schemas": {"station": {"type": "object"}}},
    ],
)
def test_anything_else_under_the_same_version_is_409_and_stores_nothing(
    tenants: Tenants, wheel: AddedWheel, changes: dict[str, Any]
) -> None:
    publish(tenants, wheel)
    before = tenants.deployed.documents.all()
    response = publish(tenants, wheel, **changes)
    assert (response.status_code, set(response.json)) == (409, {"detail"})
    assert tenants.deployed.documents.all() == before


@pytest.mark.parametrize(
    ("changes", "where", "told"),
    [
        ({"sha256": "b" * 64}, "sha256", "not the"),
        ({"version": "2.0.1"}, "version", "2.0.0"),
        ({"wheel_url": "https://{host}/none-1.0.0-py3-none-any.whl"}, "wheel_url", "404"),
        ({"wheel_url": "https://wheels.invalid/x-2.0.0-py3-none-any.whl"}, "wheel_url", ""),
    ],
)
def test_a_wheel_that_is_not_what_was_said_is_422_and_nothing_is_stored(
    tenants: Tenants, wheel: AddedWheel, changes: dict[str, str], where: str, told: str
) -> None:
    host = wheel.url.split("/")[2]
    before = tenants.deployed.documents.all()
    response = publish(tenants, wheel, **{key: value.format(host=host) for key, value in changes.items()})
    assert response.status_code == 422, response.text
    (problem,) = response.json["errors"]
    assert problem["loc"] == ["body", where]
    assert told in problem["msg"]
    assert response.json["detail"] == problem["msg"]
    assert tenants.deployed.documents.all() == before


def test_without_a_digest_the_bytes_own_digest_is_stored(tenants: Tenants, wheel: AddedWheel) -> None:
    assert publish(tenants, wheel, sha256=...).json["wheel_sha256"] == wheel.sha256


def test_a_url_is_stored_in_its_canonical_form(tenants: Tenants, wheel: AddedWheel) -> None:
    response = publish(tenants, wheel, wheel_url=wheel.url.replace("https://localhost", "HTTPS://LOCALHOST") + "#x")
    assert (response.status_code, response.json["wheel_url"]) == (201, wheel.url)


def test_the_legacy_pair_of_organization_and_short_name_is_taken(tenants: Tenants, wheel: AddedWheel) -> None:
    response = publish(tenants, wheel, name="new", organization_id="org_acme")
    assert (response.status_code, response.json["canonical"]) == (201, "acme/new")


def test_schemas_come_back_as_a_list_the_legacy_ones_among_them(tenants: Tenants, wheel: AddedWheel) -> None:
    station = {
        "provider": "new",
        "resource": "station",
        "description": "A station",
        "config_schema": {"type": "object"},
    }
    legacy = {"sensor": {"config_schema": {"type": "object"}, "outputs_schema": {}}, "probe": {"type": "object"}}
    made = publish(tenants, wheel, schemas={"station": station}, resource_schemas=legacy).json
    assert [schema["resource"] for schema in made["schemas"]] == ["probe", "sensor", "station"]
    assert made["schemas"][2] == {**station, "outputs_schema": None}
    assert made["schemas"][0]["config_schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("config_schema", {"maximum": float("nan")}, "message"),
        ("schemas", {"station": {"outputs_schema": {"const": [float("-inf")]}}}, "message"),
        ("resource_schemas", {"station": {"maximum": float("inf")}}, "detail"),
    ],
)
def test_a_schema_with_a_number_that_no_answer_can_hold_is_refused(
    tenants: Tenants, wheel: AddedWheel, field: str, value: dict[str, Any], told: str
) -> None:
    refused = publish(tenants, wheel, **{field: value})
    assert refused.status_code == 422, refused.text
    assert field in refused.text
    assert "which no answer can hold" in refused.json[told]


def test_a_pattern_that_python_does_not_read_is_taken_where_no_config_is_checked_by_it(
    tenants: Tenants, wheel: AddedWheel
) -> None:
    named = {"properties": {"name": {"pattern": r"^\p{L}+$"}}}
    refused = publish(tenants, wheel, config_schema=named)
    assert (refused.status_code, refused.json["detail"][0]["loc"]) == (422, ["body", "config_schema"])
    assert "by which configs are checked" in refused.json["message"]
    schemas = {"station": {"config_schema": named, "outputs_schema": named}}
    made = publish(tenants, wheel, schemas=schemas, outputs_schema=named)
    assert made.status_code == 201, made.text
    assert made.json["schemas"][1]["config_schema"] == named


def test_later_versions_need_no_metadata_and_update_it_where_they_bring_it(
    tenants: Tenants, wheel: AddedWheel, tmp_path: Path
) -> None:
    publish(tenants, wheel)
    for text, metadata in (("2.1.0", ...), ("2.2.0", {**METADATA, "display_name": "Weather 2"})):
        assert (
            publish(tenants, tenants.host_wheel(tmp_path, text=text), version=text, metadata=metadata).status_code
            == 201
        )
    shown = tenants.deployed.call("GET", "/providers/acme/new", tenants.user).json
    assert (shown["display_name"], shown["latest_version"]) == ("Weather 2", "2.2.0")
    made_up = {**METADATA, "description": "Made up", "only_if_new": ["display_name", "description"], "tags": ["wind"]}
    wind = tenants.host_wheel(tmp_path, text="2.3.0")
    given = {"version": "2.3.0", "metadata": made_up}
    by_an_older_command = {**given, "metadata": {**made_up, "only_if_new": None}}
    sent = [publish(tenants, wind, **body).status_code for body in (given, given, by_an_older_command)]
    assert sent == [201, 200, 200]
    shown = tenants.deployed.call("GET", "/providers/acme/new", tenants.user).json
    assert (shown["display_name"], shown["description"], shown["tags"]) == (
        "Weather 2",
        METADATA["description"],
        ["wind"],
    )


def test_the_platform_publishes_for_everyone(tenants: Tenants, wheel: AddedWheel) -> None:
    given = body(wheel, name="platform/new")
    made = tenants.deployed.call("POST", "/console/provider-versions", tenants.console_machine, body=given)
    assert (made.status_code, made.json["prefix"]) == (201, "platform")
    again = tenants.deployed.call("POST", "/console/provider-versions", tenants.console_machine, body=given)
    assert (again.status_code, again.json) == (200, made.json)
    shown = tenants.deployed.call("GET", "/providers/platform/new").json
    assert (shown["scope"], shown["author"]["kind"]) == ("public", "platform")


def test_identical_bytes_at_a_fresh_url_are_the_same_version_which_stays_as_it_is(
    tenants: Tenants, wheel: AddedWheel
) -> None:
    first = publish(tenants, wheel, wheel_url=f"{wheel.url}?signature=expires")
    assert (first.status_code, first.json["wheel_url"]) == (201, wheel.url)
    for sha256, signature in ((wheel.sha256, "fresh"), (..., "fresher")):
        again = publish(tenants, wheel, sha256=sha256, wheel_url=f"{wheel.url}?signature={signature}")
        assert (again.status_code, again.json) == (200, first.json)
        stored = tenants.deployed.documents.all()["providers/acme:new/versions/2.0.0"]
        assert stored["wheel_url"] == f"{wheel.url}?signature=expires"
    assert len(tenants.deployed.topics.pull(Topic.VERSION_EVENTS)) == 1


def test_a_fresh_url_of_other_bytes_is_refused_and_the_old_one_kept(
    tenants: Tenants, wheel: AddedWheel, tmp_path: Path
) -> None:
    publish(tenants, wheel)
    before = tenants.deployed.documents.all()
    elsewhere = wheel.url.replace("weather-", "missing-")
    assert publish(tenants, wheel, wheel_url=elsewhere, sha256=...).status_code == 422
    other = tenants.host_wheel(tmp_path, name="rival")
    assert publish(tenants, wheel, wheel_url=other.url, sha256=...).status_code == 409
    assert tenants.deployed.documents.all() == before


def test_what_the_wheel_says_of_itself_is_kept_with_the_version(tenants: Tenants, wheel: AddedWheel) -> None:
    made = publish(tenants, wheel).json
    assert (made["distribution_name"], made["wheel_filename"]) == ("weather", wheel.url.rpartition("/")[2])
    assert (made["summary"], made["requires_python"]) == (None, None)
    assert made["wheel_size"] > 0


def test_the_runtimes_own_command_spelled_out_is_no_entrypoint_of_the_version(
    tenants: Tenants, wheel: AddedWheel
) -> None:
    made = publish(tenants, wheel, entrypoint=["python", "-m", "pragma_runtime.entrypoint"])
    assert (made.status_code, made.json["entrypoint"]) == (201, None)
    assert publish(tenants, wheel).status_code == 200


@pytest.mark.parametrize("said", [..., "tenant", "public"])
def test_a_new_provider_is_its_organizations_unless_its_author_says_otherwise(
    tenants: Tenants, wheel: AddedWheel, said: Any
) -> None:
    metadata = METADATA if said is ... else {**METADATA, "scope": said}
    assert publish(tenants, wheel, metadata=metadata).status_code == 201
    shown = tenants.deployed.call("GET", "/providers/acme/new", tenants.user).json
    assert shown["scope"] == ("tenant" if said is ... else said)
    seen = tenants.deployed.call("GET", "/providers/acme/new", tenants.other).status_code
    assert seen == (200 if said == "public" else 404)


def test_the_operator_may_have_new_providers_public(around: StandIns, tmp_path: Path) -> None:
    with deployed_on(around, HUB_DEFAULT_SCOPE="public") as deployed:
        tenants = Tenants(deployed)
        publish(tenants, tenants.host_wheel(tmp_path))
        assert deployed.call("GET", "/providers/acme/new", tenants.other).json["scope"] == "public"


def test_a_later_version_widens_and_narrows_the_scope_as_an_edit_would(
    tenants: Tenants, wheel: AddedWheel, tmp_path: Path
) -> None:
    def release(text: str, scope: str) -> int:
        released = tenants.host_wheel(tmp_path, text=text)
        answer = publish(tenants, released, version=text, metadata={**METADATA, "scope": scope})
        return int(answer.status_code)

    publish(tenants, wheel)
    assert release("2.1.0", "public") == 201
    tenants.deployed.call("POST", "/providers/install", tenants.other, body={"provider_name": "acme/new"})
    assert release("2.2.0", "tenant") == 409
    shown = tenants.deployed.call("GET", "/providers/acme/new", tenants.other).json
    assert (shown["scope"], shown["latest_version"]) == ("public", "2.1.0")


def test_the_platforms_providers_are_public_and_cannot_be_anything_else(tenants: Tenants, wheel: AddedWheel) -> None:
    given = body(wheel, name="platform/new", metadata={**METADATA, "scope": "tenant"})
    refused = tenants.deployed.call("POST", "/console/provider-versions", tenants.console_machine, body=given)
    assert (refused.status_code, "platform providers are public" in refused.text) == (422, True)


def register(tenants: Tenants, **changes: Any) -> Any:
    given = {"version": "1.0", "image_url": "image:1", **changes}
    return tenants.deployed.call("POST", "/console/runtime/versions", tenants.console_machine, body=given)


def test_a_runtime_version_keeps_its_image_and_may_be_pinned(tenants: Tenants, wheel: AddedWheel) -> None:
    made = register(tenants)
    fields = {"version", "image_url", "python_version", "platform", "changelog"}
    assert (made.status_code, set(made.json)) == (201, fields | {"released_at", "created_at", "updated_at"})
    again = register(tenants)
    assert (again.status_code, again.json) == (200, made.json)
    told = register(tenants, changelog="Mends the check-in")
    assert (told.status_code, told.json["changelog"]) == (200, "Mends the check-in")
    for other in ({"image_url": "image:2"}, {"python_version": "3.12"}, {"platform": "manylinux_2_17_x86_64"}):
        refused = register(tenants, **other)
        assert (refused.status_code, "runtime versions never change" in refused.json["detail"]) == (409, True)
    assert publish(tenants, wheel, runtime_version="1.0").json["runtime_version"] == "1.0"


def hosted(
    tenants: Tenants, directory: Path, files: list[str], name: str = "gauge", version: str = "1.0.0"
) -> AddedWheel:
    """A wheel with these empty files on the stand-in's host."""
    around = tenants.deployed.around
    made = make_wheel(directory, dict.fromkeys(files, ""), name=name, version=version)
    return add_wheel(made, wheels_dir(around.state_dir), around.wheels_url)


def test_the_package_that_runtimes_import_is_stored_where_none_was_named(tenants: Tenants, tmp_path: Path) -> None:
    wheel = hosted(tenants, tmp_path, ["acme/gauge/__init__.py", "tests/__init__.py"])
    made = publish(tenants, wheel, name="acme/gauge", version="1.0.0")
    assert (made.status_code, made.json["package_name"]) == (201, "acme.gauge")
    again = publish(tenants, wheel, name="acme/gauge", version="1.0.0", package_name="acme.gauge")
    assert (again.status_code, again.json) == (200, made.json)


def test_a_command_of_ones_own_may_import_what_it_likes(tenants: Tenants, tmp_path: Path) -> None:
    wheel = hosted(tenants, tmp_path, ["one/__init__.py", "two/__init__.py"], name="own-command")
    made = publish(tenants, wheel, name="acme/gauge", version="1.0.0", entrypoint=["python", "-m", "two"])
    assert (made.status_code, made.json["package_name"]) == (201, None)


@pytest.mark.parametrize(
    ("files", "distribution", "changes", "where", "why"),
    [
        ([], "jupyter", {}, "wheel_url", "nothing to import, only metadata and dependencies"),
        (["requests-stubs/__init__.pyi"], "types-requests", {}, "wheel_url", "only type stubs"),
        (["argparse.py"], "argparse", {}, "wheel_url", "Python's own module of that name comes first"),
        (["one/__init__.py", "two/__init__.py"], "several", {}, "package_name", "several packages (one, two)"),
        (["acme/gauge/__init__.py"], "namespace", {"package_name": "acme"}, "package_name", "name acme.gauge instead"),
        (["gauge/__init__.py"], "misnamed", {"package_name": "other"}, "package_name", "no package 'other'"),
        (
            ["one/__init__.py", "two/__init__.py"],
            "default-command",
            {"entrypoint": ["python", "-m", "pragma_runtime.entrypoint"]},
            "package_name",
            "several packages",
        ),
    ],
)
def test_a_wheel_that_could_never_start_is_refused_with_the_reason(
    tenants: Tenants,
    tmp_path: Path,
    files: list[str],
    distribution: str,
    changes: dict[str, Any],
    where: str,
    why: str,
) -> None:
    wheel = hosted(tenants, tmp_path, files, name=distribution)
    before = tenants.deployed.documents.all()
    response = publish(tenants, wheel, name="acme/gauge", version="1.0.0", **changes)
    assert response.status_code == 422, response.text
    (problem,) = response.json["errors"]
    assert problem["loc"] == ["body", where]
    assert why in problem["msg"]
    assert tenants.deployed.documents.all() == before


def test_a_post_release_is_refused_since_it_would_rank_below_what_it_fixes(tenants: Tenants, tmp_path: Path) -> None:
    wheel = hosted(tenants, tmp_path, ["gauge.py"], version="1.0.0.post1")
    for version in ("1.0.0-1", "1.0.0-post.1", "1.0.0-r1"):
        response = publish(tenants, wheel, name="acme/gauge", version=version)
        assert response.status_code == 422, response.text
        (problem,) = response.json["errors"]
        assert problem["loc"] == ["body", "version"]
        assert "as 1.0.1 and not as 1.0.0.post1" in problem["msg"]


def test_a_version_that_names_no_runtime_is_pinned_to_the_newest_that_its_wheel_runs_on(
    tenants: Tenants, wheel: AddedWheel
) -> None:
    register(tenants, version="next", python_version="3.99")
    made = publish(tenants, wheel).json
    assert made["runtime_version"] == "next"
    register(tenants, version="later", python_version="3.99", image_url="image:2")
    assert publish(tenants, wheel).json == made
    assert publish(tenants, wheel, runtime_version="next").status_code == 200
    assert publish(tenants, wheel, runtime_version="later").status_code == 409


def test_where_no_runtime_was_registered_the_deployments_own_is_with_the_first_version(
    deployed: Deployed, tmp_path: Path
) -> None:
    tenants = Tenants(deployed)
    made = publish(tenants, tenants.host_wheel(tmp_path)).json
    stored = deployed.documents.under("runtime_versions")
    assert set(stored) == {f"runtime_versions/{made['runtime_version']}"}
    assert stored[f"runtime_versions/{made['runtime_version']}"]["image_url"] == own_interpreter().image


def test_a_wheel_that_no_runtime_can_run_is_refused_and_told_what_there_is(tenants: Tenants, tmp_path: Path) -> None:
    before = tenants.deployed.documents.all()
    old = tenants.host_wheel(tmp_path, name="old", metadata=("Requires-Python: <3.9",))
    refused = publish(tenants, old)
    assert refused.status_code == 422
    assert "<3.9" in refused.text
    assert f"CPython {RUNTIME.python_version}" in refused.text
    named = publish(tenants, old, runtime_version=RUNTIME.version)
    assert (named.status_code, "<3.9" in named.text) == (422, True)
    assert tenants.deployed.documents.all() == before
