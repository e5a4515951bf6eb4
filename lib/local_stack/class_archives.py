"""`make setup`'s last step: has the emulators ready, and archives the classes that they load.

With such an archive a JVM starts in half the time. There is one for each jar and each Java. The JVM itself checks that
an archive is its own, and that the jar has not changed since; otherwise it starts as it would without.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_stack.emulators import Emulator, EmulatorHosts, firestore_emulator, pubsub_emulator, running
from local_stack.errors import LocalError
from local_stack.java import class_archive, java_for

# Writing an archive takes the JVM some seconds of its end.
_STOP_SECONDS = 120.0
_PROJECT = "class-archive"


def main() -> int:
    """Find or fetch both emulators and a Java for each, so that a later start needs no network, and is quick."""
    try:
        both = (firestore_emulator(), pubsub_emulator())
        for emulator in both:
            print(f"{emulator.name} emulator: {emulator.jar}")
        _archive({emulator: java_for(emulator.jar, emulator.main_class) for emulator in both})
    except LocalError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def _archive(emulators: Mapping[Emulator, str]) -> None:
    """Run both emulators once, use them as the hub does, and keep what they had loaded by then."""
    archives = [class_archive(java, emulator.jar) for emulator, java in emulators.items()]
    if all(archive.exists() for archive in archives):
        return
    folder = archives[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as making:
        made = [Path(making) / archive.name for archive in archives]
        commands = {
            emulator.name: _archiving(emulator, java, file)
            for (emulator, java), file in zip(emulators.items(), made, strict=True)
        }
        with running(commands, _STOP_SECONDS) as addresses:
            _use(EmulatorHosts(*addresses))
        for file, archive in zip(made, archives, strict=True):
            # Under its name only whole: another setup may make the same at this moment.
            file.replace(archive)


def _archiving(emulator: Emulator, java: str, file: Path) -> Callable[[int], Sequence[str]]:
    def command(port: int) -> Sequence[str]:
        return emulator.command_of(java, port, f"-XX:ArchiveClassesAtExit={file}")

    return command


def _use(hosts: EmulatorHosts) -> None:
    """Call each emulator as the hub does: a conditional write and a query, a push subscription and a publish."""
    # Not above: a stack that looks for its emulators must not import both clients.
    from google.cloud import firestore, pubsub_v1  # noqa: PLC0415

    os.environ.update(hosts.environment)
    database = firestore.Client(project=_PROJECT)
    written = database.document("a/b").create({"n": 1})
    database.document("a/b").update({"n": 2}, database.write_option(last_update_time=written.update_time))
    list(database.collection("a").where(filter=firestore.FieldFilter("n", "==", 2)).stream())
    topic, subscription = f"projects/{_PROJECT}/topics/archive", f"projects/{_PROJECT}/subscriptions/archive"
    with pubsub_v1.SubscriberClient() as subscriber:
        publisher = pubsub_v1.PublisherClient()
        publisher.create_topic(name=topic)
        push = {"push_endpoint": f"http://{hosts.firestore}/"}
        subscriber.create_subscription({"name": subscription, "topic": topic, "push_config": push})
        publisher.publish(topic, b"{}").result()
        publisher.stop()


if __name__ == "__main__":
    sys.exit(main())
