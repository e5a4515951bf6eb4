"""Counts the billable units of Firestore, Pub/Sub and Cloud Tasks in the calls that go over a gRPC channel."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc

# An aggregation is billed as one read for every thousand index entries that it counts.
_COUNTED_A_READ = 1000

Tell = Callable[[str, float], None]


class Wire(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Tells each unit with its amount: `reads`, `writes`, `deletes`, `messages`, `message_bytes`, `tasks`, `rpcs`."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self._tell("rpcs", 1)
        for unit, amount in _units_of(details.method.rpartition("/")[2], request):
            self._tell(unit, amount)
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self._tell("rpcs", 1)
        return _Streamed(continuation(details, request), self._tell)


class _Streamed:
    """A streamed answer that counts the documents that pass; everything else is the call's own."""

    def __init__(self, call: Any, tell: Tell) -> None:
        self._call = call
        self._tell = tell
        self._passed = False

    def __iter__(self) -> "_Streamed":
        return self

    def __next__(self) -> Any:
        try:
            response = next(self._call)
        except StopIteration:
            if not self._passed:
                self._tell("reads", 1)  # a query that finds nothing is billed as one read
            raise
        if amount := _reads_in(response):
            self._passed = True
            self._tell("reads", amount)
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def counting(make: Callable[..., grpc.Channel], tell: Tell) -> Callable[..., grpc.Channel]:
    """`grpc.insecure_channel`, or what stands in for it, with every channel that it makes counted."""

    def counted(*arguments: Any, **options: Any) -> grpc.Channel:
        channel: grpc.Channel = grpc.intercept_channel(make(*arguments, **options), Wire(tell))
        return channel

    return counted


def _units_of(method: str, request: Any) -> Iterator[tuple[str, float]]:
    raw = type(request).pb(request)
    if method == "GetDocument":
        yield "reads", 1
    if method == "Commit":
        deletes = sum(write.HasField("delete") for write in raw.writes)
        yield "deletes", deletes
        yield "writes", len(raw.writes) - deletes
    if method == "Publish":
        yield "messages", len(raw.messages)
        yield "message_bytes", sum(message.ByteSize() for message in raw.messages)
    if method in ("CreateTask", "DeleteTask"):
        yield "tasks", 1


def _reads_in(response: Any) -> int:
    raw = type(response).pb(response)
    kind = type(raw).DESCRIPTOR.name
    if kind == "BatchGetDocumentsResponse":
        return int(raw.HasField("found") or bool(raw.missing))
    if kind == "RunAggregationQueryResponse":
        counted: int = sum(value.integer_value for value in raw.result.aggregate_fields.values())
        return max(1, -(-counted // _COUNTED_A_READ))
    return int(raw.HasField("document"))
