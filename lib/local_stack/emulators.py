"""Google's Firestore and Pub/Sub emulators: where they are, how they start, and a context manager for tests."""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack import downloads
from local_stack.errors import LocalError
from local_stack.java import candidates, class_archive, java_for
from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.processes import bound_to_parent, kill_group, log_tail

# The heap is a quarter of the machine, as Java has it: 100,000 documents need more than 1 GiB.
# Measured on two cores: to first answer 1.1 s -> 0.9 s (Firestore) and 0.9 s -> 0.6 s (Pub/Sub), a third less CPU.
# The C2 compiler and a concurrent collector only pay for processes that live longer than these.
_JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Duser.language=en")
_START_SECONDS = 60.0
_STOP_SECONDS = 3.0
_SDK_PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/snap/google-cloud-sdk/current",
    "~/google-cloud-sdk",
)


@dataclass(frozen=True)
class Emulator:
    """One of Google's emulators: a jar and its main class."""

    name: str
    jar: Path
    main_class: str

    def command(self, port: int) -> tuple[str, ...]:
        """The command that serves it on a loopback port. Raises LocalError without a suitable Java."""
        java, archive = self._first_archived() or (java_for(self.jar, self.main_class), None)
        return self.command_of(java, port, *([f"-XX:SharedArchiveFile={archive}"] if archive else []))

    def command_of(self, java: str, port: int, *options: str) -> tuple[str, ...]:
        """The command with this `java`, and with `options` for its JVM."""
        arguments = (self.main_class, f"--host={LOOPBACK}", f"--port={port}")
        return (java, *_JVM_FLAGS, *options, "-cp", str(self.jar), *arguments)

    def _first_archived(self) -> tuple[str, Path] | None:
        """The Java that would be asked first, if it has run this jar: looking into the jar takes most of a second."""
        java = next(candidates(), None)
        if java is None or not (archive := class_archive(java, self.jar)).exists():
            return None
        return java, archive


@dataclass(frozen=True)
class EmulatorHosts:
    """`host:port` of each running emulator."""

    firestore: str
    pubsub: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which Google's clients find them."""
        return {"FIRESTORE_EMULATOR_HOST": self.firestore, "PUBSUB_EMULATOR_HOST": self.pubsub}


def firestore_emulator() -> Emulator:
    """The SDK's Firestore emulator, else the pinned download. Raises LocalError when neither can be had."""
    jar = _in_sdk("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
    if jar is None:
        jar = downloads.fetch(downloads.FIRESTORE, downloads.cache_dir())
    return Emulator("firestore", jar, "com.google.cloud.datastore.emulator.firestore.CloudFirestore")


def pubsub_emulator() -> Emulator:
    """The SDK's Pub/Sub emulator, else the pinned download. Raises LocalError when neither can be had."""
    jar = _in_sdk("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")
    if jar is None:
        archive = downloads.fetch(downloads.PUBSUB, downloads.cache_dir())
        jar = downloads.unpack(archive, "cloud-pubsub-emulator-*-all.jar")
    return Emulator("pubsub", jar, "com.google.cloud.pubsub.testing.v1.Main")


def sdk_roots(environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where a Google Cloud SDK may be: CLOUDSDK_ROOT_DIR, around the `gcloud` on PATH, the usual places."""
    if root := environment.get("CLOUDSDK_ROOT_DIR"):
        yield Path(root)
    if gcloud := shutil.which("gcloud", path=environment.get("PATH")):
        yield Path(gcloud).resolve().parent.parent
    yield from (Path(place).expanduser() for place in _SDK_PLACES)


def answers(url: str) -> bool:
    """Whether an emulator answers its health check; both say 200 on `/` once they serve."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - a loopback address of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def emulators() -> Iterator[EmulatorHosts]:
    """Run both emulators on free ports for as long as the block lasts; they end with it and with this process.

    Synchronous, for tests: `with emulators() as hosts: monkeypatch.setenv(…)`. Raises LocalError when one
    cannot be started, with the tail of its log.
    """
    both = (firestore_emulator(), pubsub_emulator())
    with running({emulator.name: emulator.command for emulator in both}, _STOP_SECONDS) as addresses:
        yield EmulatorHosts(*addresses)


@contextmanager
def running(commands: Mapping[str, Callable[[int], Sequence[str]]], stop_seconds: float) -> Iterator[Sequence[str]]:
    """Run emulators by their commands, each of which takes a port; yields `host:port` of each once all serve.

    They have `stop_seconds` to end. Raises LocalError when one does not start, with the tail of its log.
    """
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="provider-hub-emulators-")))
        starting = [
            stack.enter_context(_started(command, logs / f"{name}.log", stop_seconds))
            for name, command in commands.items()
        ]
        yield [one.wait_until_ready() for one in starting]


@dataclass(frozen=True)
class _Starting:
    process: subprocess.Popen[bytes]
    port: ReservedPort
    log: Path

    def wait_until_ready(self) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.port.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LocalError(f"the {self.log.stem} emulator did not start; its log:\n{log_tail(self.log)}")
            time.sleep(0.02)
        return self.port.address


@contextmanager
def _started(command: Callable[[int], Sequence[str]], log: Path, stop_seconds: float) -> Iterator[_Starting]:
    with ReservedPort() as port:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                bound_to_parent(command(port.number)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            yield _Starting(process, port, log)
        finally:
            _stop(process, stop_seconds)


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        process.wait()


def _in_sdk(pattern: str) -> Path | None:
    for root in sdk_roots():
        if found := sorted(root.glob(pattern)):
            return found[-1]
    return None
