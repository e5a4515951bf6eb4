"""The dependencies of a version: which of them apply, and the lock that says exactly what is installed of them."""

from provider_hub.domain.dependencies.lock import DependencyLock, LockedWheel, LockMalformed, LockRefused

__all__ = ["DependencyLock", "LockMalformed", "LockRefused", "LockedWheel"]
