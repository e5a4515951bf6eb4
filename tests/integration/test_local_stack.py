"""The stack as a whole, with small functions in place of the system's own and no cluster."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_stack.emulators import answers, emulators
from local_stack.running import Stack
from provider_hub.domain.records import Queue

HTTP = """
import functions_framework, json, os
@functions_framework.http
def {name}(request):
    variable = os.environ.get("HUB_" + request.args.get("q", ""))
    seen = {{"pid": os.getppid(), "path": request.environ["RAW_URI"], "hub": variable}}
    return json.dumps(seen), 200, {{"Content-Type": "application/json"}}
"""
EVENT = """
import base64, functions_framework
@functions_framework.cloud_event
def {name}(event):
    print(event["source"], base64.b64decode(event.data["message"]["data"]).decode(), flush=True)
"""
UP = """
import sys
from pathlib import Path
from local_stack.errors import LocalError
from local_stack.options import StackOptions
from local_stack.up import run_up
_, functions, _, port, _, state_dir = sys.argv
options = StackOptions(
    port=int(port), state_dir=Path(state_dir), kubeconfig=Path(functions) / "kubeconfig", functions_dir=Path(functions)
)
try:
    run_up(options, lambda: lambda path: path.split("/")[1] or None)
except LocalError as error:
    sys.exit(f"hub: {error}")
"""
DEADLINE = 20.0
# Settings that the stack insists on; none of these few functions makes a task.
UNUSED = {"HUB_QUEUE_URLS": ",".join(f"{queue}=http://127.0.0.1:9" for queue in Queue)}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Like `hub up`, with a few functions of this test's own; the stack cannot do without the queues' servers."""
    functions = tmp_path_factory.mktemp("functions")
    sources = {"catalog": HTTP, "sweeper": HTTP, "installer": EVENT, "deadlines": HTTP, "upgrades": HTTP}
    for name, source in sources.items():
        (functions / name).mkdir()
        (functions / name / "main.py").write_text(source.format(name=name))
    (functions / "kubeconfig").write_text("{}")
    return (sys.executable, "-c", UP, str(functions))


@pytest.fixture(scope="module")
def stack(command: tuple[str, ...]) -> Iterator[Stack]:
    with Stack(command=command, environment={**UNUSED, "HUB_INSTALLATION_QUOTA": "7"}) as running:
        yield running


def get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=DEADLINE) as response:  # noqa: S310 - a URL of the stack's
        answer: dict[str, Any] = json.load(response)
        return answer


def publish(stack: Stack, topic: str, data: bytes) -> None:
    body = {"messages": [{"data": base64.b64encode(data).decode()}]}
    url = f"http://{stack.info.pubsub_emulator_host}/v1/projects/{stack.info.project}/topics/{topic}:publish"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=DEADLINE) as response:  # noqa: S310
        assert response.status == 200


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def published(stack: Stack, topic: str, data: bytes) -> bool:
    try:
        publish(stack, topic, data)
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def log(stack: Stack, child: str) -> str:
    return (Path(stack.info.logs_dir) / f"{child}.log").read_text()


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_stack_file_says_where_everything_is(stack: Stack) -> None:
    said = json.loads((stack.state_dir / "stack.json").read_text())
    assert set(said) == {
        *("api_url", "wheels_url", "ca_file", "firestore_emulator_host", "pubsub_emulator_host", "kubeconfig"),
        *("project", "tasks_endpoint", "issuer_url", "logs_dir", "state_dir", "pid", "namespace_prefix"),
        *("console_url", "api_https_url", "cells"),
    }
    assert answers(f"http://{said['firestore_emulator_host']}")
    assert Path(said["ca_file"]).is_file()
    printed = stack.log.read_text()
    assert "Provider Hub serves after" in printed
    assert said["console_url"] in printed


def test_the_base_url_leads_to_the_console(stack: Stack) -> None:
    with urllib.request.urlopen(stack.info.api_url) as page:  # noqa: S310 - the stack's own loopback address
        assert page.url == stack.info.console_url
        assert b"release/app.js" not in page.read(), "the folder has the digest's name"


