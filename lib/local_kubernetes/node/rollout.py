"""The arithmetic of a rollout: pure code, so that tests can check its promises over every course of events.

A rolling update makes two promises. It asks for at most `replicas + max_surge` pods. It takes an available pod away
only while at least `replicas - max_unavailable` stay.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How far a rolling update may go over and under the wanted number of pods."""

    max_surge: int
    max_unavailable: int


@dataclass(frozen=True)
class Scale:
    """One ReplicaSet as the rollout sees it.

    `desired` is what its spec asks for, `actual` the pods that exist and are not on their way out,
    `available` those of them that are available.
    """

    name: str
    desired: int
    actual: int
    available: int


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """A count, or a percentage (`"25%"`) of `total`.

    Raises ValueError for anything else.
    """
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise ValueError(f"{value!r} is neither a number nor a percentage such as '25%'")
    share = int(value.removesuffix("%")) * total
    return math.ceil(share / 100) if round_up else share // 100


def resolve_limits(replicas: int, max_surge: int | str, max_unavailable: int | str) -> Limits:
    """Surge rounds up, unavailability down. If both are 0, one pod may be unavailable: else no rollout could move."""
    surge = scaled_value(max_surge, replicas, round_up=True)
    unavailable = scaled_value(max_unavailable, replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(surge, min(unavailable, replicas))


def next_new(replicas: int, limits: Limits, new: Scale, old: Sequence[Scale]) -> int:
    """How many pods the new ReplicaSet may ask for now."""
    if new.desired > replicas:
        return replicas
    # Pods that a scaled-down ReplicaSet has not deleted yet count too, so that the surge is never exceeded.
    present = sum(max(scale.desired, scale.actual) for scale in (new, *old))
    room = replicas + limits.max_surge - present
    return new.desired + max(0, min(room, replicas - new.desired))


def next_old(replicas: int, limits: Limits, new: Scale, old: Sequence[Scale]) -> dict[str, int]:
    """How many pods each old ReplicaSet may keep; `old` is oldest first, unchanged ones are left out.

    Pods that are not available go first: they do not serve, and a broken release must not hold the room
    that its correction needs.
    """
    floor = replicas - limits.max_unavailable
    new_unavailable = new.desired - min(new.available, new.desired)
    spare = new.desired + sum(scale.desired for scale in old) - floor - new_unavailable
    if spare <= 0:
        return {}
    kept = {scale.name: scale.desired for scale in old}
    for scale in old:
        broken = min(spare, scale.desired - min(scale.available, scale.desired))
        kept[scale.name] -= broken
        spare -= broken
    serving = sum(min(scale.available, scale.desired) for scale in (new, *old))
    spare = min(spare, serving - floor)
    for scale in old:
        if spare <= 0:
            break
        taken = min(kept[scale.name], spare)
        kept[scale.name] -= taken
        spare -= taken
    return {scale.name: kept[scale.name] for scale in old if kept[scale.name] != scale.desired}
