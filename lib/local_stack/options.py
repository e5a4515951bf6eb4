"""What can be chosen about a stack."""

from dataclasses import dataclass
from pathlib import Path

from hub_cli.stack_file import DEFAULT_STATE_DIR


@dataclass(frozen=True)
class StackOptions:
    """The options of `hub up`. Port 0 is any free one; without `kubeconfig` the embedded cluster serves.

    `cells` is how many embedded clusters there are. `retry_min` is a failed delivery's first backoff, `sweep_seconds`
    the time between two sweeps. Without `functions_dir` the functions are the repository's.
    """

    port: int = 8080
    state_dir: Path = DEFAULT_STATE_DIR
    project: str = "local-hub"
    kubeconfig: Path | None = None
    cells: int = 1
    process_node: bool = False
    retry_min: float = 10.0
    sweep_seconds: float = 60.0
    functions_dir: Path | None = None
