"""Takeovers: which rollout supersedes which, and which of the superseded ones go on after a yank."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.offers import offered, published_of
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.domain.versions import is_newer, is_same_line


def supersedes(newer: Rollout, other: Rollout) -> bool:
    """Whether `newer`, once it begins, takes over from `other`: both would upgrade the same installations."""
    if newer.lock_sha256 is not None:
        # Those on another version need that version's lock.
        is_of_same = other.version == newer.version and other.lock_sha256 is not None
        return is_of_same and other.rollout_id != newer.rollout_id
    # An event that comes late or twice must not end the rollout of a newer version. Installations that take no majors
    # still need the other line's version.
    return is_newer(newer.version, than=other.version) and is_same_line(newer.version, other.version)


def took_over(newer: Rollout, other: Rollout) -> bool:
    """Whether `newer` superseded `other` when it began. A lock that came later goes on beside it."""
    return supersedes(newer, other) and (other.lock_sha256 is None or newer.created_at >= other.created_at)


def lock_successor(rollout: Rollout, rollouts: Iterable[Rollout], published: Collection[str]) -> Rollout | None:
    """The rollout of a published version that took over from the rollout of a lock, None if there is none."""
    return next((one for one in rollouts if one.version in published and took_over(one, rollout)), None)


def superseded(rollout: Rollout, by: str, now: datetime) -> Rollout:
    """A rollout whose installations the version `by` is for from now on; `resumed` brings it back to where it was."""
    return replace(
        rollout,
        state=RolloutState.SUPERSEDED,
        halted_reason=f"{by} took over",
        paused_from=rollout.state,
        paused_due_at=rollout.due_at,
        due_at=None,
        updated_at=now,
    )


def unsuperseded(rollouts: Sequence[Rollout], statuses: Mapping[str, VersionStatus]) -> list[Rollout]:
    """Those of a provider's rollouts that no published version supersedes and whose own versions are published.

    `statuses` are those of all of the provider's versions by their numbers.
    """
    on_offer, published = offered(statuses), published_of(statuses)

    def is_free(rollout: Rollout) -> bool:
        if rollout.lock_sha256 is None:
            return rollout.version in on_offer
        return rollout.version in published and lock_successor(rollout, rollouts, published) is None

    return [one for one in rollouts if is_free(one)]
