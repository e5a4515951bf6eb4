"""The worker's first frame: what it serves, and which protocol it speaks."""

import re
from typing import Any, NamedTuple

from pragma_runtime.frames import INVALID_PARAMS, UNSUPPORTED_PROTOCOL, Connection, FrameError

PROTOCOL_VERSION = 1
MOST_RESOURCE_TYPES = 100  # in a check-in, whose size is bounded; so is each name
LONGEST_RESOURCE_TYPE = 100


class Handshake(NamedTuple):
    """What a worker says of itself."""

    sdk_version: str
    resource_types: tuple[str, ...]  # sorted names


def shake_hands(connection: Connection, distribution: str, seconds: float) -> Handshake | None:
    """Reads the worker's handshake and accepts it; None where the worker closed the connection without one.

    Raises FrameError where it is refused (another protocol, another distribution, not a handshake), after the worker
    was told why, and TimeoutError where none comes within `seconds`.
    """
    message = connection.read(seconds)
    if message is None:
        return None
    if message.get("method") != "handshake" or not isinstance(message.get("id"), int):
        raise FrameError("sent something else before its handshake")
    request_id = message["id"]
    params: Any = message.get("params")
    if problem := _problem(params, distribution):
        connection.refuse(request_id, INVALID_PARAMS, problem)
        raise FrameError(f"sent a handshake that is refused: {problem}")
    versions = params["protocol_versions"]
    if PROTOCOL_VERSION not in versions:
        text = f"the worker speaks the protocol versions {versions[:10]}, this runtime speaks {PROTOCOL_VERSION}"
        connection.refuse(request_id, UNSUPPORTED_PROTOCOL, text, {"protocol_version": PROTOCOL_VERSION})
        raise FrameError(f"cannot be served: {text}")
    connection.answer(request_id, {"protocol_version": PROTOCOL_VERSION})
    return Handshake(str(params.get("sdk_version"))[:50], _names(params["resource_types"]))


def _problem(params: object, distribution: str) -> str:
    """What is wrong with the handshake's parameters; "" where nothing is."""
    if not isinstance(params, dict):
        return "its params are not an object"
    versions = params.get("protocol_versions")
    if not isinstance(versions, list) or not all(isinstance(version, int) for version in versions):
        return "protocol_versions is not a list of integers"
    if _normalised(params.get("distribution")) != _normalised(distribution):
        return f"it serves {str(params.get('distribution'))[:100]!r}, expected {distribution!r}"
    types = params.get("resource_types")
    if not isinstance(types, list) or not all(isinstance(one, dict) and _is_name(one.get("resource")) for one in types):
        return f"resource_types is not a list of objects with a `resource` of 1 to {LONGEST_RESOURCE_TYPE} characters"
    return ""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_RESOURCE_TYPE


def _names(types: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({str(one["resource"]) for one in types})[:MOST_RESOURCE_TYPES])


def _normalised(name: object) -> str:
    return re.sub(r"[-_.]+", "-", str(name)).lower()
