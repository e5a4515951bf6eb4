"""The catalog over HTTP: who finds what, what an author may change, yanks and deletions (contract, section 4)."""

from typing import Any

import pytest
from tests.builders import WEATHER, version
from tests.integration.tenants import Tenants

from provider_hub.actions import keys

PROVIDER_FIELDS = {
    "prefix", "name", "canonical", "display_name", "description", "author", "scope", "icon_url", "readme", "tags",
    "latest_version", "install_count", "created_at", "updated_at",
}  # fmt: skip
VERSION_FIELDS = {
    "attestations",
    "provenance_path",
    "prefix", "name", "version", "canonical", "runtime_version", "wheel_url", "wheel_sha256", "package_name",
    "entrypoint", "source_hash", "build_id", "schemas", "changelog", "status", "published_at", "error_message",
    "created_at", "updated_at", "distribution_name", "summary", "requires_python", "wheel_filename", "wheel_size",
    "lock_sha256", "lock_packages", "lock_due_at", "lock_message",
    "published_by", "advisories", "advisories_as_of", "advisory_count", "advisory_severity",
}  # fmt: skip
ACMES = ["acme/busy", "acme/leaving", "acme/radio", "acme/weather"]


def found(tenants: Tenants, query: str, token: str | None) -> tuple[list[str], int]:
    response = tenants.deployed.call("GET", f"/providers?{query}", token)
    assert response.status_code == 200, response.text
    return [item["canonical"] for item in response.json["items"]], response.json["total"]


def edit(tenants: Tenants, body: Any, path: str = "/providers/acme/weather") -> dict[str, Any]:
    response = tenants.deployed.call("PATCH", path, tenants.user, body=body)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json
    return shown


def test_a_tenants_providers_are_its_own_in_items_and_totals(tenants: Tenants) -> None:
    assert found(tenants, "q=tells", None) == (["platform/cloud"], 1)
    assert found(tenants, "q=tells", tenants.other) == (["other/secret", "platform/cloud"], 2)
    assert found(tenants, "q=tells", tenants.user) == ([*ACMES, "platform/cloud"], 5)
    assert found(tenants, "q=secret", tenants.user) == ([], 0)
    assert found(tenants, "", None) == (["platform/cloud"], 1)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("scope=public", ["platform/cloud"]),
        ("q=tells&scope=tenant", ACMES),
        ("q=WEATHER", ["acme/weather"]),
        ("q=tells+weather", ["acme/weather"]),
        ("q=tells&q=radio", ["acme/radio"]),
        ("q=nothing+like+this", []),
        ("q=%21%3F", []),
        ("q=weathermen+of+the+coast", []),
        ("q=tells&limit=2&offset=1", ["acme/leaving", "acme/radio"]),
        ("q=tells&offset=100000", []),
    ],
)
def test_search_is_by_all_words_scope_and_page(tenants: Tenants, query: str, names: list[str]) -> None:
    assert found(tenants, query, tenants.user)[0] == names


def test_all_of_repeated_tags_must_match(tenants: Tenants) -> None:
    edit(tenants, {"tags": ["iot", "météo"]})
    edit(tenants, {"tags": ["iot"]}, "/providers/acme/radio")
    assert found(tenants, "tags=iot", tenants.user) == (["acme/radio", "acme/weather"], 2)
    assert found(tenants, "tags=iot&tags=m%C3%A9t%C3%A9o", tenants.user) == (["acme/weather"], 1)
    assert found(tenants, "tags=iot&tags=none", tenants.user) == ([], 0)


def test_a_page_tells_its_bounds(tenants: Tenants) -> None:
    page = tenants.deployed.call("GET", "/providers?limit=1", tenants.user).json
    assert (set(page), page["limit"], page["offset"]) == ({"items", "total", "limit", "offset"}, 1, 0)


def test_scope_tenant_is_nothing_for_nobody(tenants: Tenants) -> None:
    assert found(tenants, "scope=tenant", None) == ([], 0)


def test_a_provider_is_shown_with_its_author_and_a_count_over_all_tenants(tenants: Tenants) -> None:
    for token in (tenants.user, tenants.other):
        tenants.deployed.call("POST", "/providers/install", token, body={"provider_name": "platform/cloud"})
    shown = tenants.deployed.call("GET", "/providers/platform/cloud").json
    assert set(shown) == PROVIDER_FIELDS
    assert shown["author"] == {"kind": "platform", "organization_id": "platform", "display_name": "Platform"}
    assert (shown["install_count"], shown["scope"]) == (2, "public")
    own = tenants.deployed.call("GET", "/providers/acme/weather", tenants.user).json
    assert (own["author"]["kind"], own["author"]["organization_id"], own["scope"]) == ("customer", "org_acme", "tenant")


