"""`hub logs -f` over the whole stack: through a rollout and the death of a function, until the installation is gone."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_stack.running import Stack
from tests.e2e.tenant import Tenant
from tests.runtime_harness import make_wheel

SECRET = "wild-horses-42"
TICKER = """
import itertools, os, threading, time

def tick():
    for number in itertools.count():
        print(f"tick {{'{version}'}} {{number}} {{time.time()}} {{os.environ['PASS_PHRASE']}}\\n", end="", flush=True)
        time.sleep(0.05)

threading.Thread(target=tick, daemon=True).start()
"""


@dataclass
class Follower:
    """A `hub logs -f` that runs: its lines, each with when it came."""

    process: "subprocess.Popen[str]"
    lines: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append((time.time(), json.loads(line)))

    def ticks(self, version: str) -> list[tuple[float, int, float, str]]:
        """When each tick of a version came, its number, when it was printed, and the secret as it was shown."""
        split = [(came, item["line"].split()) for came, item in list(self.lines)]
        told = [(came, words) for came, words in split if words[:2] == ["tick", version]]
        return [(came, int(words[2]), float(words[3]), words[4]) for came, words in told]

    def until(self, reached: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, self.lines[-5:]
            time.sleep(0.05)


@contextmanager
def following(stack: Stack, tenant: Tenant, name: str) -> Iterator[Follower]:
    command = [sys.executable, "-m", "hub_cli.main", "logs", f"{tenant.slug}/{name}", "-f", "-o", "json"]
    token = stack.tokens.machine(tenant.slug)
    environment = {**os.environ, "HUB_API_URL": stack.info.api_url, "HUB_TOKEN": token}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        follower = Follower(process)
        reader = threading.Thread(target=follower.read)
        reader.start()
        try:
            yield follower
        finally:
            process.kill()
            reader.join()


def publish(tenant: Tenant, version: str, directory: Path) -> None:
    code = TICKER.format(version=version)
    tenant.publish("ticker", version, make_wheel(directory, {"ticker.py": code}, name="ticker", version=version))


def from_both(page: dict[str, Any]) -> bool:
    """Whether a page has the first line of each version."""
    lines = [item["line"] for item in page["items"]]
    return all(any(f"tick {version} 0 " in line for line in lines) for version in ("1.0.0", "1.1.0"))


def test_logs_are_followed_through_a_rollout_and_a_restart_of_the_api_until_the_installation_is_gone(
    stack: Stack, tenant: Tenant, tmp_path: Path
) -> None:
    publish(tenant, "1.0.0", tmp_path)
    publish(tenant, "1.1.0", tmp_path)
    began = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z"
    tenant.install("ticker", version="1.0.0", config={"PASS_PHRASE": SECRET})
    tenant.until_state("ticker", "ready")
    with following(stack, tenant, "ticker") as follower:
        follower.until(lambda: len(follower.ticks("1.0.0")) > 10)
        tenant.call("POST", tenant.path("ticker", "/upgrade"))
        follower.until(lambda: len(follower.ticks("1.1.0")) > 5)
        stack.kill("installations")
        killed_at = len(follower.ticks("1.1.0"))
        # More than what was on its way when it was killed: a page is asked for once a second.
        follower.until(lambda: len(follower.ticks("1.1.0")) > killed_at + 40)
        # What pods printed that are gone by now is there as well.
        page = tenant.until("ticker", from_both, rest=f"/logs?since={began}")
        assert (page["notice"], SECRET in json.dumps(page)) == (None, False)
        tenant.call("DELETE", tenant.path("ticker"), expect=202, patient=True)
        assert follower.process.wait(30) == 0
        assert follower.process.stderr
        assert "ticker is not installed any more" in follower.process.stderr.read()
    for version in ("1.0.0", "1.1.0"):
        numbers = [number for _, number, _, _ in follower.ticks(version)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"each line once, in order: {numbers}"
    delays = sorted(came - printed for came, _, printed, _ in follower.ticks("1.0.0")[5:])
    assert delays[len(delays) // 2] < 2
    assert {shown for _, _, _, shown in follower.ticks("1.1.0")} == {"***"}
    assert not [item for _, item in follower.lines if SECRET in item["line"]]


def test_a_failure_carries_the_last_lines_of_its_pod(tenant: Tenant, tmp_path: Path) -> None:
    code = f"print('the barometer of {SECRET} is not there', flush=True)\nraise RuntimeError('no barometer')\n"
    tenant.publish("broken", "1.0.0", make_wheel(tmp_path, {"broken.py": code}, name="broken", version="1.0.0"))
    tenant.install("broken", config={"PASS_PHRASE": SECRET})
    row = tenant.until_state("broken", "failed")
    sentence, _, lines = row["failure_message"].partition("\nThe pod's last lines:\n")
    assert "no barometer" in sentence
    assert "the barometer of *** is not there" in lines.splitlines()
    assert len(lines.splitlines()) <= 20
    (failed,) = [
        item for item in tenant.call("GET", tenant.path("broken", "/events"))["items"] if item["to_state"] == "failed"
    ]
    assert failed["reason"].endswith(lines)
