"""A worker that speaks the SDK's protocol and misbehaves as it is told: `wheel` packs it as `pragma_sdk.worker`.

`WORKER_DOES` says what, `WORKER_DOES_LATER` what any but the first worker of a work directory does.
"""

import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from tests.runtime_harness import make_wheel

RESOURCE_TYPES = ["Wind", "Rain"]


def wheel(into: Path, name: str = "acme-served") -> Path:
    """A provider's wheel with an entry point of the group `pragma.provider` and this module for the SDK's worker."""
    source = Path(__file__).read_text().replace("from tests.runtime_harness import make_wheel\n", "")
    return make_wheel(
        into,
        {
            "acme_served/__init__.py": "raise RuntimeError('only the worker imports it')",
            "pragma_sdk/__init__.py": "",
            "pragma_sdk/worker/__init__.py": "",
            "pragma_sdk/worker/__main__.py": source,
            f"{name.replace('-', '_')}-1.0.0.dist-info/entry_points.txt": "[pragma.provider]\nserved = acme_served\n",
        },
        name=name,
    )


def main() -> None:
    """Does what the environment says."""
    work_dir = Path(os.environ["PRAGMA_WORK_DIR"])
    (work_dir / f"environment.{os.getpid()}").write_text(json.dumps({**os.environ, "path": sys.path}))
    first = len([*work_dir.glob("environment.*")]) == 1
    does = os.environ.get("WORKER_DOES" if first else "WORKER_DOES_LATER", "serves")
    if does == "cannot load":
        sys.exit(
            json.dumps({"event": "worker_startup_failed", "exception": "Traceback:\nMissingObserve: no on_observe"})
        )
    if does == "kills itself":
        os.kill(os.getpid(), 9)
    if does == "never connects":
        time.sleep(600)
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(sys.argv[sys.argv.index("--socket") + 1])
        _speak(host, does, work_dir)


_INSTEAD_OF_A_HANDSHAKE = {
    "sends too much": struct.pack(">I", 64 * 1024 * 1024 + 1),
    "sends no JSON": struct.pack(">I", 14) + b"GET / HTTP/1.1",
    "is silent": b"",
}


def _speak(host: socket.socket, does: str, work_dir: Path) -> None:
    if does in _INSTEAD_OF_A_HANDSHAKE:
        host.sendall(_INSTEAD_OF_A_HANDSHAKE[does])
        time.sleep(600)
    if does == "stops halfway":
        host.sendall(struct.pack(">I", 100) + b"{")
        return
    if does == "asks first":
        _send(host, {"id": 1, "method": "apply_resource", "params": {}})
    _shake_hands(host, does)
    _serve(host, does, work_dir)


def _shake_hands(host: socket.socket, does: str) -> None:
    versions = [2] if does == "speaks another protocol" else [1]
    _send(host, {"id": 7, "method": "handshake", "params": _handshake(versions, does)})
    answer = _read(host)
    print("answer:", json.dumps(answer), file=sys.stderr, flush=True)
    if answer is None or "error" in answer:
        sys.exit("refused")


def _serve(host: socket.socket, does: str, work_dir: Path) -> None:
    if does == "asks":
        _send(host, {"id": 8, "method": "wait_for_state", "params": {"dispatch_id": 1}})
        (work_dir / "answer").write_text(json.dumps(_read(host)))
    if "later" in does:
        time.sleep(1.5)  # check-ins about changes are a second apart: a worker back within it was never away
    if does == "dies later":
        sys.exit("the storm took it")
    if does == "breaks the protocol later":
        _send_bytes(host, b"[]")
    message = _read(host)
    if does == "ignores the end":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    print("the last message:", json.dumps(message), file=sys.stderr, flush=True)


def _handshake(versions: list[int], does: str) -> dict[str, object]:
    return {
        "protocol_versions": versions,
        "sdk_version": "18.0.0",
        "distribution": "other" if does == "serves another" else os.environ["PRAGMA_PROVIDER_DISTRIBUTION"],
        "short_name": "served",
        "package": "acme_served",
        "resource_types": [
            {"resource": name, "observe": True, "computed": False, "logs": False, "health": False}
            for name in RESOURCE_TYPES
        ],
    }


def _send(host: socket.socket, message: dict[str, object]) -> None:
    _send_bytes(host, json.dumps({"jsonrpc": "2.0", **message}).encode())


def _send_bytes(host: socket.socket, body: bytes) -> None:
    host.sendall(struct.pack(">I", len(body)) + body)


def _read(host: socket.socket) -> dict[str, object] | None:
    header = host.recv(4, socket.MSG_WAITALL)
    if len(header) < 4:
        return None
    message: dict[str, object] = json.loads(host.recv(struct.unpack(">I", header)[0], socket.MSG_WAITALL))
    return message


if __name__ == "__main__":
    main()
