"""Bodies of requests as JSON or YAML, with a note of the keys that they repeat."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from .status import ApiError, bad_request

_DEEPEST = "exceeded max depth"
_MOST_NODES = 100_000
# A megabyte of short values takes the parser seconds. Clients send what is large as JSON.
_LONGEST_YAML = 256 * 1024


class Repeating(dict[str, Any]):
    """An object in which keys were written more than once: the last value holds, and `repeated` names them."""

    repeated: tuple[str, ...] = ()


def repeated_keys(value: object) -> tuple[str, ...]:
    """The keys that an object of a body repeats."""
    return value.repeated if isinstance(value, Repeating) else ()


def parse(content: bytes, *, is_yaml: bool) -> object:
    """JSON, or YAML where that is asked for (of which JSON is the part that clients mostly send).

    Raises a 400 ApiError for a body that cannot be read, or that is nested too deeply.
    """
    try:
        return json.loads(content, object_pairs_hook=_object)
    except RecursionError as error:
        raise _unreadable(_DEEPEST) from error
    except ValueError as error:
        if not is_yaml:
            raise _unreadable(f"json parse error: {error}") from error
    if len(content) > _LONGEST_YAML:
        raise bad_request(f"error decoding YAML: it is over {_LONGEST_YAML} bytes: send JSON")
    try:
        return _of_yaml(content)
    except RecursionError as error:
        raise _unreadable(_DEEPEST) from error
    except (yaml.YAMLError, ValueError) as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def _of_yaml(content: bytes) -> object:
    loader = _Loader(content)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _MOST_NODES:
            raise bad_request(f"error decoding YAML: its aliases stand for over {_MOST_NODES} values")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for once its aliases are written out; infinitely many for one within itself.

    A few hundred characters of aliases of aliases stand for billions, and what is stored is written out.
    """
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = _MOST_NODES + 1  # until it is known: an alias to what is not closed yet stands for itself
    inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
    inner = node.value if isinstance(node, yaml.SequenceNode) else inner
    known[id(node)] = 1 + sum(_size(part, known) for part in inner)
    return known[id(node)]


def _unreadable(detail: str) -> ApiError:
    return bad_request(f"error decoding the body: {detail}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = Repeating(found)
    repeating.repeated = _repeated([key for key, _ in pairs])
    return repeating


def _repeated(keys: list[str]) -> tuple[str, ...]:
    return tuple(key for key, count in Counter(keys).items() if count > 1)


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a timestamp is the text it is written as, and repeated keys are noted."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Iterator[Repeating]:
    found = Repeating()
    yield found
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    found.update({str(key): value for key, value in loader.construct_mapping(node).items()})
    found.repeated = _repeated(names)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.yaml_implicit_resolvers = {
    mark: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for mark, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
