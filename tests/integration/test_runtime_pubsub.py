"""A check-in as Google's own Pub/Sub emulator delivers it."""

import base64
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from tests.runtime_harness import eventually, make_authority, make_wheel, runtimes

_TOPIC = "projects/test/topics/runtime-check-ins"
_SUBSCRIPTION = "projects/test/subscriptions/runtime-check-ins"


def _emulator_jar() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    platform = Path(gcloud).resolve().parent.parent / "platform"
    return next(platform.glob("pubsub-emulator/lib/*-all.jar"), None)


def _call(method: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urlopen(request, timeout=10) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


@contextmanager
def _emulator(jar: Path, log: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["java", "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"], stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"

    def serves() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            _call("PUT", f"{url}/v1/{_TOPIC}", {})
        except (URLError, ConnectionError):
            return False
        return True

    try:
        eventually(serves, "the emulator", 60)
        yield url
    finally:
        process.kill()
        process.wait()


def test_the_emulator_takes_and_delivers_check_ins_in_order(tmp_path: Path) -> None:
    jar = _emulator_jar()
    if jar is None:
        pytest.skip("there is no Pub/Sub emulator with a Java to run it on this machine")
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    with _emulator(jar, tmp_path / "emulator.log") as url, runtimes(tmp_path, make_authority(tmp_path)) as start:
        _call("PUT", f"{url}/v1/{_SUBSCRIPTION}", {"topic": _TOPIC, "enableMessageOrdering": True})
        runtime = start.start(wheel, PRAGMA_PUBSUB_ENDPOINT=url)
        runtime.wait_ready()
        runtime.terminate()
        assert runtime.wait() == 0
        received: list[dict[str, Any]] = []

        def both() -> bool:
            answer = _call("POST", f"{url}/v1/{_SUBSCRIPTION}:pull", {"maxMessages": 10})
            messages = answer.get("receivedMessages", [])
            if messages:
                ids = [message["ackId"] for message in messages]
                _call("POST", f"{url}/v1/{_SUBSCRIPTION}:acknowledge", {"ackIds": ids})
            received.extend(message["message"] for message in messages)
            return len(received) >= 2

        eventually(both, "two check-ins")

    assert {message["orderingKey"] for message in received} == {"01JTESTINSTALLATION"}
    check_ins = [json.loads(base64.b64decode(message["data"])) for message in received]
    assert [sent["stopping"] for sent in check_ins] == [False, True]
