"""A local copy of all objects of one kind, kept current by list and watch.

The agent's own writes are taken in at once (`observe`, `forget`), so that a controller never decides on a
state that it has itself already changed. Otherwise it could create a second pod.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator

from local_kubernetes.node.client import ApiClient, ApiError, Resource
from local_kubernetes.node.objects import Json, key_of, uid_of

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
_REMEMBERED_DELETIONS = 2048

Handler = Callable[[Json | None, Json | None], None]
"""Called with an object before and after a change; None stands for its absence."""

log = logging.getLogger(__name__)


class _ExpiredError(Exception):
    """The watch cannot go on from its resourceVersion: the objects have to be listed again."""


class Store:
    """The objects by key, with the newest version seen of each."""

    def __init__(self) -> None:
        self._objects: dict[str, Json] = {}
        self._stamps: dict[str, int] = {}
        self._clock = 0
        self._gone: dict[str, None] = {}
        self._handlers: list[Handler] = []

    def __iter__(self) -> Iterator[Json]:
        return iter(list(self._objects.values()))

    def get(self, key: str) -> Json | None:
        """The object at `namespace/name`; None when there is none."""
        return self._objects.get(key)

    def subscribe(self, handler: Handler) -> None:
        """Have `handler` called at every change from now on."""
        self._handlers.append(handler)

    def observe(self, obj: Json) -> None:
        """Take in an object unless a newer version of it, or its deletion, is known."""
        key = key_of(obj)
        known = self._objects.get(key)
        if uid_of(obj) in self._gone or (known and _version(known) >= _version(obj) and uid_of(known) == uid_of(obj)):
            return
        self._clock += 1
        self._put(key, obj, self._clock)

    def forget(self, obj: Json) -> None:
        """Take in that this very object is gone; late news of it is ignored from now on."""
        self._gone[uid_of(obj)] = None
        if len(self._gone) > _REMEMBERED_DELETIONS:
            del self._gone[next(iter(self._gone))]
        key = key_of(obj)
        known = self._objects.get(key)
        if known is None or uid_of(known) != uid_of(obj):
            return
        del self._objects[key], self._stamps[key]
        self._tell(known, None)

    def mark(self) -> int:
        """A point in time for `replace`: taken before the list is asked for."""
        return self._clock

    def replace(self, listed: list[Json], list_version: int, mark: int) -> None:
        """Make the store what a list says, except for own writes newer than that list.

        Versions are compared only with writes made since `mark`. An API server that lost its state counts from a lower
        version, and objects that it does not know have to go.
        """
        current = {key_of(obj): obj for obj in listed}
        for key, known in list(self._objects.items()):
            is_newer = self._stamps[key] > mark and _version(known) > list_version
            if is_newer:
                current.pop(key, None)
            elif key not in current:
                del self._objects[key], self._stamps[key]
                self._tell(known, None)
        for key, obj in current.items():
            if uid_of(obj) not in self._gone:
                self._put(key, obj, mark)

    def _put(self, key: str, obj: Json, stamp: int) -> None:
        known = self._objects.get(key)
        self._stamps[key] = stamp
        self._objects[key] = obj
        if known != obj:
            self._tell(known, obj)

    def _tell(self, before: Json | None, after: Json | None) -> None:
        for handler in self._handlers:
            handler(before, after)


class Informer:
    """Keeps a Store in step with the API server until cancelled; no error of the server ends it.

    Objects of namespaces that do not begin with `namespace_prefix` are not taken in.
    """

    def __init__(
        self,
        client: ApiClient,
        resource: Resource,
        *,
        namespace_prefix: str = "",
        on_recovery: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = Store()
        self.synced = asyncio.Event()
        self._namespace_prefix = namespace_prefix
        self._on_recovery = on_recovery
        self._client = client
        self._resource = resource
        self._version = ""

    async def run(self) -> None:
        """List, then watch; list again whenever the watch cannot go on."""
        delay = _FIRST_DELAY
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._follow()
                delay = _FIRST_DELAY
            except _ExpiredError:
                self._version = ""
            except ApiError as error:
                # The server may have restarted and lost its objects, so the next step is a list.
                self._version = ""
                log.warning("watch of %s: %s; listing again in %.1f s", self._resource.plural, error, delay)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, keeps no secret
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _list(self) -> None:
        mark = self.store.mark()
        answer = await self._client.list(self._resource)
        version = str((answer.get("metadata") or {}).get("resourceVersion", ""))
        items = [obj for obj in answer.get("items") or [] if self._concerns(obj)]
        self.store.replace(items, _number(version), mark)
        self._version = version
        if self.synced.is_set():
            self._on_recovery()
        self.synced.set()

    async def _follow(self) -> None:
        async for event in self._client.watch(self._resource, self._version):
            obj = event.get("object") or {}
            if event.get("type") == "ERROR":
                _raise_status(obj)
            self._version = self._take(str(event.get("type")), obj)

    def _take(self, kind: str, obj: Json) -> str:
        if kind == "DELETED":
            self.store.forget(obj)
        elif kind in {"ADDED", "MODIFIED"} and self._concerns(obj):
            self.store.observe(obj)
        return str(obj["metadata"]["resourceVersion"])

    def _concerns(self, obj: Json) -> bool:
        return str(obj["metadata"].get("namespace", "")).startswith(self._namespace_prefix)


def _raise_status(status: Json) -> None:
    code = int(status.get("code") or 0)
    if code == 410:
        raise _ExpiredError
    raise ApiError(code, str(status.get("reason") or ""), str(status.get("message") or "the watch failed"))


def _version(obj: Json) -> int:
    return _number(str(obj["metadata"].get("resourceVersion", "")))


def _number(version: str) -> int:
    return int(version) if version.isdigit() else 0
