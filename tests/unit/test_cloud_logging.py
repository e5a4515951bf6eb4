"""The query for what pods printed that are gone, and what answers it on one machine."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from local_kubernetes.node.ended_pods import MOST_PODS, ended_directory, keep_logs
from local_kubernetes.node.logs import LogHistory
from local_kubernetes.node.volumes import PodDirectories
from local_stack.cloud_logging import FilterError, list_entries
from local_stack.servers import start_logging
from local_stack.stack_file import node_dir
from provider_hub.actions.read_logs import ArchiveQuery
from provider_hub.adapters.cloud_logging import connect, log_filter
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.settings.everything import Logs

SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def query(**changes: object) -> ArchiveQuery:
    given = {
        "namespace": "org-acme",
        "installation_id": "01A",
        "since": SINCE,
        "without": (),
        "limit": 100,
        "newest": False,
    }
    return ArchiveQuery(**{**given, **changes})  # type: ignore[arg-type]


def end_pod(ended: Path, scratch: Path, name: str, printed: bytes, installation: str = "01A") -> None:
    directories = PodDirectories(scratch / name)
    history = LogHistory(directories.logs("runtime"))
    history.start(0).write(printed)
    history.close()
    labels = {"provider-hub/installation-id": installation}
    pod = {"metadata": {"namespace": "org-acme", "name": name, "uid": f"uid-{name}", "labels": labels}}
    keep_logs(ended, pod, directories)


def test_the_filter_names_namespace_container_installation_and_time_and_leaves_out_what_lives() -> None:
    assert log_filter(query(without=("p-1", "p-2")), "hub-org-acme").splitlines() == [
        'resource.type="k8s_container"',
        'resource.labels.namespace_name="hub-org-acme"',
        'resource.labels.container_name="runtime"',
        'labels."k8s-pod/provider-hub/installation-id"="01A"',
        'timestamp>="2020-01-01T00:00:00+00:00"',
        'resource.labels.pod_name!="p-1"',
        'resource.labels.pod_name!="p-2"',
    ]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    exits = AsyncExitStack()
    try:
        yield asyncio.run_coroutine_threadsafe(start_logging(exits, tmp_path, [node_dir(tmp_path)]), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(exits.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_what_a_pod_printed_is_there_when_it_is_gone_and_only_its_own_installations(
    endpoint: str, tmp_path: Path
) -> None:
    ended = ended_directory(node_dir(tmp_path))
    end_pod(ended, tmp_path / "scratch", "p-1", b"one\ntwo\n")
    end_pod(ended, tmp_path / "scratch", "p-2", b"three\n")
    end_pod(ended, tmp_path / "scratch", "p-3", b"another's\n", installation="01B")
    archive = connect(Logs(logs_view="projects/p/views/pods", logs_endpoint=endpoint), "")
    assert archive
    assert [(line.pod, line.text) for line in archive.read(query())] == [
        ("p-1", "one"),
        ("p-1", "two"),
        ("p-2", "three"),
    ]
    assert [line.text for line in archive.read(query(without=("p-1",)))] == ["three"]
    assert [line.text for line in archive.read(query(limit=1, newest=True))] == ["three"]
    assert archive.read(query(since=datetime.now(UTC) + timedelta(hours=1))) == []
    assert archive.read(query(namespace="org-other")) == []


def test_an_address_without_the_secret_lists_nothing(endpoint: str) -> None:
    base = endpoint.rpartition("/")[0]
    archive = connect(Logs(logs_view="projects/p/views/pods", logs_endpoint=f"{base}/guess"), "")
    assert archive
    with pytest.raises(PermanentError, match=r"refused to list entries \(404\)"):
        archive.read(query())


def test_an_endpoint_that_is_down_is_tried_again_later() -> None:
    archive = connect(Logs(logs_view="projects/p/views/pods", logs_endpoint="http://127.0.0.1:9"), "")
    assert archive
    with pytest.raises(TemporaryError, match="Cloud Logging does not answer"):
        archive.read(query())


def test_without_a_view_nothing_is_asked() -> None:
    assert connect(Logs(), "") is None


def test_a_filter_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilterError, match="severity"):
        list_entries([tmp_path], "severity>ERROR")


def test_the_oldest_pods_are_forgotten_and_one_that_never_printed_is_not_kept(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    for number in range(MOST_PODS + 3):
        end_pod(ended, tmp_path / "scratch", f"p-{number:03}", b"x\n")
    assert len(list(ended.iterdir())) == MOST_PODS
    assert not (ended / "uid-p-000").exists()
    silent = {"metadata": {"namespace": "n", "name": "silent", "uid": "silent"}}
    keep_logs(ended, silent, PodDirectories(tmp_path / "silent"))
    assert json.loads((ended / "uid-p-102" / "pod.json").read_text())["name"] == "p-102"
    assert not (ended / "silent").exists()
