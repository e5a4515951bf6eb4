"""The audit says who did what to which provider, version or organization, and who was refused; nobody edits it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders import ACME, CLOUD, WEATHER, provider, wish
from tests.fakes import START
from tests.integration.backend import Backend
from tests.integration.tenants import Tenants

from provider_hub.actions import audit, curate, keys
from provider_hub.actions.audit import Refusals
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.audit import AuditQuery
from provider_hub.actions.wishes.catalog import CatalogEdit
from provider_hub.domain.audit import KEPT, Actor, ActorKind, AuditAction
from provider_hub.domain.catalog import in_scope
from provider_hub.domain.errors import Conflict, Forbidden, NotFound, QuotaExceeded, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.scope import Scope
from provider_hub.http.route import Access
from provider_hub.http.table import ROUTES

ADA = Actor(ActorKind.USER, "user_ada", "org_acme", "203.0.113.9")
EVE = Actor(ActorKind.USER, "user_eve", "org_other", "203.0.113.66")
ELSEWHERE = ProviderName("other", "radio")
RELEASE = Actor(ActorKind.CONSOLE_MACHINE, "mch_console", None)


def entries(tenants: Tenants, query: str = "") -> list[dict[str, Any]]:
    answer = tenants.deployed.call("GET", f"/console/audit{query}", tenants.console_machine)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def told(items: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [(item["action"], item["actor"], item["organization_id"], item["subject"]) for item in items]


def test_what_authors_and_the_platform_do_is_found_newest_first(tenants: Tenants, tmp_path: Path) -> None:
    call, machine = tenants.deployed.call, tenants.console_machine
    wheel = tenants.host_wheel(tmp_path)
    body = {"name": "acme/weather", "version": "2.0.0", "wheel_url": wheel.url, "sha256": wheel.sha256}
    assert call("POST", "/provider-versions", tenants.machine, body=body).status_code == 201
    yank = "/providers/acme/weather/versions/2.0.0/yank"
    assert call("POST", yank, tenants.user, body={"reason": "wrong units"}).status_code == 200
    assert call("DELETE", f"/console{yank}", machine).status_code == 200
    assert call("PATCH", "/providers/acme/weather", tenants.user, body={"scope": "public"}).status_code == 200
    suspend = "/console/organizations/org_other/suspend"
    assert call("POST", suspend, machine, body={"reason": "stolen"}).status_code == 200
    found = entries(tenants)
    assert told(found) == [
        ("organization-suspended", "mch_console", "org_other", "organization org_other"),
        ("scope-changed", "user_acme", "org_acme", "acme/weather"),
        ("version-unyanked", "mch_console", "org_acme", "acme/weather 2.0.0"),
        ("version-yanked", "user_acme", "org_acme", "acme/weather 2.0.0"),
        ("version-published", "mch_acme", "org_acme", "acme/weather 2.0.0"),
    ]
    details = [item["detail"] for item in found]
    assert details == ["stolen", "tenant to public", None, "wrong units", f"sha256 {wheel.sha256}"]
    assert {item["address"] for item in found} == {"127.0.0.1"}
    assert [item["actor_kind"] for item in found][-2:] == ["user", "machine"]


def test_an_organization_reads_its_own_audit_and_nobody_else_s(tenants: Tenants) -> None:
    call, own = tenants.deployed.call, "/organizations/me/audit"
    yank = "/providers/acme/weather/versions/1.0.0/yank"
    assert call("POST", yank, tenants.user, body={"reason": "wrong units"}).status_code == 200
    assert call("DELETE", f"/console{yank}", tenants.console_machine).status_code == 200
    suspend = "/console/organizations/org_other"
    assert call("POST", f"{suspend}/suspend", tenants.console_machine, body={"reason": "stolen"}).status_code == 200
    assert call("POST", f"{suspend}/resume", tenants.console_machine).status_code == 200
    page = call("GET", own, tenants.user).json
    assert told(page["items"]) == [
        ("version-unyanked", "mch_console", "org_acme", "acme/weather 1.0.0"),
        ("version-yanked", "user_acme", "org_acme", "acme/weather 1.0.0"),
    ]
    assert [item["address"] for item in page["items"]] == [None, "127.0.0.1"], "the platform's address is its own"
    assert call("GET", "/organizations/org_acme/audit", tenants.user).json == page
    assert call("GET", f"{own}?action=version-yanked", tenants.user).json["items"] == page["items"][1:]
    first = call("GET", f"{own}?limit=1", tenants.user).json
    second = call("GET", f"{own}?limit=1&page_token={first['next_page_token']}", tenants.user).json
    assert (first["items"] + second["items"], second["next_page_token"]) == (page["items"], None)
    others = entries(tenants, "?organization=org_other")[0]["id"]
    refused = call("GET", f"{own}?page_token={others}", tenants.user)
    assert (refused.status_code, "is gone" in refused.json["detail"]) == (422, True)
    assert call("GET", "/organizations/org_other/audit", tenants.user).status_code == 404


def test_a_route_that_a_role_or_scope_refuses_is_recorded_once_a_minute(tenants: Tenants) -> None:
    member = tenants.token(org_id="org_acme", org_slug="acme", org_role="org:member")
    for _ in range(3):
        assert tenants.deployed.call("DELETE", "/providers/acme/weather", member).status_code == 403
    assert tenants.deployed.call("GET", "/console/audit", tenants.narrow).status_code == 403
    found = entries(tenants, "?action=refused")
    assert told(found) == [
        ("refused", "mch_console", None, "GET /console/audit"),
        ("refused", "user_1", "org_acme", "DELETE /providers/{org}/{name}"),
    ]
    assert "has not the scope audit:read" in found[0]["detail"]


def test_the_audit_is_paged_and_filtered(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider(WEATHER))
    backend.put(keys.provider(CLOUD), provider(CLOUD))
    for number in range(4):
        backend.clock.turn(minutes=1)
        curate.edit_provider(backend.services, ADA, WEATHER, CatalogEdit(description=f"edit {number}"))
    curate.edit_provider(backend.services, RELEASE, CLOUD, CatalogEdit(scope=Scope.PUBLIC, tags=["a"]))

    def pages(**wanted: Any) -> list[list[datetime]]:
        found: list[list[datetime]] = []
        token = None
        while not found or token:
            page, token = audit.list_entries(backend.services, AuditQuery(page_token=token, **wanted))
            found.append([entry.at for entry in page])
        return found

    minutes = [START + timedelta(minutes=number) for number in range(1, 5)]
    at_once = pages(limit=2)
    assert [len(page) for page in at_once] == [2, 2, 1]
    assert [at for page in at_once for at in page] == [minutes[3], *reversed(minutes)]
    assert pages(organization="org_acme", limit=4) == [minutes[::-1]]
    assert pages(organization="org_acme", action=AuditAction.PROVIDER_EDITED, since=minutes[2]) == [minutes[:1:-1]]
    assert pages(action=AuditAction.VERSION_YANKED) == [[]]
    with pytest.raises(Exception, match="is gone"):
        audit.list_entries(backend.services, AuditQuery(page_token="0" * 26))


def test_an_entry_is_kept_for_400_days(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider(WEATHER))
    curate.edit_provider(backend.services, ADA, WEATHER, CatalogEdit(description="new"))
    (entry,), _ = audit.list_entries(backend.services, AuditQuery())
    assert entry.expires_at - entry.at == KEPT == timedelta(days=400)


def test_what_did_not_happen_is_not_in_the_audit(backend: Backend) -> None:
    backend.put(keys.provider(WEATHER), provider(WEATHER))
    with pytest.raises(NotFound):
        curate.yank(backend.services, ADA, WEATHER, "9.9.9", None)
    with pytest.raises(NotFound):
        curate.edit_provider(backend.services, EVE, WEATHER, CatalogEdit(description="mine"))
    backend.put(keys.provider(WEATHER), in_scope(provider(WEATHER), Scope.PUBLIC))
    with pytest.raises(Forbidden):
        curate.delete_provider(backend.services, EVE, WEATHER)
    backend.put(keys.provider(CLOUD), provider(CLOUD))
    with pytest.raises(Conflict):
        curate.edit_provider(backend.services, RELEASE, CLOUD, CatalogEdit(scope=Scope.TENANT))
    assert audit.list_entries(backend.services, AuditQuery()) == ([], None)


def test_no_organization_of_a_customer_is_taken_for_the_platform(backend: Backend) -> None:
    backend.put(keys.provider(CLOUD), provider(CLOUD))
    homeless = Actor(ActorKind.USER, "user_eve", None)
    with pytest.raises(Forbidden):
        curate.edit_provider(backend.services, homeless, CLOUD, CatalogEdit(description="mine"))


def test_a_caller_gets_its_refusal_while_the_database_is_down(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(_decide: object) -> None:
        raise TemporaryError("down")

    monkeypatch.setattr(backend.services.store, "transact", down)
    Refusals(backend.services).note(ADA, "DELETE /providers/{org}/{name}", "may only read")
    assert "is not in the audit: down" in caplog.text


def test_an_organization_cannot_fill_the_audit_with_its_changes(backend: Backend) -> None:
    for organization, name in ((ADA, WEATHER), (EVE, ELSEWHERE)):
        row = provider(name)
        author = replace(row.author, organization_id=organization.organization_id)
        backend.put(keys.provider(name), replace(row, author=author))
    services = replace(backend.services, audit_budget=RequestBudget(2, "audited changes"))
    for number in range(2):
        curate.edit_provider(services, ADA, WEATHER, CatalogEdit(description=f"new {number}"))
    with pytest.raises(QuotaExceeded, match="more than 2 audited changes a minute"):
        curate.edit_provider(services, ADA, WEATHER, CatalogEdit(description="not"))
    stored = backend.store.get(keys.provider(WEATHER))
    assert stored is not None
    assert stored.description == "new 1"
    curate.edit_provider(services, EVE, ELSEWHERE, CatalogEdit(description="hers"))
    assert len(audit.list_entries(services, AuditQuery())[0]) == 3


@pytest.mark.parametrize("changes", [1, 2])
def test_a_request_is_never_left_half_done_because_the_budget_ran_out(backend: Backend, changes: int) -> None:
    """A provider that others have is hidden, counted and shown again; a deletion and an edit hide it first, too."""
    row = in_scope(provider(WEATHER), Scope.PUBLIC)
    backend.put(keys.provider(WEATHER), row)
    backend.put(keys.installation("org_other", WEATHER), wish(organization_id="org_other"))

    def services() -> Services:
        return replace(backend.services, audit_budget=RequestBudget(changes, "audited changes"))

    with pytest.raises(Conflict, match="is installed by 1 other"):
        curate.edit_provider(services(), ADA, WEATHER, CatalogEdit(scope=Scope.TENANT))
    assert backend.store.get(keys.provider(WEATHER)) == row
    backend.store.delete_all([keys.installation("org_other", WEATHER)])
    edited = curate.edit_provider(services(), ADA, WEATHER, CatalogEdit(scope=Scope.TENANT, description="ours"))
    assert (edited.provider.scope, edited.provider.description) == (Scope.TENANT, "ours")
    spent = services()
    for _ in range(changes):
        audit.spend(spent, ADA)
    with pytest.raises(QuotaExceeded):
        curate.delete_provider(spent, ADA, WEATHER)
    assert backend.store.get(keys.provider(WEATHER)) == edited.provider
    curate.delete_provider(services(), ADA, WEATHER)
    told = [entry.action for entry in audit.list_entries(backend.services, AuditQuery())[0]]
    assert sorted(told) == ["provider-deleted", "provider-edited", *["scope-changed"] * 3]


def test_a_refusal_is_recorded_for_each_organization_of_its_caller(backend: Backend) -> None:
    refusals = Refusals(backend.services)
    for by in (ADA, replace(ADA, organization_id="org_other"), ADA):
        refusals.note(by, "DELETE /providers/{org}/{name}", "may only read")
    found, _ = audit.list_entries(backend.services, AuditQuery())
    assert sorted(str(entry.organization_id) for entry in found) == ["org_acme", "org_other"]


def test_an_organization_cannot_fill_the_audit_with_refusals_of_many_callers(backend: Backend) -> None:
    refusals = Refusals(backend.services)
    for number in range(2 * Refusals.MOST):
        refusals.note(replace(ADA, subject=f"user_{number}"), "DELETE /providers/{org}/{name}", "may only read")
    refusals.note(EVE, "DELETE /providers/{org}/{name}", "may only read")
    found, _ = audit.list_entries(backend.services, AuditQuery(limit=100))
    assert len(found) == Refusals.MOST + 1
    assert found[0].actor == EVE.subject


def test_every_route_of_console_machines_that_changes_something_is_recorded(tenants: Tenants) -> None:
    """The actions are named here by their routes: a new route has to say what it records."""
    recorded = {
        "edit_any_provider": AuditAction.PROVIDER_EDITED,
        "delete_any_provider": AuditAction.PROVIDER_DELETED,
        "yank_any": AuditAction.VERSION_YANKED,
        "unyank_any": AuditAction.VERSION_UNYANKED,
        "pause_any_rollout": AuditAction.ROLLOUT_PAUSED,
        "resume_any_rollout": AuditAction.ROLLOUT_RESUMED,
        "publish_platform": AuditAction.VERSION_PUBLISHED,
        "register_runtime": AuditAction.RUNTIME_REGISTERED,
        "suspend_organization": AuditAction.ORGANIZATION_SUSPENDED,
        "resume_organization": AuditAction.ORGANIZATION_RESUMED,
        "release_slug": AuditAction.SLUG_RELEASED,
        "allow_storage": AuditAction.STORAGE_ALLOWED,
        "retry_platform_dead_letter": AuditAction.DEAD_LETTER_RETRIED,
        "delete_platform_dead_letter": AuditAction.DEAD_LETTER_DELETED,
    }
    changing = {route.name for route in ROUTES if route.access is Access.CONSOLE_MACHINE and route.method != "GET"}
    # What is uploaded is nobody's version yet: the publish that follows is recorded.
    assert changing - {"begin_platform_upload"} == set(recorded)
    call, machine = tenants.deployed.call, tenants.console_machine
    organization = f"/console/organizations/{ACME.organization_id}"
    assert call("DELETE", "/console/providers/acme/empty", machine).status_code == 204
    runtime = {"version": "9", "image_url": "i:9"}
    assert call("POST", "/console/runtime/versions", machine, body=runtime).status_code == 201
    assert call("POST", "/console/runtime/versions", machine, body=runtime).status_code == 200
    assert call("POST", f"{organization}/suspend", machine, body={"reason": "x"}).status_code == 200
    assert call("POST", f"{organization}/resume", machine).status_code == 200
    assert call("PATCH", organization, machine, body={"allowed_bytes": 2 * 1024**3}).status_code == 200
    found = entries(tenants)
    assert found[0]["detail"] == "50.0 GiB to 2.0 GiB"
    assert [entry["action"] for entry in found] == [
        "storage-allowed", "organization-resumed", "organization-suspended", "runtime-registered", "provider-deleted",
    ]  # fmt: skip
