"""`python -m local_kubernetes.cluster`: the embedded cluster as a process of its own."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from local_kubernetes.private_files import write_privately

from .embedded import EmbeddedCluster
from .identity import Identity


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 1 when the port is taken."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(_parser().parse_args(arguments)))
    except OSError as error:
        print(f"embedded cluster: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_kubernetes.cluster", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        required=True,
        metavar="PATH",
        help="where to write a kubeconfig; PATH.identity keeps its token and key",
    )
    parser.add_argument("--faults", action="store_true", help="serve POST /_faults, which makes requests fail")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # A server that is started again keeps its identity: clients of the last run have read it once and know no other.
    identity_file = options.kubeconfig.with_name(f"{options.kubeconfig.name}.identity")
    identity = Identity.load(identity_file) or Identity.new()
    cluster = EmbeddedCluster(identity=identity, fault_route=options.faults)
    await cluster.start(options.port)
    try:
        write_privately(identity_file, identity.dump().encode())
        write_privately(options.kubeconfig, cluster.kubeconfig().encode())
        print(f"embedded cluster: {cluster.url}", flush=True)
        await ended.wait()
    finally:
        await cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
