"""Silence: when the sweeper is to look whether a row's runtime has stopped checking in.

Firestore takes about 500 writes a second into a range of an index whose values rise with the time. So the time of each
check-in is not indexed. `silent_at` is, and is spread: the row's shard stands before it in the index, and a check-in
leaves it as it is until it would move by half of the silence. A runtime that goes on checking in moves it before it
comes. One that has stopped is looked at early, by half of the silence at most: `last_check_in_at` says how long it is
silent. The sweeper then moves `silent_at` to the end of the silence: it takes the earliest rows first, so rows that it
left as they are would hide those that are due behind them.
"""

from datetime import datetime, timedelta
from typing import TypedDict

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.installation.state import Health, Installation, LifecycleState
from provider_hub.domain.shards import shard_of


class Watch(TypedDict):
    """What the sweeper's query finds a silent row by."""

    silent_at: datetime
    silence_shard: int


def watch_of(row: Installation, heard_at: datetime, deadlines: Deadlines) -> Watch:
    """The row's watch once its runtime was heard at `heard_at`."""
    kept, full = row.silent_at, full_watch_of(row, heard_at, deadlines)
    holds = kept is not None and timedelta(0) <= full["silent_at"] - kept < _least_move(deadlines)
    return {**full, "silent_at": kept} if kept is not None and holds else full


def full_watch_of(row: Installation, heard_at: datetime, deadlines: Deadlines) -> Watch:
    """The watch that ends with the silence of a runtime that was heard at `heard_at`, and not before."""
    shard = shard_of(row.installation_id, deadlines.silence_shards)
    return {"silent_at": heard_at + deadlines.silence, "silence_shard": shard}


def is_silent(row: Installation, cutoff: datetime) -> bool:
    """Whether nothing was heard of the row since `cutoff`; True for one that nothing was ever heard of."""
    return row.last_check_in_at is None or row.last_check_in_at <= cutoff


def is_unwatched(row: Installation, deadlines: Deadlines) -> bool:
    """Whether the sweeper's query would never find the row, however long its runtime were silent.

    It was written before there were shards, or when there were more of them, and was not heard of since.
    """
    if row.lifecycle_state is not LifecycleState.READY or row.health is not Health.HEALTHY:
        return False
    if row.last_check_in_at is None:
        return False
    return row.silent_at is None or row.silence_shard != shard_of(row.installation_id, deadlines.silence_shards)


def _least_move(deadlines: Deadlines) -> timedelta:
    """A single shard is an index as any other: every check-in that is written moves its row in it."""
    return deadlines.silence / 2 if deadlines.silence_shards > 1 else timedelta(0)