def test_a_function_is_reached_at_the_base_url_with_the_settings_of_the_stack(stack: Stack) -> None:
    answer = get(f"{stack.info.api_url}/catalog/a%2Fb?q=TASKS_ENDPOINT")
    assert answer["path"] == "/catalog/a%2Fb?q=TASKS_ENDPOINT"
    assert answer["hub"] == stack.info.tasks_endpoint
    assert get(f"{stack.info.api_url}/catalog?q=INSTALLATION_QUOTA")["hub"] == "7"


@pytest.mark.parametrize("path", ["/nothing", "/installer", "/sweeper", "/app/nothing"])
def test_what_is_not_public_is_not_found_at_the_base_url(stack: Stack, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(stack.info.api_url + path)
    with refused.value as response:
        assert response.code == 404
        assert response.headers["Content-Type"] == "application/json"
        assert json.load(response) == {"detail": "Not Found"}


def test_a_published_message_is_pushed_to_its_consumer(stack: Stack) -> None:
    publish(stack, "installation-events", b"first")
    source = f"//pubsub.googleapis.com/projects/{stack.info.project}/topics/installation-events"
    until(lambda: f"{source} first" in log(stack, "installer"))


def test_a_killed_function_serves_again(stack: Stack) -> None:
    before = get(f"{stack.info.api_url}/catalog")["pid"]
    assert stack.kill("catalog") == before
    # Every request on the way is answered: by what still lives at first, then by the next process.
    until(lambda: get(f"{stack.info.api_url}/catalog")["pid"] != before)
    assert get(f"{stack.info.api_url}/catalog")["pid"] == stack.pid("catalog")


def test_a_function_whose_worker_is_killed_gets_another(stack: Stack) -> None:
    before = stack.pid("catalog")
    worker = stack.kill_worker("catalog")
    until(lambda: ended(worker))
    until(lambda: get(f"{stack.info.api_url}/catalog")["pid"] == before)
    assert stack.pid("catalog") == before


def test_a_killed_pubsub_emulator_comes_back_with_its_topics(stack: Stack) -> None:
    stack.kill("pubsub-emulator")
    # Published again until it arrives: what came in before the subscription was back has no receiver.
    until(lambda: published(stack, "installation-events", b"second") and "second" in log(stack, "installer"))


def test_a_second_stack_in_its_folder_or_on_its_port_is_one_sentence(
    stack: Stack, command: tuple[str, ...], tmp_path: Path
) -> None:
    port = stack.info.api_url.rpartition(":")[2]
    for state_dir, said in ((stack.state_dir, "is running in"), (tmp_path, f"port {port} is taken")):
        ran = subprocess.run(
            (*command, "--port", port, "--state-dir", str(state_dir)), capture_output=True, text=True, check=False
        )
        assert ran.returncode == 1
        assert ran.stderr.startswith("hub: ")
        assert said in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
    assert (stack.state_dir / "stack.json").exists()


@pytest.mark.parametrize("kill", [False, True])
def test_stopped_or_killed_a_stack_leaves_no_process(command: tuple[str, ...], tmp_path: Path, *, kill: bool) -> None:
    with Stack(command=command, state_dir=tmp_path, environment=UNUSED) as running:
        worker_of = get(f"{running.info.api_url}/catalog")["pid"]
        names = ("catalog", "sweeper", "installer", "firestore-emulator", "pubsub-emulator")
        pids = [running.pid(name) for name in names]
        assert worker_of in pids
        workers = [
            int(worker) for pid in pids for worker in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
        assert len(workers) == 3
        if kill:
            os.kill(running.info.pid, 9)
    until(lambda: all(ended(pid) for pid in (*pids, *workers)))
    assert (tmp_path / "stack.json").exists() == kill


def test_emulators_for_tests_serve_for_as_long_as_their_block() -> None:
    with emulators() as hosts:
        urls = [f"http://{hosts.firestore}", f"http://{hosts.pubsub}"]
        assert [answers(url) for url in urls] == [True, True]
        assert hosts.environment == {
            "FIRESTORE_EMULATOR_HOST": hosts.firestore,
            "PUBSUB_EMULATOR_HOST": hosts.pubsub,
        }
    assert [answers(url) for url in urls] == [False, False]
