"""Does the same work for several things, some of them at a time.

It is no `concurrent.futures` executor: every start would wait for its import, and its threads keep the process from
ending on a signal while a slow host is being read from.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

_Item = TypeVar("_Item")


def side_by_side(work: Callable[[_Item], object], items: Sequence[_Item], at_once: int) -> None:
    """Calls `work` with each of the items, on `at_once` threads at most; a single item is worked on right here.

    Raises the first failure, from when on no other item is begun. Those that are being worked on are not waited for.
    """
    if len(items) == 1:
        work(items[0])
        return
    waiting = deque(items)
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    is_over = threading.Event()

    def run() -> None:
        while waiting and not is_over.is_set():
            # Another thread may have been faster since the look above.
            with suppress(IndexError):
                ended.put(_failure_of(work, waiting.popleft()))

    for _ in range(min(at_once, len(items))):
        threading.Thread(target=run, name="side by side", daemon=True).start()
    try:
        for _ in items:
            if failure := ended.get():
                raise failure
    finally:
        is_over.set()


def _failure_of(work: Callable[[_Item], object], item: _Item) -> Exception | None:
    try:
        work(item)
    except Exception as failure:  # the caller raises it
        return failure
    return None
