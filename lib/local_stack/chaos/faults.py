"""The faults that chaos makes: killed processes, a database that stands still, a failing cluster; one seed decides."""

import base64
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import urllib3
import yaml

from local_stack.function_list import FUNCTIONS
from local_stack.running import Stack

# The node less often: with it die all pods, and a cluster that starts all its pods anew gets nothing else done.
VICTIMS = (*FUNCTIONS, *FUNCTIONS, "node")
# Of the kills of a function, how many take the whole server, which then has to import everything anew. The others
# take its worker: all that a request had in memory dies as well, and more is left of the machine for the tenants.
_WHOLE_SERVERS = 0.25
_PAUSE_EVERY_SECONDS = 75.0
# (status, share of the calls, seconds that a call hangs before)
_CLUSTER_FAULTS = ((500, 0.5, 0.0), (429, 0.5, 0.0), (503, 1.0, 0.0), (0, 0.3, 12.0))


class Monkey:
    """Makes a fault every `interval` seconds until it is stopped, and pauses the database every 75 seconds.

    `pause_seconds` is how long the Firestore emulator then stands still. A process that is killed meanwhile dies in the
    middle of a transaction, whose locks the emulator keeps for four minutes: `kills_while_paused` allows that.
    """

    def __init__(
        self, stack: Stack, random: Random, interval: float, pause_seconds: float, *, kills_while_paused: bool
    ) -> None:
        self._stack = stack
        self._random = random
        self._interval = interval
        self._pause_seconds = pause_seconds
        self._kills_while_paused = kills_while_paused
        self._stopping = threading.Event()
        self.done: Counter[str] = Counter()
        self.last = ""
        self._pausing: float | None = None
        self._next_pause = time.monotonic() + interval * 4

    @contextmanager
    def at_work(self) -> Iterator["Monkey"]:
        """For as long as the block lasts; afterwards nothing is paused or failing on purpose any more."""
        thread = threading.Thread(target=self._work, name="faults", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """No more faults; those that are on end."""
        self._stopping.set()

    def _work(self) -> None:
        try:
            while not self._stopping.wait(self._interval):
                self._one()
        finally:
            self._go_on()
            self._fail_cluster(0, 0.0, 0.0)

    def _one(self) -> None:
        now = time.monotonic()
        if self._pausing is not None and now >= self._pausing:
            self._go_on()
        elif self._pausing is None and now >= self._next_pause:
            self._pause(now)
            return
        kills = 4 if self._pausing is None or self._kills_while_paused else 0
        faults: list[Callable[[], None]] = [self._kill] * kills + [self._break_cluster]
        self._random.choice(faults)()

    def _kill(self) -> None:
        victim = self._random.choice(VICTIMS)
        is_worker = victim in FUNCTIONS and self._random.random() >= _WHOLE_SERVERS
        try:
            (self._stack.kill_worker if is_worker else self._stack.kill)(victim)
        except (ProcessLookupError, FileNotFoundError, ValueError):
            return  # it is being started again just now
        if is_worker:
            self._note(f"kill -9 of the worker of {victim}", "worker killed")
        else:
            self._note(f"kill -9 {victim}", "node killed" if victim == "node" else "server killed")

    def _pause(self, now: float) -> None:
        os.kill(self._stack.pid("firestore-emulator"), signal.SIGSTOP)
        self._pausing = now + self._pause_seconds
        self._next_pause = self._pausing + _PAUSE_EVERY_SECONDS
        self._note(f"Firestore stands still for {self._pause_seconds:g} s", "database paused")

    def _go_on(self) -> None:
        if self._pausing is None:
            return
        os.kill(self._stack.pid("firestore-emulator"), signal.SIGCONT)
        self._pausing = None

    def _break_cluster(self) -> None:
        status, fraction, hang = self._random.choice(_CLUSTER_FAULTS)
        if self._fail_cluster(status, fraction, hang):
            what = f"answers {status}" if status else f"hangs for {hang:g} s"
            self._note(f"the cluster {what}, {fraction:.0%} of calls", f"cluster {what}")

    def _fail_cluster(self, status: int, fraction: float, hang: float) -> bool:
        """Whether the cluster takes such orders: one that was given by a kubeconfig does not."""
        seconds = self._random.uniform(1.0, 4.0) if status or hang else 0.0
        body: dict[str, Any] = {"status": status, "fraction": fraction, "hang_seconds": hang, "seconds": seconds}
        url, headers, tls = self._cluster()
        try:
            answer = urllib3.PoolManager(ssl_context=tls).request(
                "POST", f"{url}/_faults", json=body, headers=headers, timeout=5.0, retries=False
            )
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def _cluster(self) -> tuple[str, dict[str, str], ssl.SSLContext]:
        """The cluster's URL, the header that its API server asks for, and the TLS by which it is known."""
        config = yaml.safe_load(Path(self._stack.info.kubeconfig).read_text())
        token = config["users"][0]["user"].get("token", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
        return str(cluster["server"]), headers, ssl.create_default_context(cadata=authority or None)

    def _note(self, sentence: str, kind: str) -> None:
        self.done[kind] += 1
        self.last = sentence