def test_versions_are_newest_first_by_precedence(tenants: Tenants) -> None:
    listed = tenants.deployed.call("GET", "/providers/acme/weather/versions", tenants.user).json
    assert [item["version"] for item in listed] == ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    assert set(listed[0]) == VERSION_FIELDS
    one = tenants.deployed.call("GET", "/providers/acme/weather/versions/1.2.0", tenants.user).json
    assert one == listed[2]


def test_a_stored_schema_that_no_answer_can_hold_makes_no_list_fail(tenants: Tenants) -> None:
    schemas = {"config_schema": '{"title": "\\ud800"}', "outputs_schema": '{"const": ' + "[" * 300 + "]" * 300 + "}"}
    tenants.deployed.put(keys.version(WEATHER, "1.4.0"), version("1.4.0", **schemas))
    listed = tenants.deployed.call("GET", "/providers/acme/weather/versions", tenants.user)
    assert listed.status_code == 200, listed.text
    (shown,) = listed.json[0]["schemas"]
    assert (shown["config_schema"], shown["outputs_schema"]) == ({"title": "?"}, None)


def test_only_the_given_fields_are_changed(tenants: Tenants) -> None:
    edit(tenants, {"readme": "# Hello", "icon_url": "https://icons.example/w.png", "tags": ["a"]})
    shown = edit(tenants, {"display_name": "New name"})
    assert (shown["display_name"], shown["description"], shown["readme"]) == ("New name", "Tells things", "# Hello")
    shown = edit(tenants, {"readme": None, "icon_url": None, "description": None, "tags": None})
    assert (shown["readme"], shown["icon_url"]) == (None, None)
    assert (shown["description"], shown["tags"]) == ("Tells things", ["a"])


def test_an_edited_provider_is_found_by_its_new_words_only(tenants: Tenants) -> None:
    edit(tenants, {"description": "Measures rain"})
    assert found(tenants, "q=rain", tenants.user)[0] == ["acme/weather"]
    assert "acme/weather" not in found(tenants, "q=tells", tenants.user)[0]


def test_the_longest_readme_is_kept(tenants: Tenants) -> None:
    readme = "天" * 50_000
    assert edit(tenants, {"readme": readme})["readme"] == readme


def test_a_deleted_provider_is_gone_with_its_versions(tenants: Tenants) -> None:
    assert tenants.deployed.call("DELETE", "/providers/acme/radio", tenants.user).status_code == 204
    assert tenants.deployed.call("GET", "/providers/acme/radio", tenants.user).status_code == 404
    assert tenants.deployed.documents.under("providers/acme:radio") == {}
    assert "providers/acme:radio" not in tenants.deployed.documents.all()
    body = {"provider_name": "acme/radio"}
    assert tenants.deployed.call("POST", "/providers/install", tenants.user, body=body).status_code == 404


def test_what_is_installed_is_not_deleted_and_stays_as_it_was(tenants: Tenants) -> None:
    before = tenants.deployed.documents.all()
    assert tenants.deployed.call("DELETE", "/providers/acme/weather", tenants.user).status_code == 409
    assert tenants.deployed.documents.all() == before


def test_a_yanked_version_is_not_installed_anew_while_what_runs_stays(tenants: Tenants) -> None:
    yank = "/providers/acme/weather/versions/1.2.0/yank"
    shown = tenants.deployed.call("POST", yank, tenants.user, body={"reason": "leaks"}).json
    assert (shown["status"], shown["error_message"]) == ("yanked", "leaks")
    assert tenants.deployed.call("GET", "/providers/acme/weather", tenants.user).json["latest_version"] == "1.1.0"
    row = tenants.deployed.call("GET", "/providers/installed/acme/weather", tenants.user).json
    assert (row["lifecycle_state"], row["upgrade_available"]) == ("ready", False)
    refused = tenants.deployed.call(
        "POST", "/providers/installed/acme/weather/upgrade", tenants.user, body={"version": "1.2.0"}
    )
    assert refused.status_code == 422


