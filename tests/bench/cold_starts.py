"""Cold starts: from the start of a function's process to its first answer, by the command that the cloud uses.

The first request is one that needs no row: it is authenticated, read, answered from the database, and changes little.
Each side has compiled its modules before, as a deployed function has.
"""

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from local_stack.callers import SCHEDULER_ACCOUNT, TASKS_ACCOUNT
from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.domain.installation import InstallationRequest, RequestKind
from provider_hub.domain.messages import Message, VersionPublished, encode
from provider_hub.domain.records import Topic
from tests.bench.figures import Figure, Spread
from tests.bench.ground import CALLER_AUDIENCE, FLOORS_DIR, PROJECT, Ground, begun_as_deployed
from tests.bench.load import Wish, send, wish
from tests.bench.processes import clients_of

ROUNDS = 4
_START_SECONDS = 60.0
_POLL_SECONDS = 0.002


def cold_starts(ground: Ground) -> Iterator[Figure]:
    """Milliseconds from the start of each function's process to its first answer, beside the floor's."""
    for function in FUNCTIONS:
        around = _environment(ground, function)
        rounds = [(_ours(ground, function, around), _floor(ground, around)) for _ in range(ROUNDS + 1)]
        # The first round compiles the modules, and makes what is made once in a hub's life.
        ours, floor = zip(*rounds[1:], strict=True)
        yield Figure(f"start of {function} → first answer", "ms", Spread.of(ours), Spread.of(floor))


def _environment(ground: Ground, function: str) -> Mapping[str, str]:
    bytecode = ground.folder / "bytecode"
    return {
        **ground.environment,
        "HOME": str(ground.folder),  # where gunicorn has a socket, of which there may be one
        "THREADS": str(FUNCTIONS[function].size["concurrency"]),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONDONTWRITEBYTECODE": "",
        "BENCH_CLIENTS": " ".join(clients_of(function, bytecode)),
    }


def _ours(ground: Ground, function: str, around: Mapping[str, str]) -> float:
    first = _first_requests(ground)[function]
    return _milliseconds(FUNCTIONS_DIR / function / "main.py", function, first, around, ground.folder)


def _floor(ground: Ground, around: Mapping[str, str]) -> float:
    source = FLOORS_DIR / "first_answer.py"
    return _milliseconds(source, source.stem, wish("GET", "/", None, expect=204), around, ground.folder)


def _milliseconds(source: Path, target: str, first: Wish, around: Mapping[str, str], folder: Path) -> float:
    """Until `first` is answered, which is sent as soon as the process listens."""
    start = time.perf_counter()
    with begun_as_deployed(source, target, around, folder) as served:
        connection = served.connect()
        deadline = start + _START_SECONDS
        while connection.sock is None:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{source} does not listen: see {folder / target}.log")
            with suppress(ConnectionRefusedError):
                connection.connect()
                continue
            time.sleep(_POLL_SECONDS)
        send(connection, first)
        took = time.perf_counter() - start
        connection.close()
    return took * 1000


def _first_requests(ground: Ground) -> Mapping[str, Wish]:
    """A request for each function, in the form and with the token of whoever calls it."""
    issuer, now = ground.issuer, datetime.now(UTC)
    task = issuer.service_account(TASKS_ACCOUNT, CALLER_AUDIENCE)
    tick = issuer.service_account(SCHEDULER_ACCOUNT, CALLER_AUDIENCE)
    row = ("org_cold", "platform/cold", ulid(now, bytes(RANDOM_BYTES)), 1)
    asked = InstallationRequest(RequestKind.INSTALL, *row, "1.0.0", now)
    checked_in = CheckIn("org_cold", "platform/cold", "1.0.0", 1, "no token of the hub")
    runtime = {"version": f"{now:%Y%m%d%H%M%S%f}", "image_url": "registry.example/runtime"}
    return {
        "installations": wish("GET", "/providers/installed", ground.token("cold")),
        "catalog": wish("GET", "/providers", None),
        "publishing": wish("POST", "/console/runtime/versions", issuer.console_machine(), runtime, expect=201),
        "identity": wish("GET", "/auth/me", ground.token("cold")),
        "operations": wish("GET", "/ops/dead-letter", ground.token("cold")),
        "installer": _pushed(ground, Topic.INSTALLATION_EVENTS, asked),
        "registration": _pushed(ground, Topic.CHECK_INS, checked_in),
        "upgrades": _pushed(ground, Topic.VERSION_EVENTS, VersionPublished("platform/cold", "1.0.0", now)),
        "dead_letters": _pushed(ground, f"{Topic.INSTALLATION_EVENTS}-dead-letter", asked),
        "deadlines": wish("POST", "/", task, asdict(DeadlineCall(*row)), expect=204),
        "sweeper": wish("POST", "/", tick, {}, expect=204),
    }


def _pushed(ground: Ground, topic: str, message: Message) -> Wish:
    """As Pub/Sub pushes it."""
    data = base64.b64encode(encode(message)).decode()
    body = {"message": {"data": data, "messageId": "cold"}}
    return wish("POST", f"/projects/{PROJECT}/topics/{topic}", ground.push_token(), body, expect=204)
