"""A way to a server that takes as long as a network does: what the server answers arrives so many milliseconds later.

An emulator answers in a millisecond, Google's database in ten or so. A function's threads wait for the rest of that
time, and how many of them an instance needs depends on it.
"""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from local_stack.ports import LOOPBACK, ReservedPort
from tests.bench.ground import Ground, Served, process, wait_until

EMULATORS = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST")
_CHUNK_BYTES = 64 * 1024


@contextmanager
def as_far_away(ground: Ground, milliseconds: float) -> Iterator[Mapping[str, str]]:
    """The ground's environment, in which both emulators are a round trip of that length away."""
    with ExitStack() as ways:
        far = {name: ways.enter_context(_way(ground, name, milliseconds)) for name in EMULATORS}
        yield {**ground.environment, **far}


@contextmanager
def _way(ground: Ground, name: str, milliseconds: float) -> Iterator[str]:
    with ReservedPort() as port:
        arguments = (str(port.number), ground.environment[name], str(milliseconds))
        log = ground.folder / f"way-{name.lower()}"
        with process((sys.executable, "-m", __name__, *arguments), ground.environment, log) as started:
            way = Served(port.number, started.pid)
            wait_until(way.listens, f"the way to {name} is not there: see {log}.log")
            yield f"{LOOPBACK}:{port.number}"


async def _serve(port: int, server: str, delay: float) -> None:
    host, _, number = server.rpartition(":")

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(host, int(number))
        await asyncio.gather(_carry(reader, requests, 0), _carry(answers, writer, delay))

    listening = await asyncio.start_server(connect, LOOPBACK, port)
    await listening.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Whatever comes, each piece `delay` seconds after it came, until the one or the other end is closed."""
    clock = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while (piece := await under_way.get())[1]:
            await asyncio.sleep(piece[0] - clock())
            writer.write(piece[1])

    delivering = asyncio.create_task(deliver())
    with suppress(OSError):
        while content := await reader.read(_CHUNK_BYTES):
            under_way.put_nowait((clock() + delay, content))
    under_way.put_nowait((clock(), b""))
    await delivering
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]) / 1000))
