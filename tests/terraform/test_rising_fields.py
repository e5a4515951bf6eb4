"""No index rises with the time in one place for all tenants, where check-ins or another flood would write it.

Firestore takes about 500 writes a second into a range of an index whose values rise. Each field of a time that is
indexed stands here, with what writes it and why that stays below; a new one fails until somebody has thought about it.
"""

import dataclasses
import typing
from datetime import datetime, timedelta
from typing import Any

from tests import builders
from tests.fakes import START
from tests.terraform.test_indexes import collections, declared_indexes
from tests.unit.walks import DEADLINES

from provider_hub.domain.installation import CheckedIn, Health, Installation, advance

A_RANGE_FOR_EACH = {
    ("installations", "created_at"): "organization: the index is of one organization's own collection",
    ("installations", "silent_at"): "shard, which stands before it",
    ("dead_letters", "failed_at"): "organization, which stands before it",
    ("publishers", "created_at"): "provider or repository, which stand before it",
    ("members", "started_at"): "rollout: the index is of one rollout's own collection",
    ("rollouts", "created_at"): "provider: the index is of one provider's own collection",
}
SELDOM = {
    ("installations", "deadline_at"): "twice for an install or a change, and not by a check-in of what is READY",
    ("installations", "offer_due_at"): "once for a row that becomes READY with the policy auto",
    ("outbox", "created_at"): "once for an install, a change or a version; a check-in announces nothing",
    ("providers", "deletion_given_up_at"): "twice for a provider that is deleted",
    ("audit", "at"): "once for what a person or a machine changes, which has a budget for each organization",
    ("rollouts", "due_at"): "once for a step of a rollout, of which a hub has a few a minute",
    ("locks", "mirror_due_at"): "once or twice for a version that is published",
    ("versions", "lock_due_at"): "once for a version that is to be locked again",
    ("runtime_versions", "released_at"): "once for a runtime version",
}


def times_of(record: type) -> set[str]:
    """The record's fields that hold a time."""
    hints = typing.get_type_hints(record)
    return {one.name for one in dataclasses.fields(record) if _is_time(hints[one.name])}


def _is_time(hint: Any) -> bool:
    return hint is datetime or datetime in typing.get_args(hint)


def fields_of(index: dict[str, Any]) -> list[str]:
    return [one.removeprefix("-") for one in index.get("fields", [index.get("field")])]


def indexed_times() -> set[tuple[str, str]]:
    times = {collection: times_of(record) for collection, record in collections().items()}
    return {
        (index["collection"], field)
        for index in declared_indexes().values()
        for field in fields_of(index)
        if field in times[index["collection"]]
    }


def changed_by_a_check_in(row: Installation, seconds: float) -> set[str]:
    event = CheckedIn(row.installation_id, row.generation, row.installed_version, Health.HEALTHY)
    after = advance(row, event, START + timedelta(seconds=seconds), DEADLINES).kept
    return {one.name for one in dataclasses.fields(row) if getattr(row, one.name) != getattr(after, one.name)}


def ready() -> Installation:
    row = builders.wish()
    event = CheckedIn(row.installation_id, row.generation, row.installed_version, Health.HEALTHY)
    return advance(row, event, START, DEADLINES).kept


def test_every_time_that_is_indexed_has_a_reason_to_be() -> None:
    assert indexed_times() == set(A_RANGE_FOR_EACH) | set(SELDOM)
    assert not set(A_RANGE_FOR_EACH) & set(SELDOM)


def test_a_time_with_a_range_for_each_of_many_has_none_for_all() -> None:
    for collection, field in A_RANGE_FOR_EACH:
        for name, index in declared_indexes().items():
            if index["collection"] != collection or field not in fields_of(index):
                continue
            stands_behind = fields_of(index).index(field)
            of_one_parent = index["scope"] == "COLLECTION" and collection in {"installations", "members", "rollouts"}
            assert stands_behind or of_one_parent, f"{name} puts the rows of all in one rising range"


def test_what_a_check_in_of_a_running_installation_writes_is_in_no_index_but_that_of_the_shards() -> None:
    written = changed_by_a_check_in(ready(), 900)
    assert {"last_check_in_at", "instances", "silent_at"} <= written
    touched = {
        name
        for name, index in declared_indexes().items()
        if index["collection"] == "installations" and written & set(fields_of(index))
    }
    assert touched == {"silent_of_shards"}
    fields = fields_of(declared_indexes()["silent_of_shards"])
    assert fields.index("silence_shard") < fields.index("silent_at")


def test_half_of_the_check_ins_that_are_written_are_in_no_index_at_all() -> None:
    written = changed_by_a_check_in(ready(), 300)
    assert "last_check_in_at" in written
    assert not [
        name
        for name, index in declared_indexes().items()
        if index["collection"] == "installations" and written & set(fields_of(index))
    ]
