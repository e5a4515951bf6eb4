"""Which hosts no program of the stack asks through a proxy that the caller's shell names."""

from collections.abc import Mapping

_LOOPBACK_NAMES = "localhost,127.0.0.1"


def unproxied(caller: Mapping[str, str]) -> dict[str, str]:
    """The variables by which libraries know this machine, and the caller's own exceptions, as hosts without a proxy."""
    names = ",".join(filter(None, (caller.get("no_proxy") or caller.get("NO_PROXY"), _LOOPBACK_NAMES)))
    return {"no_proxy": names, "NO_PROXY": names}
