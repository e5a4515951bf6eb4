"""Python's garbage collector, while much is imported that stays for good."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_collecting() -> Iterator[None]:
    """Keep the collector from what the block makes, then and later: it would walk all of it again and again in vain.

    It would also write to every object that it walks, and a process that is forked afterwards would copy the page.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
