"""Records as Firestore documents and back: plain data to and from the protos' tagged values."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.cloud.firestore_v1.types.document import Document, Value
from pydantic import TypeAdapter

R = TypeVar("R")
M = TypeVar("M")
_Pb = Any

_DOCUMENT: _Pb = Document.pb()
_VALUE: _Pb = Value.pb()
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
_ESCAPE = "="


def message(kind: type[M], **fields: Any) -> M:
    """A message of that kind with `fields`: raw protos and plain data, lists and mappings of them.

    Its own constructor takes five times as long: it looks at every value anew, and copies it more than once.
    """
    generated: Any = kind
    made: M = generated.wrap(generated.pb()(**fields))
    return made


def encode_record(record: object, path: str, fields: Collection[str] | None = None) -> _Pb:
    """The document at `path` that holds `record`, or of it the `fields` alone."""
    document = _DOCUMENT(name=path)
    wanted = None if fields is None else set(fields)
    fill(document.fields, adapter(type(record)).dump_python(record, include=wanted))
    return document


def decode_record(kind: type[R], document: _Pb) -> R:
    """The record in `document`. Raises pydantic's ValidationError when it holds something else."""
    decoded: R = adapter(kind).validate_python(plain_map(document.fields))
    return decoded


def adapter(kind: type) -> TypeAdapter[Any]:
    """The converter for records of this kind. It is kept, because building one takes milliseconds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def value_of(plain: Any) -> _Pb:
    """`plain` as the tagged value that a query's filter takes."""
    value = _VALUE()
    _set(value, plain)
    return value


def fill(fields: _Pb, plain: Mapping[str, Any]) -> None:
    """Set `fields`, a document's or a map's, from plain data: text, numbers, times, lists, tuples and mappings."""
    for key, item in plain.items():
        _set(fields[_escaped(key)], item)


def _set(value: _Pb, plain: Any) -> None:
    if plain is None:
        value.null_value = 0
    elif isinstance(plain, bool):
        value.boolean_value = plain
    elif isinstance(plain, str):
        value.string_value = str(plain)
    elif isinstance(plain, int):
        value.integer_value = plain
    elif isinstance(plain, float):
        value.double_value = plain
    elif isinstance(plain, datetime):
        value.timestamp_value.FromDatetime(plain)
    elif isinstance(plain, list | tuple):
        value.array_value.SetInParent()
        for item in plain:
            _set(value.array_value.values.add(), item)
    else:
        value.map_value.SetInParent()
        fill(value.map_value.fields, plain)


def plain_map(fields: _Pb) -> dict[str, Any]:
    """The plain data in `fields`, a document's or a map's; times are in UTC."""
    return {key.removeprefix(_ESCAPE): _plain(value) for key, value in fields.items()}


def _plain(value: _Pb) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(tzinfo=UTC)
    if kind == "map_value":
        return plain_map(value.map_value.fields)
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, kind)


def _escaped(key: str) -> str:
    """Firestore refuses keys that look like `__name__`, and a tenant's config may have one."""
    return _ESCAPE + key if key.startswith(("__", _ESCAPE)) else key
