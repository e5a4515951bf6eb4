"""A loopback address for each pod.

All containers listen on the same port, so every pod needs an address of its own: one of 127.64.0.0/10.
Several nodes may run on one machine. Each binds a UDP port on an address while it uses the address: that is the lock
between them. The kernel gives the port to one process, and frees it when that process ends in any way.
"""

import ipaddress
import random
import socket
from collections.abc import Sequence

NETWORK = ipaddress.IPv4Network("127.64.0.0/10")
_LOCK_PORT = 10250
_ATTEMPTS = 64


class AddressError(Exception):
    """No address is free. The message names the port that is taken."""


class AddressPool:
    """Hands out addresses of 127.64.0.0/10 that are free on this machine."""

    def __init__(self) -> None:
        self._locks: dict[str, socket.socket] = {}
        # A random start keeps the nodes of one machine apart.
        self._next = random.randrange(NETWORK.num_addresses)  # noqa: S311 - any number will do

    def reserve(self, ports: Sequence[int], preferred: str = "") -> str:
        """An address on which all TCP `ports` are free: `preferred` if it is one.

        Raises AddressError.
        """
        blocked = 0
        candidates = [preferred] if preferred and ipaddress.ip_address(preferred) in NETWORK else []
        for attempt in range(_ATTEMPTS):
            address = candidates[attempt] if attempt < len(candidates) else self._candidate()
            lock = _bind(address, _LOCK_PORT, socket.SOCK_DGRAM)
            if lock is None:
                continue
            blocked = next((port for port in ports if not _is_free(address, port)), 0)
            if not blocked:
                self._locks[address] = lock
                return address
            lock.close()
        if blocked:
            raise AddressError(
                f"port {blocked} is taken on {_ATTEMPTS} addresses of {NETWORK}: some process listens on "
                f"0.0.0.0:{blocked}; stop it, or let it listen on 127.0.0.1"
            )
        raise AddressError(f"no free address found in {NETWORK} after {_ATTEMPTS} tries")

    def release(self, address: str) -> None:
        """Give an address back. One that is not taken is ignored."""
        if lock := self._locks.pop(address, None):
            lock.close()

    def close(self) -> None:
        """Give every address back."""
        for address in list(self._locks):
            self.release(address)

    def _candidate(self) -> str:
        while True:
            self._next = (self._next + 1) % NETWORK.num_addresses
            address = NETWORK[self._next]
            if str(address) not in self._locks and address.packed[3] not in {0, 255}:
                return str(address)


def _is_free(address: str, port: int) -> bool:
    probe = _bind(address, port, socket.SOCK_STREAM)
    if probe is None:
        return False
    probe.close()
    return True


def _bind(address: str, port: int, kind: socket.SocketKind) -> socket.socket | None:
    candidate = socket.socket(socket.AF_INET, kind)
    try:
        candidate.bind((address, port))
    except OSError:
        candidate.close()
        return None
    return candidate
