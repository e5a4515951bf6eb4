"""The process node: runs the pods of a Kubernetes API server without nodes as processes of this machine.

It speaks only the Kubernetes API, and does there what kubelet, scheduler, deployment and replica-set
controller would. Each runtime image becomes an interpreter of this machine. It stands in for GKE on a laptop
and in tests: it isolates pods no better than processes of one user are.

`python -m local_kubernetes.node` runs it as a process; `ProcessNode` runs in the caller's event loop.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_kubernetes.node.node import NodeError, NodeOptions, ProcessNode

__all__ = ["NodeError", "NodeOptions", "ProcessNode"]


def __getattr__(name: str) -> Any:
    """The node, once it is asked for: whoever only reads the logs that it left needs no Kubernetes client."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from local_kubernetes.node import node  # noqa: PLC0415 - see above

    return getattr(node, name)
