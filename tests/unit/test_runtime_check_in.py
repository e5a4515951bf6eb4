"""What reaches Pub/Sub, when, and with whose credentials."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.runtime_harness import TOKEN, Answer, PubSubReceiver, eventually, serving

from pragma_runtime import check_in
from pragma_runtime.check_in import CheckIns, Vitals
from pragma_runtime.pubsub import MetadataServer, Publisher, PublishError
from pragma_runtime.settings import Settings

_TOPIC = "projects/p/topics/t"


@pytest.fixture(autouse=True)
def _little_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_in, "_FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(check_in, "_LEAST_BETWEEN", 0.05)


@pytest.fixture
def pubsub() -> Iterator[PubSubReceiver]:
    pubsub = PubSubReceiver()
    with serving(pubsub.answer) as pubsub.url:
        yield pubsub


@pytest.fixture
def ready() -> threading.Event:
    return threading.Event()


@pytest.fixture
def check_ins(pubsub: PubSubReceiver, ready: threading.Event) -> Iterator[CheckIns]:
    check_ins = _check_ins(pubsub.url, ready)
    yield check_ins
    check_ins.say_stopping(1)


def _check_ins(url: str, ready: threading.Event, every: float = 300) -> CheckIns:
    settings = Settings(
        organization_id="org_acme",
        provider="acme/weather",
        version="1.0.0",
        installation_id="01J",
        generation=3,
        instance_id="pod",
        wheel_url="https://wheels.example/w-1.0.0-py3-none-any.whl",
        wheel_sha256="a" * 64,
        package_name="",
        check_in_topic=_TOPIC,
        pubsub_endpoint=url,
        check_in_token=TOKEN,
        work_dir=Path(),
        check_in_seconds=every,
    )
    return CheckIns(settings, Publisher(url, _TOPIC, None), ready.set)


def test_the_first_check_in_has_every_field_and_the_ordering_key(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event
) -> None:
    check_ins.start(Vitals("healthy", None, 2))

    assert ready.wait(5)
    sent = pubsub.check_ins[0]
    assert sent.pop("sent_at").endswith("Z")
    assert sent == {
        "organization_id": "org_acme",
        "provider": "acme/weather",
        "version": "1.0.0",
        "generation": 3,
        "instance_id": "pod",
        "installation_id": "01J",
        "lock_sha256": None,
        "token": TOKEN,
        "health": "healthy",
        "message": None,
        "active_resources": 2,
        "resource_types": [],
        "stopping": False,
        "failed": False,
    }
    assert pubsub.messages[0]["orderingKey"] == "01J"
    assert pubsub.paths[0] == f"POST /v1/{_TOPIC}:publish"
    assert "Authorization" not in pubsub.headers[0]


def test_a_refused_check_in_is_tried_until_it_is_taken(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = Answer(404, f'{{"error": {{"status": "NOT_FOUND", "message": "{TOKEN}"}}}}'.encode())
    pubsub.refusals = [Answer(503), echo, Answer(200, b"not json")]

    check_ins.start(Vitals())

    assert ready.wait(5)
    logged = capfd.readouterr().err
    assert "answered 503" in logged
    assert "answered 404 NOT_FOUND" in logged
    assert TOKEN not in logged


def test_a_change_is_told_and_no_change_is_not(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event
) -> None:
    check_ins.start(Vitals())
    assert ready.wait(5)

    check_ins.report(Vitals())
    check_ins.report(Vitals("degraded", "a storm\nis near"))
    pubsub.wait_for(health="degraded")
    check_ins.report(Vitals())
    eventually(lambda: len(pubsub.check_ins) == 3, "healthy again")

    assert [sent["message"] for sent in pubsub.check_ins] == [None, "a storm is near", None]


def test_changes_in_quick_succession_become_one_check_in(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event
) -> None:
    check_ins.start(Vitals())
    assert ready.wait(5)

    for count in range(1, 101):
        check_ins.report(Vitals("healthy", None, count))

    pubsub.wait_for(active_resources=100)
    assert len(pubsub.check_ins) <= 4


def test_without_a_change_the_interval_is_kept(pubsub: PubSubReceiver, ready: threading.Event) -> None:
    check_ins = _check_ins(pubsub.url, ready, every=0.1)
    check_ins.start(Vitals())
    try:
        eventually(lambda: len(pubsub.check_ins) >= 3, "three check-ins")
    finally:
        check_ins.say_stopping(1)


def test_stopping_is_the_last_word(pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event) -> None:
    check_ins.start(Vitals("degraded", "low tide"))
    assert ready.wait(5)

    check_ins.say_stopping(2)
    check_ins.report(Vitals())

    last = pubsub.check_ins[-1]
    assert (last["stopping"], last["health"], last["message"]) == (True, "degraded", "low tide")


def test_a_runtime_that_never_checked_in_says_nothing_on_stopping(pubsub: PubSubReceiver, check_ins: CheckIns) -> None:
    check_ins.say_stopping(2)

    assert pubsub.check_ins == []


def test_stopping_does_not_wait_for_a_pubsub_that_is_away(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event, capfd: pytest.CaptureFixture[str]
) -> None:
    check_ins.start(Vitals())
    assert ready.wait(5)
    pubsub.refusals = [Answer(503)] * 2

    check_ins.say_stopping(1)

    assert "The last check-in was not published" in capfd.readouterr().err


def test_a_failed_start_is_told_with_its_reason(pubsub: PubSubReceiver, check_ins: CheckIns) -> None:
    pubsub.refusals = [Answer(500)]

    check_ins.say_failed("ImportError: no barometer", timeout=5)

    sent = pubsub.check_ins[0]
    assert (sent["failed"], sent["health"], sent["message"]) == (True, "degraded", "ImportError: no barometer")


def test_a_failed_start_ends_even_where_nobody_takes_the_news(check_ins: CheckIns, pubsub: PubSubReceiver) -> None:
    pubsub.refusals = [Answer(500)] * 1000

    check_ins.say_failed("ImportError", timeout=0.1)

    assert pubsub.check_ins == []


class _Metadata:
    """The metadata server's token method."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.given = 0

    def answer(self, method: str, path: str, headers: object, body: bytes) -> Answer:
        assert path == "/computeMetadata/v1/instance/service-accounts/default/token"
        assert dict(headers)["Metadata-Flavor"] == "Google"  # type: ignore[call-overload]
        self.given += 1
        return Answer(body=f'{{"access_token": "oauth-{self.given}", "expires_in": {self.lifetime}}}'.encode())


