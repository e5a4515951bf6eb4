"""What the code logs, found by reading it, and what Cloud Logging makes of one of its lines."""

import ast
import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, product
from typing import Any, NamedTuple

from local_stack.function_list import FUNCTIONS_DIR
from provider_hub.logs import JsonFormatter, is_reserved

CODE = FUNCTIONS_DIR.parent / "lib" / "provider_hub"
_LEVELS = {"log", "debug", "info", "warning", "error", "exception", "critical"}

Fields = dict[str, ast.expr]


class Line(NamedTuple):
    """One call that logs with `extra`: where, by which method, its `event` ("" for one without), and all its fields."""

    where: str
    method: str
    event: str
    fields: frozenset[str]


@cache
def lines() -> tuple[Line, ...]:
    """Every line that the functions may log with fields of its own; a choice within `extra` makes a line of each."""
    paths = chain(CODE.rglob("*.py"), FUNCTIONS_DIR.glob("*/main.py"))
    return tuple(line for path in paths for line in _lines_of(path.name, ast.parse(path.read_text())))


@cache
def fields_by_event() -> Mapping[str, set[str]]:
    """Every `event` that may be logged, with the fields that some line has beside it; "" has those without one."""
    found: dict[str, set[str]] = {}
    for line in lines():
        found.setdefault(line.event, set()).update(line.fields)
    return found


def payload_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The `jsonPayload` of a line with these fields: what the formatter writes, less what Cloud Logging takes out.

    `message` and `logger`, which no metric may read, are left out as well.
    """
    record = logging.makeLogRecord({"name": "provider_hub", "levelname": "WARNING", "msg": "said", **fields})
    written = json.loads(JsonFormatter("p").format(record))
    return {name: value for name, value in written.items() if not is_reserved(name)}


def _lines_of(where: str, tree: ast.Module) -> Iterator[Line]:
    assigned = _assigned(tree)
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _LEVELS):
            continue
        for extra in (keyword.value for keyword in call.keywords if keyword.arg == "extra"):
            for fields in _choices(extra, assigned):
                event = fields.get("event")
                text = str(event.value) if isinstance(event, ast.Constant) else ""
                yield Line(f"{where}:{call.lineno}", call.func.attr, text, frozenset(fields))


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What is assigned to each name anywhere in a module: the names of extras are used once."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(value)
    return found


def _choices(extra: ast.expr, assigned: Mapping[str, list[ast.expr]]) -> list[Fields]:
    """The dictionaries that an expression may be. Raises ValueError for what this reader does not understand."""
    if isinstance(extra, ast.IfExp):
        return _choices(extra.body, assigned) + _choices(extra.orelse, assigned)
    if isinstance(extra, ast.Name):
        values = [value for value in assigned.get(extra.id, ()) if isinstance(value, ast.Dict | ast.IfExp)]
        if not values:
            raise ValueError(f"line {extra.lineno}: {extra.id} is assigned no dictionary in this module")
        return [fields for value in values for fields in _choices(value, assigned)]
    if not isinstance(extra, ast.Dict):
        raise ValueError(f"line {extra.lineno}: give `extra` a dictionary, not {ast.unparse(extra)}")
    parts = [
        _choices(value, assigned) if key is None else [{str(key.value): value}]
        for key, value in zip(extra.keys, extra.values, strict=True)
        if key is None or isinstance(key, ast.Constant)
    ]
    return [dict(chain.from_iterable(part.items() for part in choice)) for choice in product(*parts)]
