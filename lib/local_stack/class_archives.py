"""`make setup`'s last step: has the emulators ready, and archives the classes that they load.

With such an archive a JVM starts in half the time. There is one for each jar, each Java and each version of this file,
which decides what is archived. The JVM itself checks that an archive is its own, and that the jar has not changed
since; otherwise it starts as it would without.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.emulators import Emulator, EmulatorHosts, firestore_emulator, pubsub_emulator, running
from local_stack.errors import LocalError
from local_stack.java import class_archive, java_for
from local_stack.ports import LOOPBACK, listening_socket, port_of
from local_stack.topics import Route, create_topics

if TYPE_CHECKING:
    from google.cloud import firestore

# Writing an archive takes the JVM some seconds of its end.
_STOP_SECONDS = 120.0
_PUSH_SECONDS = 60.0
_PROJECT = "class-archive"


def main() -> int:
    """Find or fetch both emulators and a Java for each, so that a later start needs no network, and is quick."""
    try:
        both = (firestore_emulator(), pubsub_emulator())
        for emulator in both:
            print(f"{emulator.name} emulator: {emulator.jar}")
        javas = {emulator: java_for(emulator.jar, emulator.main_class) for emulator in both}
    except LocalError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    try:
        _archive(javas)
    except Exception as error:  # whatever it is: an archive only makes starts quicker
        print(
            f"setup: the emulators will start slower, for want of an archive of their classes: {error!r}",
            file=sys.stderr,
        )
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
    """Call each emulator as a stack and its functions do: every kind of call that they make."""
    os.environ.update(hosts.environment)
    _use_firestore()
    asyncio.run(_use_pubsub(hosts.pubsub))


def _use_firestore() -> None:
    """Conditional writes and refused ones, transactions, reads by key and by query, counts."""
    # Not above: a stack that looks for its emulators must not import the clients.
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition  # noqa: PLC0415
    from google.cloud import firestore  # noqa: PLC0415

    database = firestore.Client(project=_PROJECT)
    documents = database.collection("a")
    document, other = documents.document("b"), documents.document("c")
    fields = {"n": 1, "text": "t", "at": datetime.now(UTC), "list": ["x"], "map": {"k": 1.5}, "is": True, "none": None}
    written = document.create(fields)
    with contextlib.suppress(AlreadyExists):
        document.create(fields)
    condition = database.write_option(last_update_time=written.update_time)
    document.update({"n": 2}, condition)
    with contextlib.suppress(FailedPrecondition):
        document.update({"n": 3}, condition)

    @firestore.transactional
    def raised(transaction: firestore.Transaction) -> None:
        document.get(transaction=transaction)
        transaction.update(document, {"n": firestore.Increment(1), "list": firestore.ArrayUnion(["y"])})
        transaction.set(other, {"n": 1, "at": firestore.SERVER_TIMESTAMP})

    @firestore.transactional
    def left(transaction: firestore.Transaction) -> None:
        list(documents.where(filter=firestore.FieldFilter("n", "==", 3)).stream(transaction=transaction))

    raised(database.transaction())
    left(database.transaction())
    _query(documents)
    list(database.get_all([document, other, documents.document("none")], ["n", "map"]))
    list(documents.list_documents())
    batch = database.batch()
    batch.delete(document)
    batch.delete(other)
    batch.commit()


def _query(documents: "firestore.CollectionReference") -> None:
    from google.cloud import firestore  # noqa: PLC0415 - see above

    for field, operator, value in (
        ("n", "in", [1, 3]),
        ("list", "array_contains", "x"),
        ("list", "array_contains_any", ["x", "y"]),
        ("at", "<=", datetime.now(UTC)),
        ("text", "!=", ""),
    ):
        found = documents.where(filter=firestore.FieldFilter(field, operator, value))
        list(found.order_by(field).limit(1).select(["n"]).stream())
        found.count().get()  # type: ignore[call-arg]  # its decorator hides `self` from the checker
    list(
        documents.order_by("n").order_by("__name__").start_after({"n": 1, "__name__": documents.document("c")}).stream()
    )


async def _use_pubsub(host: str) -> None:
    """Topics made as a stack makes them, and a message that the emulator pushes, once in vain."""
    import aiohttp  # noqa: PLC0415 - see above
    from aiohttp import web  # noqa: PLC0415
    from google.cloud import pubsub_v1  # noqa: PLC0415

    pushed = asyncio.Event()
    answers = iter([503])

    async def take(_: web.Request) -> web.Response:
        status = next(answers, 204)
        if status == 204:
            pushed.set()
        return web.Response(status=status)

    application = web.Application()
    application.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    listener = listening_socket(0)
    await web.SockSite(runner, listener).start()
    consumer = f"http://{LOOPBACK}:{port_of(listener)}"
    publisher = pubsub_v1.PublisherClient()
    topic = f"projects/{_PROJECT}/topics/archive"
    try:
        async with aiohttp.ClientSession() as session:
            await create_topics(session, host, _PROJECT, [Route("archive", consumer, consumer)], retry_min=0.1)
        await asyncio.to_thread(lambda: publisher.publish(topic, b"{}", kind="archive").result())
        await asyncio.wait_for(pushed.wait(), _PUSH_SECONDS)
    finally:
        publisher.stop()
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
