"""The process node: runs the pods of a Kubernetes API server without nodes as processes of this machine.

It speaks only the Kubernetes API, and does there what kubelet, scheduler, deployment and replica-set
controller would. Each runtime image becomes an interpreter of this machine. It stands in for GKE on a laptop
and in tests: it isolates pods no better than processes of one user are.

`python -m local_kubernetes.node` runs it as a process; `ProcessNode` runs in the caller's event loop.
"""

from local_kubernetes.node.node import NodeError, NodeOptions, ProcessNode

__all__ = ["NodeError", "NodeOptions", "ProcessNode"]
