"""Kubernetes Events about what the node does.

A repetition raises the count of the first Event, at most every 30 s. When too many wait, or the API server is slow,
Events are dropped: no other work waits for them.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from local_kubernetes.node.client import EVENTS, ApiClient, ApiError
from local_kubernetes.node.objects import Json, format_time, now, uid_of

_WAITING = 500
_REMEMBERED = 2000
_REPEAT_SECONDS = 30.0
# The embedded API server does one thing after the other: what starts a pod goes before the news of it.
_BEHIND_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass
class _Sent:
    name: str
    count: int
    written_at: float


@dataclass(frozen=True)
class _Note:
    regarding: Json
    kind: str
    api_version: str
    reason: str
    message: str
    type: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return uid_of(self.regarding), self.reason, self.message


class EventRecorder:
    """Takes notes at once and writes them in the background."""

    def __init__(self, client: ApiClient, component: str, host: str) -> None:
        self._client = client
        self._source = {"component": component, "host": host}
        self._notes: asyncio.Queue[_Note] = asyncio.Queue(_WAITING)
        self._sent: OrderedDict[tuple[str, str, str], _Sent] = OrderedDict()

    def normal(self, obj: Json, reason: str, message: str, *, kind: str = "Pod", api_version: str = "v1") -> None:
        """Note what went as it should."""
        self._note(_Note(obj, kind, api_version, reason, message[:1024], "Normal"))

    def warning(self, obj: Json, reason: str, message: str, *, kind: str = "Pod", api_version: str = "v1") -> None:
        """Note what failed."""
        self._note(_Note(obj, kind, api_version, reason, message[:1024], "Warning"))

    async def run(self) -> None:
        """Write the notes until cancelled. One that the API server refuses is dropped."""
        while True:
            notes = [await self._notes.get()]
            await asyncio.sleep(_BEHIND_SECONDS)
            while not self._notes.empty():
                notes.append(self._notes.get_nowait())
            for note in notes:
                try:
                    await self._write(note)
                except ApiError as error:
                    log.debug("event %s not recorded: %s", note.reason, error)

    def _note(self, note: _Note) -> None:
        try:
            self._notes.put_nowait(note)
        except asyncio.QueueFull:
            log.debug("event %s left out: too many are waiting", note.reason)

    async def _write(self, note: _Note) -> None:
        at = asyncio.get_running_loop().time()
        namespace = note.regarding["metadata"].get("namespace") or "default"
        sent = self._sent.get(note.identity)
        if sent is None:
            name = f"{note.regarding['metadata']['name']}.{secrets.token_hex(8)}"
            await self._client.create(EVENTS, namespace, self._body(note, name, namespace))
            self._sent[note.identity] = _Sent(name, 1, at)
            if len(self._sent) > _REMEMBERED:
                self._sent.popitem(last=False)
            return
        sent.count += 1
        if at - sent.written_at < _REPEAT_SECONDS:
            return
        sent.written_at = at
        await self._client.patch(
            EVENTS, namespace, sent.name, {"count": sent.count, "lastTimestamp": format_time(now())}
        )

    def _body(self, note: _Note, name: str, namespace: str) -> Json:
        moment = format_time(now())
        metadata = note.regarding["metadata"]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": note.api_version,
                "kind": note.kind,
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": uid_of(note.regarding),
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": note.reason,
            "message": note.message,
            "type": note.type,
            "count": 1,
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "source": self._source,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source["host"],
        }
