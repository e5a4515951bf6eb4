"""The clusters of a stack, one for each cell: embedded ones with a node each, or one that a kubeconfig names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.errors import LocalError
from local_stack.forking import ForkServer
from local_stack.interpreters import LIBRARIES, Interpreter
from local_stack.options import StackOptions
from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.stack_file import node_dir
from local_stack.supervisor import Child, Stage, accepts_connections
from provider_hub.domain.cells import DEFAULT_CELL


@dataclass(frozen=True)
class LocalCell:
    """A cluster, and the state folder of its node. `port` is an embedded cluster's, None for one of somebody else's."""

    name: str
    kubeconfig: Path
    node_dir: Path
    port: ReservedPort | None

    def cluster(self, port: ReservedPort, environment: Mapping[str, str], fork_server: ForkServer) -> Child:
        """The embedded cluster, ready once it listens and its kubeconfig is written."""
        self.kubeconfig.unlink(missing_ok=True)

        async def serves() -> bool:
            return self.kubeconfig.exists() and await accepts_connections(LOOPBACK, port.number)

        # For chaos alone: any program with the cluster's token could make it fail.
        faults = ("--faults",) if environment.get("HUB_LOCAL_CLUSTER_FAULTS") else ()
        files = ("--port", str(port.number), "--kubeconfig", str(self.kubeconfig))
        command = ("local_kubernetes.cluster.__main__", *files, *faults)
        return Child(f"cluster{self._suffix}", command, Stage.CLUSTER, environment, serves, start=fork_server.fork)

    def node(
        self,
        environment: Mapping[str, str],
        interpreters: Sequence[Interpreter],
        programs: Path,
        fork_server: ForkServer,
    ) -> Child:
        """The process node. In a cluster of others it leaves the pods of their namespaces alone."""
        files = ("--kubeconfig", str(self.kubeconfig), "--state-dir", str(self.node_dir))
        prefix = environment["HUB_CLUSTER_NAMESPACE_PREFIX"]
        options = ("--namespace-prefix", prefix, "--python-path", str(LIBRARIES), "--programs", str(programs))
        images = [f"--image={one.image}={one.executable}" for one in interpreters]
        command = ("local_kubernetes.node.__main__", *files, *options, *images)
        return Child(f"node{self._suffix}", command, Stage.NODE, environment, start=fork_server.fork)

    @property
    def _suffix(self) -> str:
        return "" if self.name == DEFAULT_CELL else f"-{self.name}"


def local_cells(options: StackOptions, state_dir: Path) -> Sequence[LocalCell]:
    """The cells of a stack, the default one first. Raises LocalError for options that do not go together."""
    nodes = node_dir(state_dir)
    if options.kubeconfig is None:
        others = [f"cell-{number}" for number in range(2, options.cells + 1)]
        first = LocalCell(DEFAULT_CELL, state_dir / "kubeconfig", nodes, ReservedPort())
        return [
            first,
            *(
                LocalCell(
                    name, state_dir / f"kubeconfig-{name}", nodes.with_name(f"{nodes.name}-{name}"), ReservedPort()
                )
                for name in others
            ),
        ]
    if options.cells > 1:
        raise LocalError(
            "--cells starts embedded clusters: leave out --kubeconfig, or name further cells by HUB_CELLS."
        )
    if not options.kubeconfig.is_file():
        raise LocalError(f"there is no kubeconfig at {options.kubeconfig}: give --kubeconfig a file, or leave it out.")
    return [LocalCell(DEFAULT_CELL, options.kubeconfig.resolve(), nodes, None)]
