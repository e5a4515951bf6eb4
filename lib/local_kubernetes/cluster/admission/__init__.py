"""What an API server refuses of valid objects: missing namespaces and accounts, Pod Security, limits and quotas."""

from .admission import Admission

__all__ = ["Admission"]
