"""What a restore drill leaves behind: nothing, however far it came."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from terraform.tools import drill

LIVE = "hub-database"
BEGAN = datetime(2025, 6, 1, 10, 20, 30, tzinfo=UTC)
HELD = drill.Drill("my-project", LIVE, BEGAN.replace(second=0), None, BEGAN)


class Cloud:
    """`gcloud firestore` that makes the new database at once, and fails at the given step."""

    def __init__(self, **failing: BaseException) -> None:
        self.databases = [LIVE]
        self._failing = failing

    def __call__(self, *words: str) -> Any:
        step = words[2]
        if step == "clone" and "refused" not in self._failing:
            self.databases.append(words[-1].removeprefix("--destination-database="))
        if failure := self._failing.get("refused" if step == "clone" else step):
            raise failure
        if step == "delete":
            self.databases.remove(HELD.target)
        if step == "list":
            return [{"name": f"projects/my-project/databases/{name}"} for name in self.databases]
        return {"name": "projects/my-project/databases/x/operations/1", "done": step == "describe"}


@pytest.fixture(autouse=True)
def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_POLL_SECONDS", 0.0)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "failing", [{"describe": drill.DrillFailed("no answer")}, {"describe": KeyboardInterrupt()}], ids=str
)
def test_a_restore_that_failed_or_was_interrupted_leaves_no_database(
    failing: dict[str, BaseException], keep: bool
) -> None:
    cloud = Cloud(**failing)
    with pytest.raises(type(failing["describe"])):
        drill.hold(HELD, cloud, keep=keep)
    assert cloud.databases == [LIVE]


def test_a_restore_that_was_refused_has_nothing_to_delete() -> None:
    with pytest.raises(drill.DrillFailed, match="no quota"):
        drill.hold(HELD, Cloud(refused=drill.DrillFailed("no quota"), delete=AssertionError("there is none")))


def test_a_database_of_the_same_name_that_was_there_before_stays() -> None:
    cloud = Cloud()
    cloud.databases.append(HELD.target)
    with pytest.raises(drill.DrillFailed, match="is there already"):
        drill.hold(HELD, cloud)
    assert cloud.databases == [LIVE, HELD.target]


def test_what_cannot_be_deleted_is_named_behind_what_failed_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Cloud(describe=drill.DrillFailed("no answer"), delete=drill.DrillFailed("it is being restored"))
    made: Callable[[str], Cloud] = lambda _project: cloud  # noqa: E731
    monkeypatch.setattr(drill, "gcloud_of", made)
    assert drill.main(["--project", "my-project", "--database", LIVE]) == 1
    told = capsys.readouterr().err
    assert told.startswith("drill: no answer; then: it is being restored; then: ")
    assert "gcloud firestore databases delete --project=my-project --database=hub-database-drill-" in told
