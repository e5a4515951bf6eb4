"""Advisories: from a database's export, by the sweeper's nightly look, to what versions and installations show."""

import json
import logging
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.builders import ACME, IMAGE, RUNTIME, WEATHER, provider, version, wish
from tests.fakes import START
from tests.integration.backend import Backend
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants

from local_stack.servers import BUCKET
from provider_hub.actions import advisories, keys
from provider_hub.actions.advisories import AGAIN, KEPT, WALK, AdvisoryWatch, next_night
from provider_hub.actions.relock import WALK as LOCK_WALK
from provider_hub.actions.relock import WALKED
from provider_hub.adapters import artifacts, osv_scan
from provider_hub.adapters.osv_export import MOST_EXPORT_BYTES, OnDisk, OsvExport
from provider_hub.adapters.osv_scan import MOST_RECORD_BYTES, scan_in_child
from provider_hub.domain.advisories import LockAdvisories
from provider_hub.domain.advisories.records import MOST_FOUND, TooMuchToMatch
from provider_hub.domain.catalog import ProviderVersion, StoredLock
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Cursor
from provider_hub.settings.everything import Artifacts

MODIFIED = datetime(2024, 12, 31, tzinfo=UTC)
HOLE: dict[str, Any] = {
    "id": "GHSA-tide",
    "aliases": ["CVE-2024-1"],
    "modified": "2024-12-30T00:00:00Z",
    "summary": "The moon reads your files",
    "database_specific": {"severity": "HIGH"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Tide"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}],
        }
    ],
}
SAME = {**HOLE, "id": "PYSEC-1", "aliases": ["GHSA-tide"], "modified": "2024-12-31T00:00:00Z", "summary": ""}
SHOWN = {
    "id": "GHSA-tide",
    "aliases": ["CVE-2024-1", "PYSEC-1"],
    "package": "tide",
    "version": "1.0",
    "summary": "The moon reads your files",
    "severity": "high",
    "fixed_in": "1.2",
}


def zipped(*records: Any) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(records):
            content = one if isinstance(one, bytes) else json.dumps(one).encode()
            archive.writestr(f"{number}.json", content)
    return packed.getvalue()


def lock_of(text: str | None, name: str = "tide") -> DependencyLock:
    """A lock of `tide` at that version; of nothing at all where it is None."""
    file = f"{name}-{text}-py3-none-any.whl"
    wheel = LockedWheel(name, str(text), file, f"https://files.example/{file}", "d" * 64, 1000)
    return DependencyLock.of(IMAGE, (wheel,) if text else ())


def stored(lock: DependencyLock, name: ProviderName = WEATHER) -> StoredLock:
    return replace(StoredLock.of(name, lock, START), mirror_due_at=None)


def released(text: str, lock: DependencyLock, name: ProviderName = WEATHER) -> ProviderVersion:
    return version(text, name, lock_sha256=lock.sha256, lock_packages=len(lock.wheels))


