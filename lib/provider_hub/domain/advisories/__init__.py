"""Known vulnerabilities of what versions lock: which records of a database say that a locked distribution has one."""

from provider_hub.domain.advisories.records import Advisory, LockAdvisories, Severity

__all__ = ["Advisory", "LockAdvisories", "Severity"]
