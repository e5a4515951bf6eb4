"""The functions that Pub/Sub, Cloud Tasks and Cloud Scheduler call: acknowledged, called again, or kept as dead."""

import json
from base64 import b64encode
from typing import Any

import pytest
from tests.builders import WEATHER, wish
from tests.integration.deployed import CHECK_IN_KEY, Answer, Deployed
from tests.integration.tenants import Tenants

from provider_hub.actions import keys
from provider_hub.domain.installation import InstallationRequest, LifecycleState, RequestKind
from provider_hub.domain.messages import check_in_token, encode
from provider_hub.domain.records import Topic

ROW = wish(lifecycle_state=LifecycleState.PROCESSING)
ROW_KEY = keys.installation("org_acme", WEATHER)
CHECK_INS = "/projects/p/topics/runtime-check-ins"
NESTED = "[" * 100_000


def pushed(data: bytes | str, **attributes: str) -> dict[str, Any]:
    """A push delivery as Pub/Sub sends it."""
    raw = data.encode() if isinstance(data, str) else data
    message = {"data": b64encode(raw).decode(), "messageId": "1", "orderingKey": "o", "attributes": attributes}
    return {"message": message, "subscription": "projects/p/subscriptions/s"}


def deliver(deployed: Deployed, function: str, body: Any, path: str = CHECK_INS) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **deployed.caller_header(function, path)}
    return deployed.send(function, "POST", path, data=raw, headers=headers)


def check_in(**changes: Any) -> str:
    token = check_in_token(CHECK_IN_KEY.encode(), "org_acme", ROW.installation_id, 1)
    given = {"organization_id": "org_acme", "provider": "acme/weather", "version": "1.0.0", "generation": 1}
    return json.dumps({**given, "token": token, **changes})


@pytest.fixture
def processing(tenants: Tenants) -> Tenants:
    tenants.deployed.put(ROW_KEY, ROW)
    return tenants


def state(tenants: Tenants) -> LifecycleState:
    row = tenants.deployed.store.get(ROW_KEY)
    assert row
    return row.lifecycle_state


def test_a_check_in_is_acknowledged_and_makes_the_row_ready(processing: Tenants) -> None:
    for _ in range(2):
        assert deliver(processing.deployed, "registration", pushed(check_in())).status_code == 204
    assert state(processing) is LifecycleState.READY


def test_a_check_in_with_a_message_over_the_limit_still_makes_the_row_ready(processing: Tenants) -> None:
    assert deliver(processing.deployed, "registration", pushed(check_in(message="x" * 70_000))).status_code == 204
    assert state(processing) is LifecycleState.READY


@pytest.mark.parametrize(
    "payload",
    [
        check_in(token="forged"),
        check_in(organization_id="org_other"),
        check_in(organization_id="../x"),
        check_in(organization_id="__x__"),
        check_in(generation=2),
        check_in(version="2.0.0"),
    ],
)
def test_a_check_in_that_is_not_believed_is_acknowledged_and_stores_nothing(processing: Tenants, payload: str) -> None:
    before = processing.deployed.documents.all()
    assert deliver(processing.deployed, "registration", pushed(payload)).status_code == 204
    assert processing.deployed.documents.all() == before


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "[]",
        "not json",
        b"\xff\xfe",
        NESTED,
        check_in(generation="x"),
        '{"organization_id": "org_acme", "provider": "\\ud800", "token": "s3cret-token"}',
        '{"organization_id": "org_acme", "x": "' + "x" * 2_000_000 + '"}',
    ],
    ids=lambda payload: str(payload)[:30],
)
def test_a_check_in_that_nobody_understands_is_dropped(processing: Tenants, payload: str | bytes) -> None:
    assert deliver(processing.deployed, "registration", pushed(payload), CHECK_INS).status_code == 204
    assert processing.deployed.documents.under("dead_letters") == {}
    assert state(processing) is LifecycleState.PROCESSING


def test_a_check_in_whose_tries_were_used_up_is_kept_without_its_token_and_shown_to_no_tenant(
    processing: Tenants,
) -> None:
    payload = check_in(token="s3cret-token")
    for _ in range(2):
        path = f"{CHECK_INS}-dead-letter"
        assert deliver(processing.deployed, "dead_letters", pushed(payload), path).status_code == 204
    (letter,) = processing.deployed.documents.under("dead_letters").values()
    assert (letter["organization_id"], letter["topic"]) == (None, "runtime-check-ins")
    assert "s3cret-token" not in str(letter)
    assert processing.deployed.call("GET", "/ops/dead-letter", processing.user).json == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"message": 1}', b'{"message": {"data": "%%%"}}', b'{"message": {"attributes": []}}'],
)
def test_what_is_no_delivery_at_all_is_kept_as_dead(tenants: Tenants, body: bytes) -> None:
    assert deliver(tenants.deployed, "installer", body).status_code == 204
    assert len(tenants.deployed.documents.under("dead_letters")) == 1


@pytest.mark.parametrize("count", ["10", "²", "9" * 5000, "9" * 30, "-1", "x", ""])
def test_the_count_of_tries_is_a_small_number_whatever_the_sender_claims(tenants: Tenants, count: str) -> None:
    attributes = {"CloudPubSubDeadLetterSourceDeliveryCount": count}
    response = deliver(tenants.deployed, "dead_letters", pushed("{}", **attributes), f"{CHECK_INS}-dead-letter")
    assert response.status_code == 204
    (letter,) = tenants.deployed.documents.under("dead_letters").values()
    assert letter["attempt_count"] == (10 if count == "10" else 1)


