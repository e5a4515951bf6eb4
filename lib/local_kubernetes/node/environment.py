"""What environment and command line a container gets: pure, as Kubernetes defines them.

Values of Secrets and ConfigMaps arrive byte for byte: they are never expanded. Only `value`, `command` and
`args` know `$(NAME)`. Bytes that are not UTF-8 are kept as surrogate escapes, and the process gets them unchanged.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from local_kubernetes import quantities
from local_kubernetes.node.objects import Json, annotations_of, labels_of, uid_of

DEFAULT_COMMAND = ("python", "-m", "pragma_runtime.entrypoint")
"""What the runtime image starts when a container names no command."""

_EXPRESSION = re.compile(r"\$(?:\$|\(([^)]*)\))")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")

Rewrite = Callable[[str], str]
"""Turns a path as the container would see it into the one this machine has."""


class ConfigurationError(Exception):
    """The container's configuration cannot be resolved; the message is the kubelet's own."""


@dataclass(frozen=True)
class References:
    """Names of the Secrets and ConfigMaps that a container's environment reads."""

    secrets: frozenset[str]
    config_maps: frozenset[str]


@dataclass(frozen=True)
class Sources:
    """What was found under those names; None for an object that is not there."""

    secrets: Mapping[str, Mapping[str, bytes] | None] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, bytes] | None] = field(default_factory=dict)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; an unknown name stays as written and `$$` becomes `$`."""

    def replacement(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _EXPRESSION.sub(replacement, text)


def references(container: Json) -> References:
    """The Secrets and ConfigMaps that `env` and `envFrom` of a container name."""
    sources = [
        *(container.get("envFrom") or []),
        *((item.get("valueFrom") or {}) for item in container.get("env") or []),
    ]
    secrets = {reference["name"] for one in sources if (reference := one.get("secretRef") or one.get("secretKeyRef"))}
    maps = {
        reference["name"] for one in sources if (reference := one.get("configMapRef") or one.get("configMapKeyRef"))
    }
    return References(frozenset(secrets), frozenset(maps))


def resolve(
    pod: Json,
    container: Json,
    sources: Sources,
    *,
    base: Mapping[str, str],
    rewrite: Rewrite,
    allocatable: Mapping[str, str],
) -> dict[str, str]:
    """The container's whole environment: `base`, then `envFrom`, then `env`, the later winning.

    Raises ConfigurationError when a Secret, ConfigMap, key or field is missing and not optional.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        variables.update(_from_object(source, sources))
    for item in container.get("env") or []:
        if not item.get("valueFrom"):
            variables[item["name"]] = rewrite(expand(item.get("value") or "", variables))
            continue
        value = _from_reference(item["valueFrom"], pod, container, sources, allocatable)
        if value is not None:
            variables[item["name"]] = value
    merged = {**base, **variables}
    for name, value in merged.items():
        if "\0" in value:
            raise ConfigurationError(f"environment variable {name} holds a NUL byte, which no process can be given")
    return merged


def command_line(container: Json, variables: Mapping[str, str], rewrite: Rewrite) -> list[str]:
    """`command` and `args` with `$(NAME)` expanded; the image's own command where none is named."""
    command: Sequence[str] = container.get("command") or ()
    args: Sequence[str] = container.get("args") or ()
    return [rewrite(expand(word, variables)) for word in (*(command or DEFAULT_COMMAND), *args)]


def _from_object(source: Json, sources: Sources) -> dict[str, str]:
    kind, reference, found = _lookup(source, ("secretRef", "configMapRef"), sources)
    if found is None:
        if reference.get("optional"):
            return {}
        raise ConfigurationError(f'{kind.lower()} "{reference["name"]}" not found')
    prefix = source.get("prefix") or ""
    return {prefix + key: _text(value) for key, value in found.items() if "=" not in key and "\0" not in key}


def _from_reference(
    source: Json, pod: Json, container: Json, sources: Sources, allocatable: Mapping[str, str]
) -> str | None:
    if "fieldRef" in source:
        return _field(source["fieldRef"].get("fieldPath", ""), pod)
    if "resourceFieldRef" in source:
        return _resource(source["resourceFieldRef"], container, allocatable)
    kind, reference, found = _lookup(source, ("secretKeyRef", "configMapKeyRef"), sources)
    if found is not None and reference["key"] in found:
        return _text(found[reference["key"]])
    if reference.get("optional"):
        return None
    if found is None:
        raise ConfigurationError(f'{kind.lower()} "{reference["name"]}" not found')
    namespace = pod["metadata"].get("namespace", "")
    raise ConfigurationError(f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}")


def _lookup(source: Json, fields: tuple[str, str], sources: Sources) -> tuple[str, Json, Mapping[str, bytes] | None]:
    secret, config_map = fields
    if reference := source.get(secret):
        return "Secret", reference, sources.secrets.get(reference["name"])
    if reference := source.get(config_map):
        return "ConfigMap", reference, sources.config_maps.get(reference["name"])
    raise ConfigurationError(
        f"a process node knows no such source of environment variables: {', '.join(source) or 'none'}"
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _field(path: str, pod: Json) -> str:
    if subscript := _SUBSCRIPT.fullmatch(path):
        values = labels_of(pod) if subscript[1] == "labels" else annotations_of(pod)
        return values.get(subscript[2], "")
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    fields: dict[str, str] = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": uid_of(pod),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
        "status.hostIP": status.get("hostIP", ""),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": ",".join(one["ip"] for one in status.get("podIPs") or []),
    }
    if path not in fields:
        raise ConfigurationError(f"unsupported fieldPath: {path}")
    return fields[path]


def _resource(reference: Json, container: Json, allocatable: Mapping[str, str]) -> str:
    bound, _, resource = reference.get("resource", "").partition(".")
    if bound not in {"limits", "requests"} or not resource:
        raise ConfigurationError(f"unsupported container resource : {reference.get('resource')}")
    given = (container.get("resources") or {}).get(bound) or {}
    # A container without a limit may use all that the node has.
    quantity = given.get(resource) or (allocatable.get(resource) if bound == "limits" else None) or "0"
    divisor = quantities.parse(str(reference.get("divisor") or "1")) or Decimal(1)
    return str(math.ceil(quantities.parse(str(quantity)) / divisor))
