"""Pod Security Admission: which pods the level on a namespace's labels refuses.

The checks, their order and their messages are those of Kubernetes' policy package at version 1.34: the checks of
`baseline` first, then those of `restricted`, each alphabetical. A pinned version (`enforce-version`) only shows in the
message: the checks are the same in every version here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from local_kubernetes.cluster.kinds import Object

from . import pod_security_checks as checks

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_VERSION = re.compile(r"latest|v1\.(0|[1-9]\d*)")
_REPORTED_PODS = 3000  # As the API server, which looks at no more of them when a namespace's level is raised.


@dataclass(frozen=True)
class Level:
    """One level at one version, such as `restricted:latest`."""

    name: str
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Policy:
    """What a namespace asks for: pods that break `enforce` are refused, what breaks `warn` is answered with a warning.

    A namespace that sets only `enforce` is warned at that level too, unless it asks for a stricter one.
    """

    enforce: Level
    warn: Level

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Policy":
        """From a namespace's labels. An unknown level counts as `restricted`, so that a typing error does not weaken
        the namespace.
        """
        enforce, warn = _level(labels, "enforce"), _level(labels, "warn")
        follows = f"{_PREFIX}enforce" in labels and f"{_PREFIX}warn" not in labels
        if follows and _LEVELS.index(enforce.name) > _LEVELS.index(warn.name):
            warn = enforce
        return cls(enforce, warn)


def violations(level: Level, metadata: Object, spec: Object) -> str:
    """What a pod's spec breaks, as `reason (detail), reason (detail)`; empty for a pod that the level allows."""
    pod = checks.PodView.of(metadata, spec)
    return ", ".join(f"{found.reason} ({found.detail})" for found in _failed(level, pod))


def label_faults(labels: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """For each Pod Security label whose value means nothing: the label, its value and the rule."""
    for mode in ("enforce", "audit", "warn"):
        key = f"{_PREFIX}{mode}"
        if key in labels and labels[key] not in _LEVELS:
            yield key, labels[key], f"must be one of {', '.join(_LEVELS)}"
        key = f"{_PREFIX}{mode}-version"
        if key in labels and not _VERSION.fullmatch(labels[key]):
            yield key, labels[key], 'must be "latest" or "v1.x"'


def raised_warnings(namespace: str, old: Policy, new: Policy, pods: Iterable[Object]) -> list[str]:
    """Warnings for a namespace whose `enforce` level was raised over pods that are there and break it."""
    is_raised = new.enforce.version != old.enforce.version or (
        _LEVELS.index(new.enforce.name) > _LEVELS.index(old.enforce.name)
    )
    if new.enforce.name == "privileged" or new.enforce == old.enforce or not is_raised:
        return []
    by_reasons: dict[str, list[str]] = defaultdict(list)
    for _, pod in zip(range(_REPORTED_PODS), pods, strict=False):
        view = checks.PodView.of(pod["metadata"], pod["spec"])
        reasons = ", ".join(found.reason for found in _failed(new.enforce, view))
        if reasons:
            by_reasons[reasons].append(pod["metadata"]["name"])
    if not by_reasons:
        return []
    head = f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{new.enforce}"'
    return [head, *(f"{_some_pods(names)}: {reasons}" for reasons, names in by_reasons.items())]


def _some_pods(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{names[0]} (and {len(names) - 1} other pod{'s' if len(names) > 2 else ''})"


def _level(labels: Mapping[str, str], mode: str) -> Level:
    name = labels.get(f"{_PREFIX}{mode}", "privileged")
    version = labels.get(f"{_PREFIX}{mode}-version", "latest")
    return Level(name if name in _LEVELS else "restricted", version if _VERSION.fullmatch(version) else "latest")


def _failed(level: Level, pod: checks.PodView) -> list[checks.Violation]:
    if level.name == "privileged":
        return []
    more = checks.RESTRICTED if level.name == "restricted" else checks.BASELINE_ALONE
    return [found for check in (*checks.BASELINE, *more) if (found := check(pod)) is not None]
