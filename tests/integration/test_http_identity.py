"""Who the caller is, organizations as they are met, and dead letters (contract, sections 2 and 6)."""

from typing import Any

import pytest
from tests.builders import CLOUD, dead_letter
from tests.fakes import START
from tests.integration.tenants import RADIO, Tenants

from provider_hub.actions import dead_letters, keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.records import Topic

LETTER = dead_letter()
LETTER_FIELDS = {
    "id", "event_id", "provider", "resource_type", "resource_name", "event_type", "payload", "error_message",
    "attempt_count", "failed_at",
}  # fmt: skip
ORGANIZATION_FIELDS = {
    "organization_id",
    "name",
    "slug",
    "status",
    "created_at",
    "updated_at",
    "stored_bytes",
    "stored_bytes_limit",
}


def get(tenants: Tenants, path: str, token: str) -> Any:
    response = tenants.deployed.call("GET", path, token)
    assert response.status_code == 200, response.text
    return response.json


def test_who_a_console_token_is(tenants: Tenants) -> None:
    machine = get(tenants, "/console/whoami", tenants.console_machine)
    assert (machine["kind"], machine["machine_id"], machine["user_id"]) == ("console_machine", "mch_console", None)
    user = get(tenants, "/console/whoami", tenants.console_user)
    assert (user["kind"], user["machine_id"], user["user_id"]) == ("console_user", None, "user_console")
    assert set(user) == set(machine)


@pytest.mark.parametrize(
    ("who", "me"),
    [
        ("user", ("user_acme", "user@acme.example", "org_acme", "Acme")),
        ("machine", ("mch_acme", None, "org_acme", "Acme")),
        ("homeless", ("user_acme", "user@acme.example", None, None)),
    ],
)
def test_who_a_customer_token_is(tenants: Tenants, who: str, me: tuple[str | None, ...]) -> None:
    shown = get(tenants, "/auth/me", getattr(tenants, who))
    assert shown == dict(zip(("user_id", "email", "organization_id", "organization_name"), me, strict=True))


@pytest.mark.parametrize(
    "claims",
    [
        {"o": {"id": "org_new", "slg": "new", "rol": "admin"}, "org_name": "New"},
        {"org_id": "org_new", "org_slug": "new", "org_role": "org:member", "org_name": "New"},
    ],
)
def test_an_organization_is_made_from_either_form_of_the_claims_the_first_time(
    tenants: Tenants, claims: dict[str, Any]
) -> None:
    token = tenants.token(**claims)
    made = get(tenants, "/organizations/me", token)
    assert set(made) == ORGANIZATION_FIELDS
    assert (made["organization_id"], made["slug"], made["name"], made["status"]) == ("org_new", "new", "New", "active")
    assert get(tenants, "/organizations", token) == [made]
    assert get(tenants, "/organizations/org_new", token) == made
    assert tenants.deployed.store.get(keys.slug("new")) == SlugClaim("new", "org_new")


def test_an_organization_that_renames_its_slug_keeps_its_first(tenants: Tenants) -> None:
    renamed = tenants.token(org_id="org_acme", org_slug="acme-2")
    assert get(tenants, "/organizations/me", renamed)["slug"] == "acme"


@pytest.fixture
def letters(tenants: Tenants) -> Tenants:
    for letter in (
        LETTER,
        dead_letter("01LIFE-2", RADIO, failed_at=START.replace(day=2)),
        dead_letter("others", organization_id="org_other"),
    ):
        tenants.deployed.put(keys.dead_letter(letter.dead_letter_id), letter)
    return tenants


def test_dead_letters_are_the_organizations_own_newest_first(letters: Tenants) -> None:
    listed = get(letters, "/ops/dead-letter", letters.user)
    assert [letter["id"] for letter in listed] == ["01LIFE-2", "01LIFE-1"]
    assert set(listed[0]) == LETTER_FIELDS
    one = get(letters, "/ops/dead-letter/01LIFE-1", letters.user)
    assert one == listed[1]
    assert (one["payload"]["kind"], one["attempt_count"]) == ("INSTALL_REQUESTED", 10)
    assert get(letters, "/ops/dead-letter?provider=acme/radio", letters.user) == [listed[0]]


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("POST", "/retry")])
def test_another_organizations_letter_is_404(letters: Tenants, method: str, suffix: str) -> None:
    before = letters.deployed.documents.all()
    assert letters.deployed.call(method, f"/ops/dead-letter/others{suffix}", letters.user).status_code == 404
    assert letters.deployed.documents.all() == before


def test_a_retried_letter_is_back_on_its_topic_and_gone(letters: Tenants) -> None:
    response = letters.deployed.call("POST", "/ops/dead-letter/01LIFE-1/retry", letters.user)
    assert (response.status_code, response.data) == (204, b"")
    (message,) = letters.deployed.topics.pull(Topic.INSTALLATION_EVENTS)
    assert (message.data.decode(), message.ordering_key) == (LETTER.payload, "01LIFE")
    assert dict(message.attributes) == {"event_id": "01LIFE-1", "event_type": "INSTALL_REQUESTED"}
    assert set(letters.deployed.documents.under("dead_letters")) == {"dead_letters/01LIFE-2", "dead_letters/others"}
    assert letters.deployed.call("POST", "/ops/dead-letter/01LIFE-1/retry", letters.user).status_code == 404


