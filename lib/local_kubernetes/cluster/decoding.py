"""Bodies into typed objects: nulls and unknown fields dropped, types checked, quantities made canonical."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_kubernetes import quantities

from . import schema
from .bodies import repeated_keys
from .kinds import Kind, Object
from .schema import ListOf, MapOf, Scalar, Schema, Struct
from .status import ApiError, bad_request

_GO_TYPES = {
    "str": "string",
    "int": "int32",
    "float": "float64",
    "bool": "bool",
    "bytes": "[]uint8",
    "datetime": "time.Time",
}
_PYTHON_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "bytes": str, "datetime": str}


class WrongTypeError(Exception):
    """A value does not fit its field; the message is the tail of the API's own."""


@dataclass
class Decoded:
    """A fresh tree, safe to change, and the dotted paths of fields: those that its kind does not have, and those that
    the body gives more than once."""

    object: Object
    unknown: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def decode(kind: Kind, body: object) -> Decoded:
    """Fit a body to the kind's schema. Raises a 400 ApiError when a value has the wrong type."""
    decoded = Decoded({})
    try:
        decoded.object = _decode(schema.of(kind), body, "", decoded)
    except WrongTypeError as error:
        raise _unfit(kind, str(error)) from error
    return decoded


def decode_model(model: str, body: object) -> Object:
    """Fit a body that is not stored, such as `V1DeleteOptions`. Raises a 400 ApiError."""
    try:
        decoded: Object = _decode(schema.struct(model), body, "", Decoded({}))
    except WrongTypeError as error:
        raise bad_request(f"{model.removeprefix('V1')} cannot be handled: {error}") from error
    return decoded


def checked(kind: Kind, body: object, validation: str) -> tuple[Object, list[str]]:
    """Decode under `fieldValidation`: Strict refuses unknown and repeated fields (400), Warn warns of each."""
    decoded = decode(kind, body)
    faults = [f'duplicate field "{path}"' for path in decoded.repeated]
    faults += [f'unknown field "{path}"' for path in decoded.unknown]
    if faults and validation == "Strict":
        raise _unfit(kind, f"strict decoding error: {', '.join(faults)}")
    return decoded.object, [] if validation == "Ignore" else faults


def _unfit(kind: Kind, detail: str) -> ApiError:
    return bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {detail}')


def _decode(described: Schema, value: Any, path: str, found: Decoded) -> Any:
    match described:
        case Scalar():
            return _scalar(described.type, value, path)
        case Struct():
            return _struct(described, value, path, found)
        case MapOf():
            _expect(dict, value, path, "map")
            found.repeated += [_join(path, key) for key in repeated_keys(value)]
            return {
                key: _decode(described.item, item, _join(path, key), found)
                for key, item in value.items()
                if item is not None
            }
        case ListOf():
            _expect(list, value, path, "[]")
            return [
                _decode(described.item, item, f"{path}[{index}]", found)
                for index, item in enumerate(value)
                if item is not None
            ]


def _struct(described: Struct, value: Any, path: str, found: Decoded) -> Object:
    _expect(dict, value, path, described.name.removeprefix("V1"))
    found.repeated += [_join(path, key) for key in repeated_keys(value)]
    decoded: Object = {}
    for key, item in value.items():
        inner = described.fields.get(key)
        if inner is None:
            found.unknown.append(_join(path, key))
        elif item is not None:
            decoded[key] = _decode(inner, item, _join(path, key), found)
    return decoded


def _scalar(name: str, value: Any, path: str) -> Any:
    if name == "object":
        return value
    if name == "quantity":
        return _quantity(value)
    expected = _PYTHON_TYPES[name]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise _mismatch(value, path, _GO_TYPES[name])
    if name == "bytes":
        _check_base64(value)
    if name == "datetime":
        _check_time(value)
    return value


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongTypeError("quantities must be strings or numbers")
    try:
        return quantities.canonical(str(value))
    except ValueError as error:
        raise WrongTypeError(str(error)) from error


def _check_base64(value: Any) -> None:
    try:
        b64decode(re.sub(r"\s", "", value), validate=True)
    except ValueError as error:
        raise WrongTypeError(f"illegal base64 data: {error}") from error


def _check_time(value: Any) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise WrongTypeError(f'parsing time "{value}" as RFC 3339: {error}') from error


def _expect(expected: type, value: Any, path: str, go_type: str) -> None:
    if not isinstance(value, expected):
        raise _mismatch(value, path, go_type)


def _mismatch(value: object, path: str, go_type: str) -> WrongTypeError:
    names = {bool: "bool", str: "string", int: "number", float: "number", dict: "object", list: "array"}
    shown = names.get(type(value), "null")
    return WrongTypeError(f"json: cannot unmarshal {shown} into Go struct field {path or '.'} of type {go_type}")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