class Watched:
    """A project with the locks of `tide` at 1.0 and at 1.2, and a watch over the export in a file."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend, self.file = backend, folder / "all.zip"
        self.watch = AdvisoryWatch(backend.services, OsvExport(OnDisk(self.file)))
        self.old, self.new = lock_of("1.0"), lock_of("1.2")
        for text, lock in (("1.0.0", self.old), ("1.1.0", self.new)):
            backend.put(keys.lock(WEATHER, lock.sha256), stored(lock))
            backend.put(keys.version(WEATHER, text), released(text, lock))

    def known(self, lock: DependencyLock) -> LockAdvisories | None:
        return self.backend.store.get(keys.lock_advisories(lock.sha256))

    def ids(self, lock: DependencyLock) -> list[str] | None:
        known = self.known(lock)
        return None if known is None else [one.advisory_id for one in known.found]


@pytest.fixture
def watched(backend: Backend, tmp_path: Path) -> Watched:
    return Watched(backend, tmp_path)


def test_a_night_finds_what_each_lock_has_and_the_next_one_what_is_new(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.file.write_bytes(zipped(HOLE, SAME))
    assert watched.watch.check_slice() == 1
    known = watched.known(watched.old)
    assert known is not None
    assert (watched.ids(watched.old), watched.ids(watched.new)) == (["GHSA-tide"], [])
    assert (known.export_at, known.expires_at) == (MODIFIED, watched.backend.clock() + KEPT)
    (line,) = [entry for entry in caplog.records if getattr(entry, "event", None) == "advisory_found"]
    assert line.getMessage() == "acme/weather 1.0.0: GHSA-tide (tide 1.0)"
    assert vars(line)["worst_severity"] == "high"

    assert watched.watch.check_slice() == 0, "it looks once a night"
    caplog.clear()
    watched.backend.clock.now = next_night(watched.backend.clock())
    watched.file.write_bytes(zipped(SAME, {**HOLE, "id": "MAL-1", "aliases": []}))
    assert watched.watch.check_slice() == 1
    assert watched.ids(watched.old) == ["MAL-1", "PYSEC-1"]
    assert [entry.getMessage() for entry in caplog.records if entry.levelno == logging.WARNING] == [
        "acme/weather 1.0.0: MAL-1 (tide 1.0)"
    ], "the same one by another name is not new"

    watched.backend.clock.now = next_night(watched.backend.clock())
    watched.file.write_bytes(zipped({**HOLE, "withdrawn": "2025-01-01T00:00:00Z"}))
    assert (watched.watch.check_slice(), watched.ids(watched.old)) == (0, [])


def test_a_walk_takes_a_slice_at_a_time(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "LOCKS_A_RUN", 1)
    watched.file.write_bytes(zipped(HOLE))
    seen = []
    for _ in range(4):
        watched.watch.check_slice()
        seen.append(len(watched.backend.documents.under("lock_advisories")))
    assert seen == [1, 2, 2, 2]
    cursor = watched.backend.store.get(keys.cursor(WALK))
    assert cursor == Cursor(WALK, None, next_night(watched.backend.clock()))


def test_without_an_export_nothing_is_read_and_nothing_said(watched: Watched) -> None:
    watched.backend.rpcs.calls.clear()
    assert AdvisoryWatch(watched.backend.services, None).check_slice() == 0
    assert watched.backend.rpcs.calls == []


def test_an_export_that_cannot_be_read_is_tried_again_later_and_takes_nothing_back(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.file.write_bytes(zipped(HOLE))
    watched.watch.check_slice()
    watched.backend.clock.now = night = next_night(watched.backend.clock())
    watched.file.write_bytes(b"<html>not today</html>")
    assert watched.watch.check_slice() == 0
    assert "no zip archive" in caplog.text
    assert watched.ids(watched.old) == ["GHSA-tide"]
    cursor = watched.backend.store.get(keys.cursor(WALK))
    assert cursor is not None
    assert cursor.due_at == night + AGAIN
    watched.file.unlink()
    watched.backend.clock.now = night + AGAIN
    assert watched.watch.check_slice() == 0
    assert "cannot be opened" in caplog.text


def test_an_old_export_is_complained_about(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.backend.clock.now = MODIFIED + timedelta(days=8)
    watched.file.write_bytes(zipped(SAME))
    watched.watch.check_slice()
    assert [entry for entry in caplog.records if getattr(entry, "event", None) == "advisories_stale"]


def test_one_lock_that_cannot_be_read_keeps_no_other_from_its_turn(watched: Watched) -> None:
    broken = replace(stored(watched.old), sha256="0" * 64, text="no lock")
    watched.backend.put(keys.lock(WEATHER, broken.sha256), broken)
    watched.file.write_bytes(zipped(HOLE))
    with pytest.raises(PermanentError, match="is no lock"):
        watched.watch.check_slice()
    assert (watched.ids(watched.old), watched.ids(watched.new)) == (["GHSA-tide"], [])


@pytest.fixture(params=["file", "bucket"])
def exported(around: StandIns, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """The deployed functions, whose sweeper reads an export from a file or from a bucket."""
    file, name = tmp_path / "all.zip", "osv/PyPI/all.zip"
    file.write_bytes(zipped(HOLE, SAME))
    place = str(file) if request.param == "file" else f"gs://{BUCKET}/{name}"
    with deployed_on(around, HUB_ADVISORIES_EXPORT=place) as deployed:
        with file.open("rb") as content:
            artifacts.connect(Artifacts.from_environment(deployed._environment)).put(name, content)
        yield deployed


def furnish(deployed: Deployed) -> Tenants:
    """`acme/weather` 1.0.0, installed, has a hole; 1.1.0 has none; 1.2.0 has no lock."""
    old, new = lock_of("1.0"), lock_of("1.2")
    deployed.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    deployed.put(keys.cursor(LOCK_WALK), WALKED)
    deployed.put(keys.organization(ACME.organization_id), ACME)
    deployed.put(keys.provider(WEATHER), provider(latest_version="1.1.0"))
    for text, lock in (("1.0.0", old), ("1.1.0", new)):
        deployed.put(keys.lock(WEATHER, lock.sha256), stored(lock))
        deployed.put(keys.version(WEATHER, text), released(text, lock))
    deployed.put(keys.version(WEATHER, "1.2.0"), version("1.2.0"))
    row = wish()
    deployed.put(keys.installation_of(row), replace(row, revision=row.revision.at("1.0.0", old.sha256)))
    return Tenants(deployed)


def test_what_the_sweeper_found_is_shown_with_versions_and_installations(exported: Deployed) -> None:
    tenants = furnish(exported)

    def shown(path: str) -> Any:
        answer = exported.call("GET", path, tenants.user)
        assert answer.status_code == 200, answer.text
        return answer.json

    before = shown("/providers/installed/acme/weather")
    assert (before["advisories"], before["mended_by"], before["relock_available"]) == (None, None, False)
    swept = exported.send("sweeper", "POST", "/", headers=exported.caller_header("sweeper", "/"))
    assert swept.status_code == 204, swept.text

    listed = {one["version"]: one for one in shown("/providers/acme/weather/versions")}
    assert {text: (one["advisory_count"], one["advisory_severity"]) for text, one in listed.items()} == {
        "1.0.0": (1, "high"), "1.1.0": (0, None), "1.2.0": (None, None)
    }  # fmt: skip
    assert {one["advisories"] for one in listed.values()} == {None}, "a list is read by anybody, and stays small"
    one = shown("/providers/acme/weather/versions/1.0.0")
    assert (one["advisories"], one["advisories_as_of"]) == ([SHOWN], "2024-12-31T00:00:00Z")
    assert (one["advisory_count"], one["advisory_severity"]) == (1, "high")
    for row in (shown("/providers/installed/acme/weather"), *shown("/providers/installed")):
        assert (row["advisories"], row["mended_by"]) == ([SHOWN], "1.1.0")

    relocked = lock_of("1.2")
    exported.put(keys.version(WEATHER, "1.0.0"), released("1.0.0", relocked))
    row = shown("/providers/installed/acme/weather")
    assert (row["advisories"], row["mended_by"], row["relock_available"]) == ([SHOWN], "1.0.0", True)


def bomb() -> bytes:
    """Entries of zeros that unpack to far more than the archive has."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.json", bytes(MOST_RECORD_BYTES))
    return packed.getvalue()


