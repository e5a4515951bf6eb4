"""Which requests were meant for this machine: those whose Host header names it by a loopback name."""

LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")


def is_loopback(host: str) -> bool:
    """Whether a Host header (`name` or `name:port`, an IPv6 address in brackets) names this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK_NAMES
