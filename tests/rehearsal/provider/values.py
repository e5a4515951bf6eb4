"""Terraform's values on the wire: msgpack, with an extension for what is not known before the apply."""

import json
from typing import Any

import msgpack

from tests.rehearsal.provider.messages import MESSAGE

Object = dict[str, Any]


class Unknown:
    """Known only after the apply."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


def decode(dynamic: Any) -> Any:
    """A DynamicValue as Python data, UNKNOWN where it is not known yet."""
    if dynamic.json:
        return json.loads(dynamic.json)
    if not dynamic.msgpack:
        return None
    return msgpack.unpackb(dynamic.msgpack, ext_hook=lambda *_: UNKNOWN, strict_map_key=False)


def encode(value: Any) -> Any:
    """The DynamicValue of Python data."""
    return MESSAGE["DynamicValue"](msgpack=msgpack.packb(value, default=_extension))


def _extension(value: Any) -> Any:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\0")
    raise TypeError(f"{value!r} has no place in a Terraform value")


def holds_unknown(value: Any) -> bool:
    """Whether any part of the value is not known."""
    if value is UNKNOWN:
        return True
    parts: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds_unknown(part) for part in parts)
