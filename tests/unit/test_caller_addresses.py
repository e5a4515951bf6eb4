"""Where a caller comes from is what our own proxies wrote, and nothing that the caller wrote itself."""

import pytest

from provider_hub.adapters.identity.addresses import address_of

GATEWAY = "198.51.100.1"


@pytest.mark.parametrize(
    ("forwarded_for", "peer", "gateway", "address"),
    [
        ("203.0.113.9, 198.51.100.1", "169.254.1.1", GATEWAY, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9,198.51.100.1", "169.254.1.1", GATEWAY, "203.0.113.9"),
        # A pod that calls the function's own address, past the load balancer, and pretends to have come by it.
        ("6.6.6.6, 198.51.100.1, 10.0.0.7", "169.254.1.1", GATEWAY, "10.0.0.7"),
        ("198.51.100.1", "169.254.1.1", GATEWAY, "198.51.100.1"),
        # Without a load balancer the last is Cloud Run's caller.
        ("6.6.6.6, 203.0.113.9", "169.254.1.1", "", "203.0.113.9"),
        (None, "127.0.0.1", "", "127.0.0.1"),
        (" , ", "127.0.0.1", GATEWAY, "127.0.0.1"),
        ("6.6.6.6, <script>", "127.0.0.1", "", ""),
        ("2001:DB8:0::9, 198.51.100.1", None, GATEWAY, "2001:db8::9"),
        (None, None, "", ""),
    ],
)
def test_the_address_before_the_load_balancers_or_else_the_last_one_counts(
    forwarded_for: str | None, peer: str | None, gateway: str, address: str
) -> None:
    assert address_of(forwarded_for, peer, gateway) == address