def test_a_yank_may_be_taken_back_and_be_done_twice(tenants: Tenants) -> None:
    yank = "/providers/acme/weather/versions/1.2.0/yank"
    for _ in range(2):
        assert tenants.deployed.call("POST", yank, tenants.user).json["status"] == "yanked"
    shown = tenants.deployed.call("DELETE", yank, tenants.user).json
    assert (shown["status"], shown["error_message"]) == ("published", None)
    assert tenants.deployed.call("GET", "/providers/acme/weather", tenants.user).json["latest_version"] == "1.2.0"


def test_a_provider_whose_every_version_is_yanked_has_no_latest(tenants: Tenants) -> None:
    tenants.deployed.call("POST", "/providers/acme/radio/versions/1.0.0/yank", tenants.user)
    assert tenants.deployed.call("GET", "/providers/acme/radio", tenants.user).json["latest_version"] is None


def test_a_version_that_was_never_published_is_not_published_by_taking_back_a_yank(tenants: Tenants) -> None:
    path = "/providers/acme/weather/versions/1.4.0"
    tenants.deployed.call("DELETE", f"{path}/yank", tenants.user)
    assert tenants.deployed.call("GET", path, tenants.user).json["status"] == "building"


def install(tenants: Tenants, token: str, name: str = "acme/radio") -> Any:
    return tenants.deployed.call("POST", "/providers/install", token, body={"provider_name": name})


def test_what_its_author_makes_public_every_other_organization_finds_reads_and_installs(tenants: Tenants) -> None:
    assert tenants.deployed.call("GET", "/providers/acme/radio", tenants.other).status_code == 404
    assert install(tenants, tenants.other).status_code == 404
    edit(tenants, {"scope": "public"}, "/providers/acme/radio")
    assert found(tenants, "q=radio", tenants.other)[0] == ["acme/radio"]
    assert found(tenants, "q=radio&scope=public", None)[0] == ["acme/radio"]
    assert found(tenants, "q=radio&scope=tenant", tenants.user)[0] == []
    for path in ("", "/versions", "/versions/1.0.0"):
        assert tenants.deployed.call("GET", f"/providers/acme/radio{path}", tenants.other).status_code == 200
    assert install(tenants, tenants.other).status_code == 201
    for token in (tenants.user, tenants.other):
        shown = tenants.deployed.call("GET", "/providers/acme/radio", token)
        assert shown.json["install_count"] == 1
        assert "org_other" not in shown.text
    assert tenants.deployed.call("PATCH", "/providers/acme/radio", tenants.other, body={"tags": []}).status_code == 403


def test_a_provider_that_another_organization_has_stays_public_and_keeps_its_other_words(tenants: Tenants) -> None:
    edit(tenants, {"scope": "public"}, "/providers/acme/radio")
    for token in (tenants.other, tenants.user):
        assert install(tenants, token).status_code == 201
    body = {"scope": "tenant", "display_name": "Hidden"}
    refused = tenants.deployed.call("PATCH", "/providers/acme/radio", tenants.user, body=body)
    assert (refused.status_code, "installed by 1 other" in refused.json["detail"]) == (409, True)
    shown = tenants.deployed.call("GET", "/providers/acme/radio", tenants.other).json
    assert (shown["scope"], shown["display_name"]) == ("public", "Radio")


def test_a_provider_that_only_its_author_has_goes_back_to_its_organization(tenants: Tenants) -> None:
    edit(tenants, {"scope": "public"}, "/providers/acme/radio")
    assert install(tenants, tenants.user).status_code == 201
    assert edit(tenants, {"scope": "tenant"}, "/providers/acme/radio")["scope"] == "tenant"
    assert tenants.deployed.call("GET", "/providers/acme/radio", tenants.other).status_code == 404
    assert found(tenants, "q=radio&scope=tenant", tenants.user)[0] == ["acme/radio"]
    assert edit(tenants, {"scope": None}, "/providers/acme/radio")["scope"] == "tenant"


def test_a_search_reads_no_readme(tenants: Tenants) -> None:
    edit(tenants, {"readme": "# Long"})
    answer = tenants.deployed.call("GET", "/providers?q=weather", tenants.user)
    assert [item["readme"] for item in answer.json["items"]] == [None]


def test_versions_come_in_pages_newest_first(tenants: Tenants) -> None:
    def page(query: str) -> list[str]:
        answer = tenants.deployed.call("GET", f"/providers/acme/weather/versions{query}", tenants.user)
        return [version["version"] for version in answer.json]

    assert page("") == ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    assert page("?limit=2") == ["1.4.0", "1.3.0"]
    assert page("?limit=2&offset=4") == ["1.0.0"]
    assert page("?offset=5") == []
