"""What the node keeps: objects by watch, logs by file, addresses by lock, and the status it computes of them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from local_kubernetes.node.addresses import NETWORK, AddressError, AddressPool
from local_kubernetes.node.client import PODS
from local_kubernetes.node.deployment_status import deployment_status, progress_due
from local_kubernetes.node.environment import Sources
from local_kubernetes.node.informer import Informer, Store
from local_kubernetes.node.logs import ContainerLog, LogHistory
from local_kubernetes.node.node import default_name
from local_kubernetes.node.objects import Json, format_time
from local_kubernetes.node.replicasets import deletion_rank, replica_set_status
from local_kubernetes.node.scheduler import fits
from local_kubernetes.node.status import ContainerRecord, PodFacts, pod_status
from local_kubernetes.node.templates import same_template, template_hash
from local_kubernetes.node.volumes import PodDirectories, VolumeError, make_directories, path_rewriter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(name: str = "p", version: int = 1, uid: str = "u", **status: object) -> Json:
    metadata = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main"}]}, "status": status}


class Changes:
    """A store and what it told."""

    def __init__(self) -> None:
        self.store = Store()
        self.told: list[tuple[str | None, str | None]] = []
        self.store.subscribe(lambda before, after: self.told.append((_version(before), _version(after))))


def _version(obj: Json | None) -> str | None:
    return obj and obj["metadata"]["resourceVersion"]


def test_an_older_version_never_replaces_a_newer_one() -> None:
    changes = Changes()
    for version in (2, 1, 2, 3):
        changes.store.observe(pod(version=version))
    assert changes.told == [(None, "2"), ("2", "3")]


def test_late_news_of_a_deleted_object_do_not_bring_it_back() -> None:
    changes = Changes()
    changes.store.observe(pod(version=2))
    changes.store.forget(pod(version=2))
    changes.store.observe(pod(version=3))
    assert changes.store.get("n/p") is None
    changes.store.observe(pod(version=4, uid="another"))
    assert changes.store.get("n/p") is not None


class Server:
    """Lists one pod in each of two namespaces, then tells of one more in each."""

    async def list(self, _resource: Any) -> Json:
        return {"metadata": {"resourceVersion": "1"}, "items": [self._pod("hub-a-x", 1), self._pod("hub-b-x", 1)]}

    async def watch(self, _resource: Any, _version: str) -> AsyncIterator[Json]:
        for version, namespace in enumerate(("hub-a-y", "hub-b-y"), start=2):
            yield {"type": "ADDED", "object": self._pod(namespace, version)}
        await asyncio.Event().wait()

    @staticmethod
    def _pod(namespace: str, version: int) -> Json:
        made = pod(version=version, uid=namespace)
        made["metadata"]["namespace"] = namespace
        return made


def test_a_node_with_a_namespace_prefix_sees_what_is_in_its_namespaces_alone() -> None:
    async def watched() -> list[str]:
        informer = Informer(cast("Any", Server()), PODS, namespace_prefix="hub-b-")
        seen = asyncio.Event()
        informer.store.subscribe(lambda _before, after: seen.set() if after and _version(after) == "3" else None)
        running = asyncio.create_task(informer.run())
        await asyncio.wait_for(seen.wait(), 10)
        running.cancel()
        return [obj["metadata"]["namespace"] for obj in informer.store]

    assert asyncio.run(watched()) == ["hub-b-x", "hub-b-y"]


def test_nodes_of_different_folders_have_different_names() -> None:
    one, other = default_name(Path("/state/one")), default_name(Path("/state/other"))

    assert one != other
    assert one == default_name(Path("/state/one"))
    assert len(one) <= 63


def test_a_deletion_of_an_earlier_life_leaves_the_present_object_alone() -> None:
    changes = Changes()
    changes.store.observe(pod(version=5, uid="second"))
    changes.store.forget(pod(version=4, uid="first"))
    assert changes.store.get("n/p") is not None


def test_a_list_takes_away_what_it_does_not_name() -> None:
    changes = Changes()
    changes.store.observe(pod("a", 1, "a"))
    changes.store.observe(pod("b", 2, "b"))
    changes.store.replace([pod("b", 2, "b")], 9, changes.store.mark())
    assert [one["metadata"]["name"] for one in changes.store] == ["b"]


def test_an_own_write_made_while_a_list_was_under_way_survives_it() -> None:
    changes = Changes()
    mark = changes.store.mark()
    changes.store.observe(pod("mine", 7, "mine"))
    changes.store.replace([], 6, mark)
    assert changes.store.get("n/mine") is not None


def test_a_server_that_lost_its_state_is_believed_though_its_versions_are_lower() -> None:
    changes = Changes()
    changes.store.observe(pod("old", 900, "old"))
    changes.store.replace([pod("new", 3, "new")], 3, changes.store.mark())
    assert [one["metadata"]["name"] for one in changes.store] == ["new"]
    changes.store.observe(pod("new", 4, "new"))
    assert changes.told[-1] == ("3", "4")


def test_a_log_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", limit=1000)
    for number in range(1000):
        log.write(f"line {number}\n".encode())
    assert len(log.tail()) <= 2000
    assert log.tail(2) == b"line 998\nline 999\n"
    assert log.tail(0) == b""
    log.close()
    log.write(b"too late\n")
    assert log.last_words().endswith("line 999\n")


def test_last_words_are_at_most_2048_bytes(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log")
    log.write(b"x" * 5000 + b"\nend\n")
    assert len(log.last_words()) == 2048
    log.close()


def test_a_follower_gets_everything_until_the_run_ends(tmp_path: Path) -> None:
    async def follow() -> bytes:
        log = ContainerLog(tmp_path / "0.log")
        log.write(b"before\n")

        async def write() -> None:
            for number in range(3):
                await asyncio.sleep(0)
                log.write(f"{number}\n".encode())
            log.close()

        writer = asyncio.create_task(write())
        received = b"".join([chunk async for chunk in log.follow()])
        await writer
        return received

    assert asyncio.run(follow()) == b"0\n1\n2\n"


def test_the_previous_runs_log_is_kept_and_no_earlier_one(tmp_path: Path) -> None:
    history = LogHistory(tmp_path / "logs")
    for run in range(3):
        history.start(run).write(f"run {run}\n".encode())
    assert history.previous
    assert history.previous.tail() == b"run 1\n"
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["1.log", "2.log"]
    history.close()


def test_two_nodes_never_hand_out_the_same_address() -> None:
    one, other = AddressPool(), AddressPool()
    try:
        address = one.reserve([8080])
        assert other.reserve([8080], preferred=address) != address
        one.release(address)
        assert other.reserve([8080], preferred=address) == address
    finally:
        one.close()
        other.close()


def test_a_port_taken_on_every_address_is_named() -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))  # noqa: S104 - that is the trouble to be told of
        everywhere.listen()
        port = everywhere.getsockname()[1]
        with pytest.raises(AddressError, match=rf"some process listens on 0\.0\.0\.0:{port}; stop it"):
            AddressPool().reserve([port])


def test_an_address_outside_the_pods_network_is_not_taken_again() -> None:
    pool = AddressPool()
    address = pool.reserve([], preferred="10.0.0.1")
    assert NETWORK.supernet_of(type(NETWORK)(f"{address}/32"))
    pool.close()


def running(*, ready: bool = True) -> ContainerRecord:
    record = ContainerRecord("main", "image")
    record.run("id", NOON)
    record.ready = ready
    return record


def conditions(status: Json) -> dict[str, str]:
    return {one["type"]: one["status"] for one in status["conditions"]}


def test_a_pod_is_pending_until_its_container_has_started() -> None:
    status = pod_status(pod(), PodFacts([ContainerRecord("main", "image")], address="127.64.0.1"), NOON)
    assert status["phase"] == "Pending"
    assert status["podIP"] == "127.64.0.1"
    assert conditions(status) == {
        "PodScheduled": "True",
        "Initialized": "True",
        "ContainersReady": "False",
        "Ready": "False",
    }


def test_a_crash_loop_is_running_and_not_ready() -> None:
    record = running()
    record.end({"exitCode": 1})
    record.put_behind()
    record.wait("CrashLoopBackOff", "back-off 10s")
    status = pod_status(pod(), PodFacts([record]), NOON)
    assert (status["phase"], conditions(status)["Ready"]) == ("Running", "False")


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    first = pod_status(pod(), PodFacts([running()]), NOON)
    later = pod_status(pod(**first), PodFacts([running()]), NOON + timedelta(minutes=1))
    assert later == first
    turned = pod_status(pod(**first), PodFacts([running(ready=False)]), NOON + timedelta(minutes=1))
    times = {one["type"]: one["lastTransitionTime"] for one in turned["conditions"]}
    assert (times["Ready"], times["Initialized"]) == ("2026-01-01T12:01:00Z", "2026-01-01T12:00:00Z")


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (1, "Failed")])
def test_a_pod_that_is_not_restarted_ends_as_its_container_did(code: int, phase: str) -> None:
    one = pod()
    one["spec"]["restartPolicy"] = "Never"
    record = running()
    record.end({"exitCode": code})
    assert pod_status(one, PodFacts([record]), NOON)["phase"] == phase


def test_a_readiness_gate_holds_the_pod_back_and_others_conditions_are_kept() -> None:
    gated = pod(conditions=[{"type": "example.com/gate", "status": "False"}])
    gated["spec"]["readinessGates"] = [{"conditionType": "example.com/gate"}]
    found = conditions(pod_status(gated, PodFacts([running()]), NOON))
    assert (found["ContainersReady"], found["Ready"], found["example.com/gate"]) == ("True", "False", "False")


def replica_set(name: str, replicas: int, available: int) -> Json:
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {"replicas": replicas, "template": {"metadata": {}}},
        "status": {"replicas": replicas, "readyReplicas": available, "availableReplicas": available},
    }


def deployment(**status: object) -> Json:
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 60},
        "status": status,
    }


def progressing(status: Json) -> tuple[str, str]:
    condition = next(one for one in status["conditions"] if one["type"] == "Progressing")
    return condition["status"], condition["reason"]


def test_a_rollout_without_progress_misses_its_deadline_and_a_new_template_gets_a_new_one() -> None:
    begun = deployment_status(deployment(), replica_set("web-1", 1, 0), [], NOON, None)
    assert progressing(begun) == ("True", "ReplicaSetUpdated")
    assert progress_due(deployment(), begun) == NOON + timedelta(seconds=60)
    later = NOON + timedelta(seconds=60)
    late = deployment_status(deployment(**begun), replica_set("web-1", 1, 0), [], later, None)
    assert progressing(late) == ("False", "ProgressDeadlineExceeded")
    assert progress_due(deployment(), late) is None
    corrected = deployment_status(deployment(**late), replica_set("web-2", 1, 0), [], later, None)
    assert progressing(corrected) == ("True", "ReplicaSetUpdated")


def test_a_finished_rollout_that_loses_a_pod_has_no_deadline_to_miss() -> None:
    done = deployment_status(deployment(), replica_set("web-1", 1, 1), [], NOON, None)
    assert progressing(done) == ("True", "NewReplicaSetAvailable")
    lost = deployment_status(deployment(**done), replica_set("web-1", 1, 0), [], NOON + timedelta(hours=1), None)
    assert progressing(lost) == ("True", "NewReplicaSetAvailable")
    assert {one["type"]: one["status"] for one in lost["conditions"]}["Available"] == "False"


def test_a_pod_counts_as_available_after_its_minimum_of_ready_seconds() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": format_time(NOON)}])
    owner = replica_set("web-1", 1, 0)
    owner["spec"]["minReadySeconds"] = 10
    early = replica_set_status(owner, [ready], NOON + timedelta(seconds=9), "", "")
    assert (early["readyReplicas"], early["availableReplicas"]) == (1, 0)
    assert replica_set_status(owner, [ready], NOON + timedelta(seconds=10), "", "")["availableReplicas"] == 1


def test_pods_that_serve_nobody_are_deleted_first() -> None:
    serving = pod("serving", phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    starting, waiting, unbound = pod("starting", phase="Running"), pod("waiting", phase="Pending"), pod("unbound")
    for bound in (serving, starting, waiting):
        bound["spec"]["nodeName"] = "here"
    ranked = sorted([serving, starting, waiting, unbound], key=deletion_rank)
    assert [one["metadata"]["name"] for one in ranked] == ["unbound", "waiting", "starting", "serving"]


def test_the_hash_label_makes_no_difference_between_templates_and_a_collision_makes_another_name() -> None:
    template: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}
    labelled = {**template, "metadata": {"labels": {"app": "web", "pod-template-hash": "x"}, "creationTimestamp": None}}
    assert same_template(template, labelled)
    assert template_hash(template, 0) != template_hash(template, 1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "disk", "operator": "In", "values": ["ssd"]}, True),
        ({"key": "disk", "operator": "NotIn", "values": ["ssd"]}, False),
        ({"key": "gpu", "operator": "Exists"}, False),
        ({"key": "gpu", "operator": "DoesNotExist"}, True),
        ({"key": "disk", "operator": "Gt", "values": ["1"]}, False),
    ],
)
def test_required_node_affinity_is_minded(expression: Json, expected: bool) -> None:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    spec = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
    assert fits(spec, {"disk": "ssd"}) is expected


def volumes_of(*volumes: Json) -> Json:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main"}], "volumes": list(volumes)}}


def test_a_secret_volume_is_files_and_its_paths_are_rewritten(tmp_path: Path) -> None:
    directories = PodDirectories(tmp_path)
    secret = {"secretName": "s", "items": [{"key": "token", "path": "deep/token"}]}
    one = volumes_of({"name": "v", "secret": secret}, {"name": "w", "emptyDir": {}})
    make_directories(one, directories, Sources(secrets={"s": {"token": b"\xff"}}))
    mounts = [{"name": "w", "mountPath": "/work"}, {"name": "v", "mountPath": "/work/keys/"}]
    rewrite = path_rewriter({"name": "main", "volumeMounts": mounts}, directories)
    assert Path(rewrite("/work/keys/deep/token")).read_bytes() == b"\xff"
    assert rewrite("/work") == str(directories.volume("w"))
    assert rewrite("/workshop") == "/workshop"


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"hostPath": {"path": "/"}}, 'volume "v" is of type hostPath; a process node provides emptyDir'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        (
            {"secret": {"secretName": "s", "items": [{"key": "k", "path": "../k"}]}},
            "leads out of its volume: use a relative path",
        ),
    ],
)
def test_a_volume_that_cannot_be_provided_is_named(volume: Json, message: str, tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=message):
        make_directories(
            volumes_of({"name": "v", **volume}),
            PodDirectories(tmp_path),
            Sources(secrets={"none": None, "s": {"k": b""}}),
        )


def test_a_log_gives_times_and_the_lines_since_a_moment(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log")
    log.write(b"one\ntw")
    log.write(b"o\n\r\x85\n")
    log.write(b"unfinished")
    assert log.tail() == b"one\ntwo\n\r\x85\nunfinished"
    assert log.tail(2) == b"\r\x85\nunfinished"
    stamped = log.tail(timestamps=True).split(b"\n")
    assert [line.partition(b" ")[2] for line in stamped] == [b"one", b"two", b"\r\x85", b"unfinished"]
    moment = datetime.fromisoformat(stamped[0].partition(b" ")[0].decode())
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    assert log.tail(since=moment) == log.tail()
    assert log.tail(since=moment + timedelta(hours=1)) == b""
    log.close()
