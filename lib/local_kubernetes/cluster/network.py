"""The addresses that Services get: a range of their own, in which nothing listens."""

from ipaddress import IPv4Network

RANGE = IPv4Network("10.96.0.0/12")


class ClusterIPs:
    """Hands out the addresses of the range in order, then again from its start."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> str:
        """The next address of the range, which begins again at its end."""
        self._next = self._next % (RANGE.num_addresses - 2) + 1
        return str(RANGE[self._next])