def lying() -> bytes:
    """The directory says a small size of an entry that unpacks to a large one."""
    packed = bytearray(zipped(b" " * MOST_RECORD_BYTES * 8))
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(packed)


def deep() -> bytes:
    return zipped(b"[" * 1_000_000)


def scanned(tmp_path: Path, content: bytes, locked: Mapping[str, list[str]]) -> osv_scan.Scanned:
    file = tmp_path / "all.zip"
    file.write_bytes(content)
    with file.open("rb") as opened:
        return scan_in_child(opened, locked, START)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"PK\x05\x06" + bytes(17), id="cut off"),
        pytest.param(zipped, id="no record"),
        pytest.param(lambda: zipped(b"{", b"\xff", {"id": 7}), id="no record that can be read"),
        pytest.param(lying, id="sizes that are lies"),
        pytest.param(deep, id="deep"),
    ],
)
def test_a_hostile_export_is_refused(tmp_path: Path, content: Callable[[], bytes]) -> None:
    with pytest.raises(PermanentError, match="the export of advisories"):
        scanned(tmp_path, content(), {"tide": ["1.0"]})


def test_what_one_record_holds_against_the_reader_takes_no_other_with_it(tmp_path: Path) -> None:
    huge = b'{"id": "' + b"x" * MOST_RECORD_BYTES + b'"}'
    result = scanned(tmp_path, zipped(b"[" * 100_000, huge, HOLE, b"{}"), {"tide": ["1.0", "1.2"]})
    assert ([one.version for one in result.found], result.records, result.unreadable) == (["1.0"], 1, 3)


def test_what_the_reader_answers_is_bounded_for_each_version(tmp_path: Path) -> None:
    severe = {"database_specific": {"severity": "CRITICAL"}}
    many = [{**HOLE, "id": f"GHSA-{number}", "aliases": []} for number in range(MOST_FOUND + 50)]
    result = scanned(tmp_path, zipped(*many, {**many[0], "id": "Z", **severe}), {"tide": ["1.0", "1.1", "1.2"]})
    assert {text: sum(one.version == text for one in result.found) for text in ("1.0", "1.1", "1.2")} == {
        "1.0": MOST_FOUND, "1.1": MOST_FOUND, "1.2": 0
    }  # fmt: skip
    assert sum(one.advisory_id == "Z" for one in result.found) == 2


def test_versions_that_are_too_many_for_one_look_are_told_from_a_broken_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osv_scan, "_LIMITS", replace(osv_scan._LIMITS, output_bytes=1000))
    with pytest.raises(TooMuchToMatch, match="with 9 locked versions"):
        scanned(tmp_path, zipped(HOLE), {"tide": [f"1.1.{number}" for number in range(9)]})


def test_an_archive_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_scan, "MOST_UNPACKED_BYTES", 3 * MOST_RECORD_BYTES)
    with BytesIO(bomb()) as file:
        assert "unpacks to more than" in osv_scan._scanned({"locked": {}, "now": START.isoformat()}, file)["refused"]


def test_an_archive_with_too_many_records_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_scan, "MOST_RECORDS", 2)
    with BytesIO(zipped(HOLE, HOLE, HOLE)) as file:
        assert "has 3 records" in osv_scan._scanned({"locked": {}, "now": START.isoformat()}, file)["refused"]


def test_an_export_over_the_most_bytes_is_not_opened_by_the_child(tmp_path: Path) -> None:
    file = tmp_path / "all.zip"
    with file.open("wb") as sparse:
        sparse.truncate(MOST_EXPORT_BYTES + 1)
    with pytest.raises(PermanentError, match="at most"):
        OsvExport(OnDisk(file)).matching({}, START)


def test_a_record_of_the_future_makes_no_export_newer(tmp_path: Path) -> None:
    result = scanned(tmp_path, zipped(HOLE, {**SAME, "modified": "9999-01-01T00:00:00Z"}), {})
    assert result.export_at == datetime(2024, 12, 30, tzinfo=UTC)
