"""The model that a simulated day runs in: queues, limits, the ramp rule and the search for what gives first."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from tests.builders import wish
from tests.fakes import START
from tests.simulate import report
from tests.simulate.day import Load, run_day
from tests.simulate.design import Design, seconds_of, written_check_ins_a_second
from tests.simulate.fluid import Fluid, Queue, Station
from tests.simulate.hub import hub_of
from tests.simulate.indexes import Entry, entries_of
from tests.simulate.limits import Gauge, Kind, Ramp
from tests.simulate.metering import Leg, Operation, Tally, beyond
from tests.simulate.operations import (
    DEAD_LETTER,
    FAILED_INSTALL,
    INSTALL,
    LOOK,
    PUBLISH,
    QUIET,
    RECOVERED,
    RELOCK,
    ROLLOUT,
    SILENCE,
    SLICE,
    SWEEP,
    UNINSTALL,
    UPGRADE,
    WRITTEN,
    Measured,
)
from tests.simulate.verdict import PATIENCE_SECONDS, faults_of, find_limit

from provider_hub.adapters.firestore.encoding import encode_record
from provider_hub.domain.installation import LifecycleState

SILENT_INDEX = "index silent_of_shards"
FEW_INSTANCES = {"registration": 100}


def test_a_difference_of_time_that_other_work_drowned_is_told_by_the_round_trips() -> None:
    whole = Tally(Counter({"cpu_seconds": 1.0, "rpcs": 10.0}))
    assert beyond(whole, Tally(Counter({"cpu_seconds": 0.3, "rpcs": 6.0})), 2.0).units["cpu_seconds"] == pytest.approx(
        0.4
    )
    drowned = beyond(whole, Tally(Counter({"cpu_seconds": 1.2, "rpcs": 6.0})), 1.0)
    assert drowned.units == {"cpu_seconds": pytest.approx(0.4), "rpcs": 4.0}


def flow(capacity: float = 100.0, limit: float = 1000.0, uses: float = 1.0, ramp: Ramp | None = None) -> Fluid:
    """Two stations behind each other; the second uses what is limited."""
    route = (Station("first", 1.0), Station("second", 1.0, {"place": uses}, {"writes": 2.0}))
    queues = {"first": Queue("first", 1e9), "second": Queue("second", capacity)}
    gauges = {"place": Gauge("place", Kind.LIMIT, limit)}
    return Fluid({"work": route}, queues, gauges, {"place": ramp} if ramp else None)


def fed(fluid: Fluid, a_second: float, seconds: int) -> Fluid:
    for at in range(0, seconds, 10):
        fluid.step({"work": a_second * 10}, at, 10)
    return fluid


def legs(**by_operation: Operation) -> Mapping[str, Operation]:
    """Every operation, each as good as free but for those that are given."""
    free = (Leg("installer", {"calls": 1.0, "cpu_seconds": 1e-9}),)
    sweeping = (Leg("sweeper", {"cpu_seconds": 1e-9, "rpcs": 32.0}),)
    names = (INSTALL, UPGRADE, UNINSTALL, FAILED_INSTALL, QUIET, RECOVERED, SWEEP, SLICE, ROLLOUT, RELOCK, DEAD_LETTER)
    return {**dict.fromkeys((*names, PUBLISH, LOOK), free), SILENCE: sweeping, WRITTEN: check_in(1), **by_operation}


def check_in(ranges: int) -> Operation:
    units = {"calls": 1.0, "cpu_seconds": 0.001, "reads": 1.0, "writes": 1.0, "rpcs": 2.0, "push_bytes": 900.0}
    return (Leg("registration", units, {SILENT_INDEX: 1.0 / ranges}),)


def test_a_queue_whose_server_is_too_slow_grows_and_is_not_drained() -> None:
    slow, fast = fed(flow(capacity=99), 100, 36_000), fed(flow(capacity=101), 100, 36_000)

    assert slow.queues["second"].waiting == pytest.approx(36_000, rel=0.1)
    assert not slow.queues["second"].is_drained
    assert fast.queues["second"].is_drained
    assert [fault.name for fault in faults_of(slow)] == ["second"]


def test_a_backlog_is_served_when_there_is_room_and_all_of_it_is_counted() -> None:
    fluid = flow(capacity=100)
    fluid.step({"work": 10_000}, 0, 10)
    fed(fluid, 50, 600)

    assert fluid.queues["second"].most == pytest.approx(10_000, rel=0.1)
    assert fluid.queues["second"].is_drained
    assert fluid.units["writes"] == pytest.approx(2 * fluid.runs["work"])
    assert fluid.runs["work"] == pytest.approx(10_000 + 50 * 600, rel=0.05)


def test_what_is_over_a_limit_waits_and_the_limit_counts_as_passed_once_that_lasts() -> None:
    fluid = fed(flow(limit=50), 51, int(PATIENCE_SECONDS))
    place = fluid.gauges["place"]
    assert place.peak == pytest.approx(50)
    assert place.headroom == pytest.approx(0)
    assert not place.is_passed(PATIENCE_SECONDS)

    fed(fluid, 51, 60)
    assert place.is_passed(PATIENCE_SECONDS)
    assert fluid.queues["second"].waiting > PATIENCE_SECONDS


def test_a_bound_is_passed_at_once_and_an_advice_never() -> None:
    bound, advice = Gauge("pods", Kind.BOUND, 10), Gauge("document", Kind.ADVICE, 1)
    bound.note(11, 0)
    advice.note(11, 0)

    assert bound.is_passed(PATIENCE_SECONDS)
    assert not advice.is_passed(PATIENCE_SECONDS)


def test_the_ramp_begins_at_500_and_grows_by_half_in_five_minutes() -> None:
    ramp = Ramp()
    permitted = []
    for _ in range(3):
        for _ in range(30):
            ramp.note(ramp.permitted, 10)
        permitted.append(ramp.permitted)

    assert permitted == [750, 1125, 1687.5]


def test_the_ramp_gives_no_more_to_traffic_that_did_not_need_it() -> None:
    ramp = Ramp(warm=4000)
    for _ in range(60):
        ramp.note(100, 10)

    assert ramp.permitted == 6000


def test_a_ramp_holds_back_the_return_of_everyone_until_it_has_grown() -> None:
    held = flow(capacity=1e6, ramp=Ramp())
    held.step({"work": 400_000}, 0, 10)
    fed(held, 0, 300)

    assert held.runs["work"] == pytest.approx(500 * 290, rel=0.05)
    fed(held, 0, 600)
    assert held.runs["work"] == pytest.approx(400_000)


def test_one_range_of_silence_gives_first_at_150_000_installations() -> None:
    found = find_limit(Measured(legs(), written_share=1.0), Design(instances=FEW_INSTANCES), Load(0, 300))

    assert found.first.name == SILENT_INDEX
    assert found.installations == pytest.approx(150_000, rel=0.01)


def test_shards_move_that_limit_by_their_number() -> None:
    shards = 7
    design = Design(cells=40, instances=FEW_INSTANCES)
    found = find_limit(Measured(legs(**{WRITTEN: check_in(shards)}), 1.0), design, Load(0, 300))

    assert found.first.name == SILENT_INDEX
    assert found.installations == pytest.approx(150_000 * shards, rel=0.01)


def test_another_write_on_the_check_ins_path_costs_installations() -> None:
    (leg,) = check_in(1)
    twice = (Leg(leg.function, leg.units, {SILENT_INDEX: 2.0}),)
    found = find_limit(Measured(legs(**{WRITTEN: twice}), 1.0), Design(instances=FEW_INSTANCES), Load(0, 300))

    assert found.installations == pytest.approx(75_000, rel=0.01)


def test_without_enough_cells_pods_give_first() -> None:
    design = Design(instances={"registration": 1000})
    measured = Measured(legs(**{WRITTEN: check_in(100)}), 1.0)
    found = find_limit(measured, design, Load(0, 300))

    assert found.first.name == "pods of a cluster"
    assert found.installations == pytest.approx(200_000, rel=0.01)


def test_after_an_outage_everyone_is_back_at_once_and_the_backlog_is_drained() -> None:
    load = Load(100_000, 300, outage=(14, 15), step_seconds=60)
    fluid = run_day(Measured(legs(**{WRITTEN: check_in(4)}), 1.0), Design(instances=FEW_INSTANCES), load)

    assert fluid.queues["silent rows"].most > 90_000
    assert fluid.queues["registration"].most > 50_000
    assert faults_of(fluid) == []


def test_an_outage_at_the_edge_of_the_limit_is_not_made_up_for() -> None:
    load = Load(149_000, 300, outage=(14, 15), step_seconds=60)
    fluid = run_day(Measured(legs(), 1.0), Design(instances=FEW_INSTANCES), load)

    assert SILENT_INDEX in [fault.name for fault in faults_of(fluid)]


def test_an_instance_does_as_many_written_check_ins_as_the_bench_found() -> None:
    fluid = hub_of(legs(), Design(instances={"registration": 1}), warm_writes=1e9)
    fluid.gauges[SILENT_INDEX].limit = 1e9
    fluid.step({WRITTEN: 1e6}, 0, 10)

    assert fluid.runs[WRITTEN] == pytest.approx(written_check_ins_a_second() * 10)


def test_a_call_that_waits_takes_its_share_of_the_instances_threads() -> None:
    assert seconds_of(cpu_seconds=0.001, rpcs=1, threads=8) == pytest.approx(0.011 / 8)
    assert seconds_of(cpu_seconds=0.02, rpcs=1, threads=8) == pytest.approx(0.02)


def test_a_row_of_another_shard_is_in_another_range_of_the_index_of_silence() -> None:
    def entry(shard: int, at: datetime) -> Entry:
        row = wish(lifecycle_state=LifecycleState.READY, last_check_in_at=at, silent_at=at, silence_shard=shard)
        name = "projects/p/databases/d/documents/organizations/org_acme/installations/acme:weather"
        found = {one.index: one for one in entries_of(name, encode_record(row, name))}
        return found["silent_of_shards"]

    first, later, other = entry(3, START), entry(3, START + timedelta(minutes=5)), entry(4, START)

    assert first.before == later.before
    assert later.time > first.time
    assert other.before != first.before


def test_a_report_draws_what_waited_in_each_hour() -> None:
    fluid = flow(capacity=100)
    fluid.step({"work": 1_000_000}, 0, 10)
    fed(fluid, 0, 7_200)

    line = report.queues(fluid, Design(), Load(1000, 300))
    assert "█▆" in line
