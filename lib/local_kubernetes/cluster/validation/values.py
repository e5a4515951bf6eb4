"""Checks of single values that many kinds have: numbers, percentages, choices, ports, paths."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local_kubernetes.cluster.status import Cause, missing, refused, unsupported, wrong

from . import names

Causes = Iterator[Cause]
Fields = Mapping[str, Any]

PROTOCOLS = ("SCTP", "TCP", "UDP")
_LARGEST_ID = 2**31 - 1


def not_negative(path: str, value: int) -> Causes:
    """A number of at least 0."""
    if value < 0:
        yield wrong(path, value, "must be greater than or equal to 0")


def in_range(path: str, value: int, low: int, high: int) -> Causes:
    """A number from `low` to `high`."""
    if not low <= value <= high:
        yield wrong(path, value, f"must be between {low} and {high}, inclusive")


def identity(path: str, value: int) -> Causes:
    """The id of a user or group."""
    yield from in_range(path, value, 0, _LARGEST_ID)


def choice(path: str, value: str, choices: tuple[str, ...]) -> Causes:
    """One of the choices, which the message lists."""
    if value not in choices:
        yield unsupported(path, value, choices)


def int_or_percent(path: str, value: Any) -> Causes:
    """A number of at least 0, or a text such as `25%`."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        yield wrong(path, value, "must be an integer or percentage (e.g '5%%')")
    elif isinstance(value, int):
        yield from not_negative(path, value)
    elif not re.fullmatch(r"[0-9]+%", value):
        detail = "a valid percent string must be a numeric string followed by an ending '%'"
        yield wrong(path, value, f"{detail} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")


def port_number(path: str, value: object) -> Causes:
    """A port that has to be given."""
    if value is None:
        yield missing(path)
    elif isinstance(value, bool) or not isinstance(value, int):
        yield wrong(path, value, "must be between 1 and 65535, inclusive")
    else:
        yield from in_range(path, value, 1, 65535)


def port_reference(path: str, value: object) -> Causes:
    """A port by number or by the name that a container gives it."""
    if isinstance(value, str):
        yield from names.port_name(path, value)
    else:
        yield from port_number(path, value)


def relative_path(path: str, value: str) -> Causes:
    """A path that stays below where it begins."""
    if value.startswith("/"):
        yield wrong(path, value, "must be a relative path")
    if ".." in value.split("/"):
        yield wrong(path, value, "must not contain '..'")


def file_mode(path: str, value: int) -> Causes:
    """The permissions of a file."""
    if not 0 <= value <= 0o777:
        yield wrong(path, value, "must be a number between 0 and 0777 (octal), both inclusive")


def required(path: str, fields: Fields, *wanted: str) -> Causes:
    """Fields that have to be there and not empty."""
    for name in wanted:
        if not fields.get(name):
            yield missing(f"{path}.{name}")


def at_most_one(path: str, fields: Fields, alternatives: tuple[str, ...], what: str) -> Causes:
    """Of fields that exclude each other, every one after the first is refused."""
    for name in [name for name in fields if name in alternatives][1:]:
        yield refused(f"{path}.{name}", f"may not specify more than 1 {what} type")


def selector(path: str, found: Fields) -> Causes:
    """A label selector: `matchLabels` and `matchExpressions`."""
    yield from names.labels(f"{path}.matchLabels", found.get("matchLabels") or {})
    for index, expression in enumerate(found.get("matchExpressions") or ()):
        yield from _expression(f"{path}.matchExpressions[{index}]", expression)


def _expression(path: str, expression: Fields) -> Causes:
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            yield missing(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield refused(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield wrong(f"{path}.operator", operator, "not a valid selector operator")
    yield from names.qualified(f"{path}.key", expression.get("key", ""))
    for index, value in enumerate(values):
        yield from names.LABEL_VALUE.check(f"{path}.values[{index}]", value)
