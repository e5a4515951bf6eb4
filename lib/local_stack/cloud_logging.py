"""A local Cloud Logging: `entries:list` over the logs of pods that are gone, as the process node keeps them.

It understands the part of the query language that the functions use: comparisons, one a line. Its address has a secret
in its path, since whoever can list entries can read what every tenant's pods printed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from local_kubernetes.node.ended_pods import ended_pods
from local_stack.own_machine import own_machine

_TERM = re.compile(r'(?P<field>[\w.]+(?:"[^"]+")?)(?P<operator>!=|>=|=)"(?P<value>[^"\\]*)"')
_PAGE = 1000

Entry = dict[str, Any]
Test = Callable[[Entry], bool]


class FilterError(Exception):
    """The filter is none that this server understands; the message names the line."""


def logging_application(secret: str, ended: Sequence[Path]) -> web.Application:
    """Serves `POST /{secret}/v2/entries:list` from the directories `ended` of the nodes."""

    async def listed(request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            found = list_entries(ended, asked.get("filter", ""))
        except FilterError as error:
            return web.json_response({"error": {"code": 400, "message": str(error)}}, status=400)
        found.sort(key=lambda entry: str(entry["timestamp"]), reverse=asked.get("orderBy") == "timestamp desc")
        return web.json_response({"entries": found[: int(asked.get("pageSize") or _PAGE)]})

    application = web.Application(middlewares=[own_machine])
    application.router.add_post(f"/{secret}/v2/entries:list", listed)
    return application


def list_entries(ended: Sequence[Path], text: str) -> list[Entry]:
    """The entries that a filter selects. Raises FilterError."""
    tests = [_test(line) for line in text.splitlines() if line.strip()]
    return [entry for node in ended for entry in _entries(node) if all(test(entry) for test in tests)]


def _entries(ended: Path) -> Iterator[Entry]:
    for pod in ended_pods(ended):
        for directory in (path for path in pod.directory.iterdir() if path.is_dir()):
            place = {"namespace_name": pod.namespace, "pod_name": pod.name, "container_name": directory.name}
            labels = {f"k8s-pod/{name}": value for name, value in pod.labels.items()}
            for line in pod.lines(directory.name):
                yield {
                    "timestamp": f"{line.at:%Y-%m-%dT%H:%M:%S.%f}Z",
                    "textPayload": line.content.decode("utf-8", "replace"),
                    "resource": {"type": "k8s_container", "labels": place},
                    "labels": labels,
                }


def _test(line: str) -> Test:
    term = _TERM.fullmatch(line.strip())
    if term is None:
        raise FilterError(f"not understood here: {line}")
    path, operator, value = _path(term["field"]), term["operator"], term["value"]
    if operator == ">=":
        if path != ["timestamp"]:
            raise FilterError(f"only timestamps are compared by order here: {line}")
        since = datetime.fromisoformat(value)
        return lambda entry: datetime.fromisoformat(entry["timestamp"]) >= since
    return lambda entry: (_value(entry, path) == value) is (operator == "=")


def _path(field: str) -> list[str]:
    """`labels."k8s-pod/app"` is the label of that name."""
    plain, quote, quoted = field.partition('"')
    return [*plain.rstrip(".").split("."), *([quoted.rstrip('"')] if quote else [])]


def _value(entry: Mapping[str, Any], path: list[str]) -> Any:
    found: Any = entry
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