@pytest.mark.parametrize("event_id", ["a/b", "..", "__x__", "x" * 1501, "é", ""])
def test_an_event_id_that_is_no_documents_id_is_kept_under_another(tenants: Tenants, event_id: str) -> None:
    response = deliver(tenants.deployed, "dead_letters", pushed("{}", event_id=event_id), f"{CHECK_INS}-dead-letter")
    assert response.status_code == 204
    assert len(tenants.deployed.documents.under("dead_letters")) == 1


def request(**changes: Any) -> bytes:
    given = InstallationRequest(
        RequestKind.INSTALL, "org_acme", "acme/weather", ROW.installation_id, 1, "1.0.0", ROW.created_at
    )
    return json.dumps({**json.loads(encode(given)), **changes}).encode()


INSTALLATION_EVENTS = "/projects/p/topics/installation-events"


def test_an_installation_event_reaches_the_cluster_and_sets_a_deadline(tenants: Tenants) -> None:
    life = "01JGFJJZ00000000000000000D"  # the cluster is one for all tests
    tenants.deployed.put(ROW_KEY, wish(installation_id=life))
    body = pushed(request(installation_id=life))
    assert deliver(tenants.deployed, "installer", body, INSTALLATION_EVENTS).status_code == 204
    assert state(tenants) is LifecycleState.PROCESSING
    status = tenants.deployed.call("GET", "/providers/installed/acme/weather/deployment", tenants.user).json
    assert (status["version"], status["healthy"]) == ("1.0.0", False)


def test_an_installation_event_that_can_never_be_understood_is_dead_at_once(tenants: Tenants) -> None:
    for number, payload in enumerate((b"{}", request(provider="no name"), request(organization_id="../x"))):
        body = pushed(payload, event_id=f"event-{number}")
        assert deliver(tenants.deployed, "installer", body, INSTALLATION_EVENTS).status_code == 204
    assert len(tenants.deployed.documents.under("dead_letters")) == 3


def test_a_dead_installation_event_is_its_organizations_with_the_last_reason_noted(tenants: Tenants) -> None:
    path = f"{INSTALLATION_EVENTS}-dead-letter"
    body = pushed(request(), event_id="01LIFE-1", event_type="INSTALL_REQUESTED")
    assert deliver(tenants.deployed, "dead_letters", body, path).status_code == 204
    (letter,) = tenants.deployed.call("GET", "/ops/dead-letter", tenants.user).json
    assert (letter["id"], letter["provider"], letter["event_type"]) == ("01LIFE-1", "acme/weather", "INSTALL_REQUESTED")
    assert letter["error_message"] == "its tries were used up; no consumer said why"


def call(**changes: Any) -> dict[str, Any]:
    given = {"organization_id": "org_acme", "provider": "acme/weather"}
    return {**given, "installation_id": ROW.installation_id, "generation": 1, **changes}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", call(provider="no name"), call(organization_id="a/b"), call(generation="x")]
)
def test_a_deadline_that_can_never_be_understood_is_done_with(tenants: Tenants, body: Any) -> None:
    before = tenants.deployed.documents.all()
    assert deliver(tenants.deployed, "deadlines", body, "/").status_code == 204
    assert tenants.deployed.documents.all() == before


def test_a_deadline_is_done_with_once_it_has_passed(tenants: Tenants) -> None:
    tenants.deployed.put(ROW_KEY, wish(deadline_at=ROW.created_at))
    assert deliver(tenants.deployed, "deadlines", call(), "/").status_code == 204
    assert state(tenants) is LifecycleState.FAILED


def test_a_deadline_that_comes_too_early_is_called_again(tenants: Tenants) -> None:
    tenants.deployed.put(ROW_KEY, wish(deadline_at=ROW.created_at.replace(year=2100)))
    response = deliver(tenants.deployed, "deadlines", call(), "/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert state(tenants) is LifecycleState.PENDING


@pytest.mark.parametrize("body", [b"", b"{}", b"nothing readable"])
def test_the_sweeper_runs_whatever_the_body_is(tenants: Tenants, body: bytes) -> None:
    tenants.deployed.put(ROW_KEY, wish(deadline_at=ROW.created_at))
    assert deliver(tenants.deployed, "sweeper", body, "/").status_code == 204
    assert state(tenants) is LifecycleState.FAILED


def test_a_dead_letter_is_logged_with_its_id_and_its_owner(tenants: Tenants, caplog: pytest.LogCaptureFixture) -> None:
    payload = '{"organization_id": "org_acme", "provider": "acme/weather"}'
    path = "/projects/p/topics/installation-events-dead-letter"
    deliver(tenants.deployed, "dead_letters", pushed(payload, event_id="01J-1"), path)
    (line,) = [vars(record) for record in caplog.records if getattr(record, "event", None) == "dead_letter"]
    told = line["dead_letter_id"], line["topic"], line["organization_id"], line["provider"]
    assert told == ("01J-1", "installation-events", "org_acme", "acme/weather")


def test_every_topic_has_its_dead_letters_kept_under_its_name(tenants: Tenants) -> None:
    for topic in Topic:
        path = f"/projects/p/topics/{topic}-dead-letter"
        deliver(tenants.deployed, "dead_letters", pushed("{}", event_id=f"of-{topic}"), path)
    kept = tenants.deployed.documents.under("dead_letters")
    assert sorted(letter["topic"] for letter in kept.values()) == sorted(Topic)
    assert {letter["event_id"] for letter in kept.values()} > {"of-installation-events", "of-version-events"}


def test_a_check_in_cannot_take_the_id_of_another_tenants_event(tenants: Tenants) -> None:
    path = "/projects/p/topics/runtime-check-ins-dead-letter"
    deliver(tenants.deployed, "dead_letters", pushed("{}", event_id="01J-of-another-tenant-1"), path)
    (letter,) = tenants.deployed.documents.under("dead_letters").values()
    assert letter["event_id"].startswith("check-in-")
