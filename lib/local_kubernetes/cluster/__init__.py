"""The embedded cluster: a small in-memory server of the Kubernetes API for one machine and for tests."""

from .embedded import EmbeddedCluster, ServedCluster, serving
from .faults import Fault, FaultSwitch

__all__ = ["EmbeddedCluster", "Fault", "FaultSwitch", "ServedCluster", "serving"]
