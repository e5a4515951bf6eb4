"""`python -m local_kubernetes.node --kubeconfig FILE --state-dir DIR`."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from local_kubernetes.node.access import AccessError
from local_kubernetes.node.images import DEFAULT_UNAVAILABLE
from local_kubernetes.node.node import NodeError, NodeOptions, ProcessNode, default_name


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_kubernetes.node", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the cluster to serve: its current context")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="pods' directories and logs; one running node each"
    )
    parser.add_argument("--name", help="name of the Node object (default: made of the host and the state dir)")
    parser.add_argument(
        "--namespace-prefix", default="", metavar="TEXT", help="schedule and control only in namespaces that begin so"
    )
    parser.add_argument(
        "--backoff-base", type=float, default=10.0, metavar="S", help="first crash back-off in seconds (default: 10)"
    )
    parser.add_argument(
        "--controllers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the Deployment and ReplicaSet controllers too; off where kube-controller-manager does",
    )
    parser.add_argument(
        "--unavailable-image",
        action="append",
        metavar="PATTERN",
        help=f"images that cannot be pulled, as shell patterns (default: {' '.join(DEFAULT_UNAVAILABLE)})",
    )
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        type=_pair,
        metavar="IMAGE=PYTHON",
        help="the interpreter that an image becomes; the first one is what every other image becomes "
        "(default: the one that runs the node)",
    )
    parser.add_argument(
        "--python-path", type=Path, metavar="DIR", help="where the interpreters of --image import the runtime from"
    )
    parser.add_argument(
        "--programs", type=Path, metavar="DIR", help="a folder on the PATH of every container, beside the interpreter's"
    )
    parser.add_argument("--node-label", action="append", default=[], type=_pair, metavar="KEY=VALUE")
    parser.add_argument("--max-pods", type=int, default=500)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return name, value


def _options(arguments: argparse.Namespace) -> NodeOptions:
    return NodeOptions(
        kubeconfig=arguments.kubeconfig,
        state_dir=arguments.state_dir,
        name=arguments.name or default_name(arguments.state_dir),
        namespace_prefix=arguments.namespace_prefix,
        backoff_base=arguments.backoff_base,
        with_controllers=arguments.controllers,
        unavailable_images=tuple(arguments.unavailable_image or DEFAULT_UNAVAILABLE),
        labels=dict(arguments.node_label),
        max_pods=arguments.max_pods,
        images={image: Path(python) for image, python in arguments.image},
        python_path=arguments.python_path,
        programs=arguments.programs,
    )


async def _main(options: NodeOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = ProcessNode(options)
    announcement = asyncio.create_task(_announce(node))
    try:
        await node.run(stop)
    finally:
        announcement.cancel()


async def _announce(node: ProcessNode) -> None:
    await node.ready.wait()
    print(f"process node: ready as {node.options.name}", flush=True)


def main() -> int:
    """Run a node until SIGTERM or SIGINT; returns the exit status."""
    arguments = _arguments()
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        asyncio.run(_main(_options(arguments)))
    except (NodeError, AccessError) as error:
        print(f"process node: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
