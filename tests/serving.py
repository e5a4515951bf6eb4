"""A server of the standard library's kind, served by a thread while a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

# How long a server that is to end sleeps on: the standard library's half second would be most of many a test.
_POLL_SECONDS = 0.01


@contextmanager
def in_a_thread(server: BaseServer) -> Iterator[None]:
    """Serve for as long as the block lasts; then the thread is over and the port is free."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name=type(server).__name__)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
