"""Where a request comes from: `X-Forwarded-For`, of which only what our own side wrote is believed."""

from ipaddress import ip_address


def address_of(forwarded_for: str | None, peer: str | None, gateway_address: str) -> str:
    """The caller's IP address, "" where what stands there is none.

    Each proxy appends the address that it was called from, so a caller chooses what stands before the last ones. The
    last is Cloud Run's caller. Where that is the load balancer (`gateway_address`), the load balancer wrote two: the
    caller's address and its own.
    """
    entries = [entry.strip() for entry in (forwarded_for or "").split(",") if entry.strip()]
    if not entries:
        return _plain(peer or "")
    if len(entries) > 1 and gateway_address and entries[-1] == gateway_address:
        return _plain(entries[-2])
    return _plain(entries[-1])


def _plain(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
