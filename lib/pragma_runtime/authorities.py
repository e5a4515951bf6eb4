"""The authorities that the system trusts, read once a process: that takes longer than a request over a warm network."""

import functools
import ssl


@functools.cache
def system_context() -> ssl.SSLContext:
    """Verifies servers by the system's authorities. It is shared: whoever trusts more makes a context of its own."""
    return ssl.create_default_context()
