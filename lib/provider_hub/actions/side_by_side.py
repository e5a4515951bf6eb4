"""Items side by side: a few threads take them in turn, each its next one when it is done with the last."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# Of a sweep's threads each has one call of the database or the cluster under way.
MOST_SIDE_BY_SIDE = 16
R = TypeVar("R")
T = TypeVar("T")


def side_by_side(action: Callable[[T], R], items: Iterator[T], threads: int) -> list[R]:
    """What `action` returns for each item that `items` gives, in no particular order. One thread is the caller's own.

    `items` is asked by one thread at a time. An exception of `action` or `items` is raised once every thread is done.
    """
    if threads == 1:
        return [action(item) for item in items]
    turn = threading.Lock()

    def take() -> Iterator[T]:
        while True:
            with turn:
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def work() -> list[R]:
        return [action(item) for item in take()]

    with ThreadPoolExecutor(threads, thread_name_prefix="side-by-side") as pool:
        working = [pool.submit(work) for _ in range(threads)]
    return [result for one in working for result in one.result()]
