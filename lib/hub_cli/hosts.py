"""Which hosts are this machine."""

import ipaddress


def is_this_machine(host: str) -> bool:
    """Whether `host`, a name or an address without brackets, is this machine's loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
