"""Label and field selectors: parsed once into a predicate that is applied to each object."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind, Object
from .status import bad_request

_REQUIREMENT = re.compile(
    r"""\s*+(?P<absent>!)?\s*+(?P<key>[^\s,()=!<>]+)\s*+
        (?:(?P<equality>==|=|!=|<|>)\s*+(?P<value>[^\s,()=!]*)
          |(?P<membership>in|notin)\s*+\((?P<values>[^()]*)\))?\s*+(?:,|$)""",
    re.VERBOSE,
)
_FIELD = re.compile(r"(?P<path>[^=!]+)(?P<operator>==|=|!=)(?P<value>[^=!]*)")

Matches = Callable[[Object], bool]


def labels(text: str) -> Matches | None:
    """A predicate for a `labelSelector`, None when it selects everything. Raises a 400 ApiError."""
    requirements: list[Callable[[Mapping[str, str]], bool]] = []
    position = 0
    while position < len(text):
        matched = _REQUIREMENT.match(text, position)
        if matched is None:
            raise bad_request(f'unable to parse requirement: found "{text[position:]}" in label selector "{text}"')
        requirements.append(_requirement(matched))
        position = matched.end()
    if not requirements:
        return None
    return lambda body: _all(requirements, body.get("metadata", {}).get("labels") or {})


def fields(kind: Kind, text: str) -> Matches | None:
    """A predicate for a `fieldSelector`, None when it selects everything. Raises a 400 ApiError."""
    terms = [_field_term(kind, term) for term in text.split(",") if term]
    if not terms:
        return None
    return lambda body: all(term.holds(body) for term in terms)


def label_selector(selector: Mapping[str, Any]) -> Matches:
    """A predicate for a LabelSelector object: `matchLabels` and `matchExpressions`."""
    wanted = dict(selector.get("matchLabels") or {})
    expressions = selector.get("matchExpressions") or []

    def matches(body: Object) -> bool:
        found = body.get("metadata", {}).get("labels") or {}
        same = all(found.get(key) == value for key, value in wanted.items())
        return same and all(_expression(expression, found) for expression in expressions)

    return matches


@dataclass(frozen=True)
class _FieldTerm:
    path: tuple[str, ...]
    value: str
    negated: bool

    def holds(self, body: Object) -> bool:
        found: Any = body
        for part in self.path:
            found = found.get(part) if isinstance(found, dict) else None
        text = "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
        return (text == self.value) != self.negated


def _field_term(kind: Kind, term: str) -> _FieldTerm:
    matched = _FIELD.fullmatch(term.strip())
    if matched is None:
        raise bad_request(f"invalid field selector: can't understand '{term}'")
    path = matched["path"].rstrip()
    common = ("metadata.name", "metadata.namespace") if kind.namespaced else ("metadata.name",)
    if path not in (*common, *kind.selectable):
        raise bad_request(f"field label not supported: {path}")
    return _FieldTerm(tuple(path.split(".")), matched["value"].lstrip(), matched["operator"] == "!=")


def _requirement(matched: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    key, value = matched["key"], matched["value"] or ""
    if matched["absent"]:
        return lambda found: key not in found
    if matched["membership"]:
        values = {item.strip() for item in matched["values"].split(",")}
        inside = matched["membership"] == "in"
        return lambda found: (found[key] in values) == inside if key in found else not inside
    match matched["equality"]:
        case None:
            return lambda found: key in found
        case "!=":
            return lambda found: found.get(key) != value
        case "<" | ">" as sign:
            return _comparison(key, sign, value)
        case _:
            return lambda found: found.get(key) == value


def _comparison(key: str, sign: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if not value.lstrip("-").isdecimal():
        raise bad_request(f'for "Gt", "Lt" operators, the value must be an integer, got "{value}"')
    limit = int(value)

    def compare(found: Mapping[str, str]) -> bool:
        number = found.get(key, "")
        if not number.lstrip("-").isdecimal():
            return False
        return int(number) > limit if sign == ">" else int(number) < limit

    return compare


def _expression(expression: Mapping[str, Any], found: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return found.get(key) in values
        case "NotIn":
            return found.get(key) not in values
        case "Exists":
            return key in found
        case "DoesNotExist":
            return key not in found
        case operator:
            raise bad_request(f'"{operator}" is not a valid label selector operator')


def _all(requirements: list[Callable[[Mapping[str, str]], bool]], found: Mapping[str, str]) -> bool:
    return all(requirement(found) for requirement in requirements)
