"""The providers behind one port each, and how Terraform is told to use them."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.rehearsal.provider import schema
from tests.rehearsal.provider.messages import CALLS, MESSAGE, SERVICE
from tests.rehearsal.provider.service import ProviderService, failed

_REGISTRY = "registry.terraform.io/hashicorp"
_WORD = re.compile(r"\w+")
_MAX_MESSAGE = 64 * 1024 * 1024


@contextmanager
def serving(directory: Path) -> Iterator[Mapping[str, str]]:
    """Serve the providers that the configuration in `directory` uses; gives the environment for `terraform`."""
    words = {word for file in directory.rglob("*.tf") for word in _WORD.findall(file.read_text())}
    schemas = {
        "google": schema.google(words),
        "google-beta": schema.google(words, beta=True),
        "random": schema.RANDOM,
        "time": schema.TIME,
    }
    servers, addresses = [], {}
    try:
        for name, one in schemas.items():
            server, port = _start(ProviderService(one))
            servers.append(server)
            addresses[f"{_REGISTRY}/{name}"] = _reattach(port)
        yield {"TF_REATTACH_PROVIDERS": json.dumps(addresses)}
    finally:
        for server in servers:
            server.stop(grace=None).wait()


def _reattach(port: int) -> Mapping[str, Any]:
    return {
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
    }


def _start(service: ProviderService) -> tuple[grpc.Server, int]:
    options = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]
    # An answer waits for nothing, so that more threads would only take the interpreter from each other.
    server = grpc.server(ThreadPoolExecutor(max_workers=1), options=options)
    methods = {name: _handler(service, name, request) for name, (request, _) in CALLS.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _handler(service: ProviderService, name: str, request: str) -> "grpc.RpcMethodHandler[Any, Any]":
    answer: Callable[[Any, Any], Any] = lambda message, _: _answered(service, name, message)  # noqa: E731
    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=MESSAGE[request].FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _answered(service: ProviderService, name: str, message: Any) -> Any:
    try:
        return service.call(name, message)
    except Exception as error:
        return failed(name, f"{name}: {type(error).__name__}: {error}")
