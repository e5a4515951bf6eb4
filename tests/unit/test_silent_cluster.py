"""A cluster that answers nothing holds up few threads: after a few calls the others fail at once."""

from typing import Any

import pytest
import urllib3
from kubernetes import client

from provider_hub.actions.cluster import Unanswered
from provider_hub.adapters.kubernetes.api import KubernetesApi
from provider_hub.adapters.kubernetes.silence import PAUSE_SECONDS, UNANSWERED_IN_A_ROW
from provider_hub.domain.errors import TemporaryError

TIMED_OUT = urllib3.exceptions.ReadTimeoutError(None, "", "no answer")  # type: ignore[arg-type]
REFUSED = urllib3.exceptions.NewConnectionError(None, "connection refused")  # type: ignore[arg-type]
PAUSED = "it is asked again in some seconds"


class Silent:
    """The HTTP pool of a cluster; each call ends as `ends` says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.calls = 0
        self.ends: Exception | None = TIMED_OUT
        self.api = KubernetesApi(client.Configuration(host="http://silent"), clock=lambda: self.now)
        rest: Any = self.api._client.rest_client
        rest.pool_manager = self

    def request(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        if self.ends:
            raise self.ends
        return urllib3.HTTPResponse(b'{"items": []}', status=200, preload_content=False)

    def ask(self) -> object:
        return self.api.list("Pod", "n", None)

    def fall_silent(self) -> None:
        for _ in range(UNANSWERED_IN_A_ROW):
            with pytest.raises(Unanswered, match="did not answer: ReadTimeoutError"):
                self.ask()


def test_after_a_few_calls_in_vain_the_next_ones_fail_without_being_made() -> None:
    cluster = Silent()
    cluster.fall_silent()
    for _ in range(20):
        with pytest.raises(Unanswered, match=PAUSED):
            cluster.ask()
    assert cluster.calls == UNANSWERED_IN_A_ROW


def test_while_a_cluster_is_silent_one_call_in_a_while_finds_out_whether_it_still_is() -> None:
    cluster = Silent()
    cluster.fall_silent()
    cluster.now += PAUSE_SECONDS
    cluster.ends = None
    asked_meanwhile: list[str] = []

    def request(*arguments: Any, **options: Any) -> Any:
        with pytest.raises(TemporaryError) as refusal:
            cluster.ask()
        asked_meanwhile.append(str(refusal.value))
        return Silent.request(cluster, *arguments, **options)

    cluster.request = request  # type: ignore[method-assign]
    assert cluster.ask() == {"items": []}
    assert PAUSED in asked_meanwhile[0], "the other threads wait for the outcome of that one call"
    del cluster.request
    assert cluster.ask() == {"items": []}


def test_a_slow_call_between_calls_that_are_answered_is_no_sign_of_silence() -> None:
    cluster = Silent()
    for _ in range(UNANSWERED_IN_A_ROW * 3):
        cluster.ends = TIMED_OUT
        with pytest.raises(TemporaryError, match="did not answer"):
            cluster.ask()
        cluster.ends = None
        assert cluster.ask() == {"items": []}


def test_a_cluster_that_refuses_connections_costs_no_time_and_is_asked_every_time() -> None:
    cluster = Silent()
    cluster.ends = REFUSED
    for _ in range(20):
        with pytest.raises(TemporaryError, match="did not answer: NewConnectionError") as failure:
            cluster.ask()
        assert not isinstance(failure.value, Unanswered)
    assert cluster.calls == 20


def test_what_one_cluster_leaves_unanswered_is_no_concern_of_another() -> None:
    silent, other = Silent(), Silent()
    silent.fall_silent()
    other.ends = None
    assert other.ask() == {"items": []}
