"""Watches the calls that go out over a gRPC channel, and makes chosen ones fail or something happen before them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc


class Failure(grpc.RpcError):
    """A call that ends with this status, as grpc itself reports it."""

    def __init__(self, status: grpc.StatusCode) -> None:
        super().__init__()
        self._status = status

    def code(self) -> grpc.StatusCode:
        return self._status

    def details(self) -> str:
        return "made to fail"

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def result(self) -> Any:
        """What grpc asks of a failed call that an interceptor raised."""
        raise self


@dataclass
class Rpcs(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """`calls` are method names with their requests; `before` holds, by method, what is done ahead of a call."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    before: dict[str, Callable[[Any], object]] = field(default_factory=dict)
    lost: dict[str, list[grpc.StatusCode]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def fail(self, method: str, status: grpc.StatusCode, times: int) -> None:
        """Have the next calls of `method` end with `status`."""
        left = [status] * times

        def fail_once(_request: Any) -> None:
            if left:
                raise Failure(left.pop())

        self.before[method] = fail_once

    def lose_answers(self, method: str, status: grpc.StatusCode, times: int) -> None:
        """Have the next calls of `method` take effect, and their answers be lost on the way back."""
        self.lost[method] = [status] * times

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._intercepted(continuation, details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._intercepted(continuation, details, request)

    def _intercepted(self, continuation: Any, details: Any, request: Any) -> Any:
        method = details.method.rpartition("/")[2]
        self.calls.append((method, request))
        self.before.get(method, _nothing)(request)
        answer = continuation(details, request)
        if lost := self.lost.get(method):
            answer.result()
            raise Failure(lost.pop())
        return answer


def _nothing(_request: Any) -> None:
    return None
