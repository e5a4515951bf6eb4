"""Every fault at every I/O point of the short histories: whatever fails once, all comes to its end.

`HUB_FAULTS=all` tries every one; otherwise a share that is the same in every run, and reaches every call.
"""

import pytest

from provider_hub.actions import register
from provider_hub.adapters.kubernetes import cluster as kubernetes_cluster
from provider_hub.adapters.kubernetes import ownership
from tests.faults.conftest import EVERYTHING
from tests.faults.exhaustive import Report, cases, run, share, try_all
from tests.faults.histories import HISTORIES, History
from tests.faults.injection import At, Kind, no_fault
from tests.faults.invariants import Violation
from tests.faults.world import forge_a_check_in

STRIDE = 1 if EVERYTHING else 97
BY_NAME = {history.name: history for history in HISTORIES}

SUPERSEDED = BY_NAME["superseded upgrade"]


@pytest.mark.timeout(3600 if EVERYTHING else 120)
@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name.replace(" ", "-"))
def test_one_fault_anywhere_ends_as_if_it_had_not_been(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = share(history, HISTORIES[: HISTORIES.index(history)], STRIDE)
    report = Report(points={history.name: len({point for _, point, _ in cases(history)})})
    try_all(chosen, report)
    assert sum(report.histories.values()) == len(chosen) > 4
    with capsys.disabled():
        print(f"\n{report}" if EVERYTHING else "", end="")


def test_the_share_that_is_tried_reaches_every_call() -> None:
    everything = {(point.process, point.call) for history in HISTORIES for _, point, _ in cases(history)}
    tried = {
        (point.process, point.call)
        for number, history in enumerate(HISTORIES)
        for _, point, _ in share(history, HISTORIES[:number], 10**9)
    }
    assert tried == everything


def test_a_run_without_faults_is_the_same_run_every_time() -> None:
    history = BY_NAME["failing upgrade"]
    first, second = (run(history, no_fault) for _ in range(2))
    assert [str(point) for point in first.injector.points] == [str(point) for point in second.injector.points]


def test_the_harness_finds_a_late_actor_that_prunes_a_newer_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(item: dict[str, object], kept: frozenset[int]) -> bool:
        return ownership.generation_of(item) not in kept

    monkeypatch.setattr(kubernetes_cluster, "_is_outdated", forgetful)
    with pytest.raises(Violation, match=r"Secret of generation 3 was deleted(.|\n)*history: superseded"):
        run(SUPERSEDED, At("installer", "GET namespaces/org-acme/secrets", Kind.PAUSE))


def test_a_late_actor_prunes_nothing_of_a_newer_generation() -> None:
    late = At("installer", "GET namespaces/org-acme/secrets", Kind.PAUSE)
    world = run(SUPERSEDED, late)
    assert late.met
    assert world.outcome() == {"org_acme platform/weather": SUPERSEDED.ends}


def test_the_harness_finds_a_row_that_is_ready_without_a_check_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "token_matches", lambda _presented, _expected: True)
    world_without_tokens = BY_NAME["install"]
    forged = History(
        "forged", (*world_without_tokens.script[:1], forge_a_check_in, *world_without_tokens.script[1:]), None
    )
    with pytest.raises(Violation, match="without a valid check-in"):
        run(forged, no_fault)


def test_a_forged_check_in_makes_nothing_ready() -> None:
    script = BY_NAME["deadline"].script
    world = run(History("forged", (script[0], forge_a_check_in, *script[1:]), None), no_fault)
    assert world.outcome() == {"org_acme platform/weather": ("failed", "1.3.0", None)}