def _publish(publisher: Publisher) -> str:
    return publisher.publish(b"{}", ordering_key="01J", attributes={}, timeout=5)


@pytest.mark.parametrize(("lifetime", "tokens"), [(3600, 1), (30, 2)])
def test_an_oauth_token_is_used_until_shortly_before_it_expires(
    pubsub: PubSubReceiver, lifetime: float, tokens: int
) -> None:
    metadata = _Metadata(lifetime)
    with serving(metadata.answer) as url:
        publisher = Publisher(pubsub.url, _TOPIC, MetadataServer(url))
        _publish(publisher)
        _publish(publisher)

    assert metadata.given == tokens
    assert [headers["Authorization"] for headers in pubsub.headers][-1] == f"Bearer oauth-{tokens}"


def test_an_oauth_token_that_was_refused_is_not_used_again(pubsub: PubSubReceiver) -> None:
    pubsub.refusals = [Answer(401)]
    metadata = _Metadata(3600)
    with serving(metadata.answer) as url:
        publisher = Publisher(pubsub.url, _TOPIC, MetadataServer(url))
        with pytest.raises(PublishError, match="401") as refusal:
            _publish(publisher)
        _publish(publisher)

    assert [headers["Authorization"] for headers in pubsub.headers] == ["Bearer oauth-1", "Bearer oauth-2"]
    assert "oauth" not in str(refusal.value)


def test_credentials_do_not_follow_a_redirect(pubsub: PubSubReceiver) -> None:
    elsewhere = PubSubReceiver()
    with serving(elsewhere.answer) as url:
        pubsub.refusals = [Answer(302, headers={"Location": f"{url}/v1/{_TOPIC}:publish"})]
        with pytest.raises(PublishError, match="302"):
            _publish(Publisher(pubsub.url, _TOPIC, None))

    assert elsewhere.paths == []


def test_a_recovery_is_told_twice_in_a_row(
    pubsub: PubSubReceiver, check_ins: CheckIns, ready: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_in, "_CONFIRM_AFTER", 0.05)
    check_ins.start(Vitals("degraded", "no answer"))
    assert ready.wait(5)

    check_ins.report(Vitals())

    told = ["degraded", "healthy", "healthy"]
    eventually(lambda: [sent["health"] for sent in pubsub.check_ins] == told, "the recovery told twice")