def test_all_of_the_organizations_letters_are_retried(letters: Tenants) -> None:
    response = letters.deployed.call("POST", "/ops/dead-letter/retry-all", letters.user)
    assert (response.status_code, response.json) == (200, {"retried_count": 2})
    assert len(letters.deployed.topics.pull(Topic.INSTALLATION_EVENTS, wanted=2)) == 2
    assert set(letters.deployed.documents.under("dead_letters")) == {"dead_letters/others"}


def test_letters_that_fail_again_while_all_are_retried_keep_no_older_one_from_it(
    letters: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry, asked = dead_letters.retry_letter, list[str]()

    def fail_again(services: Services[DocumentStore], organization_id: str, letter_id: str) -> None:
        asked.append(letter_id)
        retry(services, organization_id, letter_id)
        again = dead_letter(letter_id, failed_at=START.replace(day=3))
        letters.deployed.put(keys.dead_letter(letter_id), again)

    monkeypatch.setattr(dead_letters, "retry_letter", fail_again)
    monkeypatch.setattr(dead_letters, "LISTED", 1)
    response = letters.deployed.call("POST", "/ops/dead-letter/retry-all", letters.user)
    assert response.json == {"retried_count": 2}
    assert asked == ["01LIFE-2", "01LIFE-1"]


@pytest.mark.parametrize(
    ("query", "deleted"), [("provider=acme/weather", 1), ("all=true", 2), ("provider=acme/none", 0)]
)
def test_letters_are_deleted_by_provider_or_all(letters: Tenants, query: str, deleted: int) -> None:
    response = letters.deployed.call("DELETE", f"/ops/dead-letter?{query}", letters.user)
    assert (response.status_code, response.json) == (200, {"deleted_count": deleted})
    assert len(letters.deployed.documents.under("dead_letters")) == 3 - deleted


@pytest.fixture
def unowned(letters: Tenants) -> Tenants:
    """Beside the letters of organizations, one of a platform's provider, and one whose message was not kept."""
    platform = dead_letter("platforms", CLOUD, organization_id=None, topic=Topic.VERSION_EVENTS)
    check_in = dead_letter("claimed", organization_id=None, provider=None, payload="", topic=Topic.CHECK_INS)
    for letter in (platform, check_in):
        letters.deployed.put(keys.dead_letter(letter.dead_letter_id), letter)
    return letters


def test_the_platform_sees_the_dead_letters_of_no_organization_and_nobody_elses(unowned: Tenants) -> None:
    listed = get(unowned, "/console/dead-letter", unowned.console_machine)
    assert {letter["id"]: letter["provider"] for letter in listed} == {"platforms": CLOUD.canonical, "claimed": None}
    assert {letter["id"] for letter in listed if letter["payload"] == {}} == {"claimed"}
    for method, suffix in (("DELETE", ""), ("POST", "/retry")):
        path = f"/console/dead-letter/01LIFE-1{suffix}"
        assert unowned.deployed.call(method, path, unowned.console_machine).status_code == 404
    assert unowned.deployed.call("GET", "/console/dead-letter", unowned.narrow).status_code == 403
    assert [letter["id"] for letter in get(unowned, "/ops/dead-letter", unowned.user)] == ["01LIFE-2", "01LIFE-1"]


def test_the_platform_retries_a_letter_of_no_organization(unowned: Tenants) -> None:
    path = "/console/dead-letter/platforms/retry"
    assert unowned.deployed.call("POST", path, unowned.console_machine).status_code == 204
    (message,) = unowned.deployed.topics.pull(Topic.VERSION_EVENTS)
    assert message.attributes["event_id"] == "platforms"
    (entry,) = get(unowned, "/console/audit?action=dead-letter-retried", unowned.console_machine)["items"]
    assert (entry["actor"], entry["subject"]) == ("mch_console", "dead letter platforms")
    assert "dead_letters/platforms" not in unowned.deployed.documents.all()


def test_a_letter_whose_message_was_not_kept_can_only_be_deleted(unowned: Tenants) -> None:
    path, machine = "/console/dead-letter/claimed", unowned.console_machine
    refused = unowned.deployed.call("POST", f"{path}/retry", machine)
    assert (refused.status_code, "was not kept" in refused.json["detail"]) == (409, True)
    assert unowned.deployed.call("DELETE", path, machine).status_code == 204
    (entry,) = get(unowned, "/console/audit?action=dead-letter-deleted", machine)["items"]
    assert (entry["subject"], entry["detail"]) == ("dead letter claimed", "INSTALL_REQUESTED of runtime-check-ins")
    assert "dead_letters/claimed" not in unowned.deployed.documents.all()


def test_one_letter_is_deleted(letters: Tenants) -> None:
    assert letters.deployed.call("DELETE", "/ops/dead-letter/01LIFE-1", letters.user).status_code == 204
    assert "dead_letters/01LIFE-1" not in letters.deployed.documents.all()


def test_health_is_told_to_anyone(tenants: Tenants) -> None:
    response = tenants.deployed.call("GET", "/health")
    assert (response.status_code, response.data) == (200, b'{"status":"ok"}')


def test_an_organization_is_ready_once_it_is_known(tenants: Tenants) -> None:
    for path in ("/organizations/me/status", "/organizations/me/status/"):
        assert get(tenants, path, tenants.user) == {"status": "ready"}
    assert tenants.deployed.call("GET", "/organizations/me/status", tenants.homeless).status_code == 403
    assert tenants.deployed.call("GET", "/organizations/me/status").status_code == 401
