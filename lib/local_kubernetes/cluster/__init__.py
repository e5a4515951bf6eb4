"""The embedded cluster: a small in-memory server of the Kubernetes API for one machine and for tests.

`serving()` serves on a thread, `EmbeddedCluster` on the caller's event loop, `python -m local_kubernetes.cluster` as a
process. `ApiServer` is the server without its socket, for tests that call it directly; it raises `ApiError` for what it
refuses and reports each `Change` to listeners.
"""

from .embedded import EmbeddedCluster, ServedCluster, serving
from .faults import Fault, FaultSwitch
from .records import Change
from .server import ApiServer
from .status import ApiError

__all__ = ["ApiError", "ApiServer", "Change", "EmbeddedCluster", "Fault", "FaultSwitch", "ServedCluster", "serving"]
