"""Probe thresholds, crash back-off, and image names: decisions without a clock of their own."""

import pytest

from local_kubernetes.node.backoff import BackoffPolicy, CrashBackoff
from local_kubernetes.node.images import is_available, is_valid_reference
from local_kubernetes.node.probes import FAST_LIMIT, FIRST_INTERVAL, ProbeMachine, ProbeSpec


def machine(**fields: float) -> ProbeMachine:
    return ProbeMachine(ProbeSpec.from_json(dict(fields)))


def test_a_probe_without_numbers_has_kubernetes_defaults() -> None:
    spec = ProbeSpec.from_json({"httpGet": {"port": 1}})
    assert (spec.initial_delay, spec.period, spec.timeout) == (0, 10, 1)
    assert (spec.success_threshold, spec.failure_threshold) == (1, 3)


def test_the_first_success_is_enough_to_be_ready() -> None:
    probe = machine()
    assert probe.verdict is None
    probe.record(True, 0.0)
    assert probe.verdict is True


def test_until_its_first_success_a_probe_asks_fast_and_by_its_period_afterwards() -> None:
    probe = machine(periodSeconds=10)
    delays = [probe.next_delay() for _ in range(8)]
    assert delays[0] == FIRST_INTERVAL
    assert delays == sorted(delays)
    assert delays[-1] == FAST_LIMIT
    probe.record(True, 5.0)
    assert probe.next_delay() == 10


def test_asking_fast_does_not_shorten_the_patience_a_manifest_asks_for() -> None:
    probe = machine(periodSeconds=10, failureThreshold=3)
    failed_at = next(at for at in range(100) if probe.record(False, float(at)) and probe.verdict is False)
    assert failed_at == 20


def test_a_success_in_between_forgets_the_failures() -> None:
    probe = machine(periodSeconds=1, failureThreshold=2)
    for at, ok in enumerate([True, False, True, False]):
        probe.record(ok, float(at))
    assert probe.verdict is True
    probe.record(False, 5.0)
    assert probe.verdict is False


def test_a_success_threshold_is_reached_by_successes_in_a_row() -> None:
    probe = machine(periodSeconds=1, successThreshold=2)
    for at, ok in enumerate([True, False, True]):
        probe.record(ok, float(at))
    assert probe.verdict is None
    probe.record(True, 4.0)
    assert probe.verdict is True


def test_crashes_double_the_wait_up_to_its_limit() -> None:
    backoff = CrashBackoff(BackoffPolicy(base=10, limit=300))
    assert [backoff.next_delay(1.0) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_minutes_of_running_forget_the_crashes() -> None:
    backoff = CrashBackoff(BackoffPolicy(base=10))
    for _ in range(4):
        backoff.next_delay(1.0)
    assert backoff.next_delay(600.0) == 0
    assert backoff.next_delay(1.0) == 10


@pytest.mark.parametrize(
    "image",
    [
        "python",
        "provider-hub/pragma-runtime:local",
        "europe-docker.pkg.dev/p/r/runtime:1.2.3",
        "localhost:5000/a/b",
        "a/b@sha256:" + "0" * 64,
    ],
)
def test_image_names_are_recognized(image: str) -> None:
    assert is_valid_reference(image)
    assert is_available(image)


@pytest.mark.parametrize("image", ["", "Upper/Case", "a b", "a//b", "a:", "a@sha256:12", "http://a/b"])
def test_what_is_no_image_name_is_not(image: str) -> None:
    assert not is_valid_reference(image)


def test_images_named_as_unavailable_cannot_be_pulled() -> None:
    assert not is_available("registry.test/missing:1")
    assert not is_available("registry.test/gone:1", ["registry.test/gone:*"])
