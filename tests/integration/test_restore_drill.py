"""The restore drill, with the Firestore emulator's own export and import in the place of Firestore's restore."""

import json
import re
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import Client
from terraform.tools import drill
from tests.builders import ACME, RUNTIME, WEATHER
from tests.integration.deployed import Deployed
from tests.integration.tenants import Tenants

from provider_hub.actions import keys

LIVE = "(default)"
BEGAN = datetime(2025, 6, 1, 10, 20, 30, tzinfo=UTC)


class EmulatorCloud:
    """`gcloud firestore` over the emulator; `loses` is deleted from what it restores. Other commands are refused."""

    def __init__(self, deployed: Deployed, folder: Path, *loses: str) -> None:
        self.project = deployed.project
        self._host = deployed.around.hosts.firestore
        self._folder = folder
        self._loses = loses
        self.calls: list[tuple[str, ...]] = []
        self.databases = [LIVE]

    def __call__(self, *words: str) -> Any:
        self.calls.append(words)
        options = dict(word.removeprefix("--").partition("=")[::2] for word in words if word.startswith("--"))
        match words[:3]:
            case "firestore", "databases", "list":
                return [{"name": f"projects/{self.project}/databases/{name}"} for name in self.databases]
            case "firestore", "databases", "clone":
                self._copy(options["source-database"], options["destination-database"])
                return {"name": f"projects/{self.project}/databases/x/operations/1"}
            case "firestore", "operations", "describe":
                return {"name": words[3], "done": True}
            case "firestore", "databases", "delete":
                self.databases.remove(options["database"])
                return {}
        raise AssertionError(f"the drill called gcloud {' '.join(words)}")

    def _copy(self, source: str, target: str) -> None:
        """Through an export. The emulator imports one under its own database's name alone: so into another project."""
        self._post(self.project, "export", database=source, export_directory=str(self._folder), export_name="export")
        metadata = next(self._folder.rglob("*.overall_export_metadata"))
        aside = f"{self.project}-aside"
        self._post(aside, "import", database=f"projects/{aside}/databases/{LIVE}", export_directory=str(metadata))
        imported, restored = Client(aside, database=LIVE), Client(self.project, database=target)
        for name in drill.collections():
            for document in imported.collection_group(name).stream():
                if document.reference.path not in self._loses:
                    restored.document(document.reference.path).set(document.to_dict())
        self.databases.append(target)

    def _post(self, project: str, call: str, **body: str) -> None:
        url = f"http://{self._host}/emulator/v1/projects/{project}:{call}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - a loopback address of ours


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator keeps no older versions, so that the live counts are those of now; and nothing is waited for."""
    counts = drill.counts
    monkeypatch.setattr(drill, "counts", lambda client, _=None: counts(client))
    monkeypatch.setattr(drill, "_POLL_SECONDS", 0.0)


def drill_of(deployed: Deployed, live: str = LIVE, backup: str | None = None) -> drill.Drill:
    return drill.Drill(deployed.project, live, BEGAN.replace(second=0), backup, BEGAN)


def test_what_was_restored_is_whole_and_a_hub_that_is_pointed_there_answers_the_same(
    tenants: Tenants, tmp_path: Path
) -> None:
    deployed = tenants.deployed
    assert isinstance(deployed, Deployed)
    for row in deployed.store.installations_after(None, 100):  # the furnished ones are READY without ever having run
        deployed.put(keys.installation_of(row), replace(row, current_version=row.installed_version))
    held, cloud, said = drill_of(deployed), EmulatorCloud(deployed, tmp_path), list[str]()
    assert drill.hold(held, cloud, said.append, keep=True), said
    assert any(line.endswith(f"HUB_DATABASE={held.target} points a hub at it") for line in said)
    assert "--snapshot-time=2025-06-01T10:20:00.00Z" in cloud.calls[1]
    elsewhere = replace(deployed, overrides={"HUB_DATABASE": held.target}, _clients={})
    path = "/providers/installed"
    restored, live = (one.call("GET", path, tenants.user) for one in (elsewhere, deployed))
    assert restored.status_code == live.status_code == 200
    assert restored.json == live.json
    assert [row["canonical"] for row in live.json or ()] != []


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (keys.slug(ACME.slug), "the slug acme belongs to nobody"),
        (keys.organization(ACME.organization_id), "its organization is not there"),
        (keys.provider(WEATHER), "version acme/weather 1.0.0: its provider is not there"),
        (keys.version(WEATHER, "1.1.0"), "installation acme/weather of org_acme: its version 1.1.0 is not there"),
        (keys.runtime_version(RUNTIME.version), "its runtime version .* is not there"),
        (keys.delivery_error("none"), "acme/weather of org_acme: it is READY, and waits for something or runs nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.path[0],
)
def test_what_is_missing_from_a_restored_database_is_found_and_that_one_is_deleted(
    tenants: Tenants, tmp_path: Path, key: Any, fault: str
) -> None:
    deployed = tenants.deployed
    assert isinstance(deployed, Deployed)
    cloud, said = EmulatorCloud(deployed, tmp_path, "/".join(key.path)), list[str]()
    assert not drill.hold(drill_of(deployed), cloud, said.append)
    told = "\n".join(said)
    assert re.search(fault, told), told
    assert (" documents instead of " in told) == (key != keys.delivery_error("none"))
    assert cloud.databases == [LIVE]


def test_the_live_database_is_no_drills_own_and_is_never_written_to(deployed: Deployed, tmp_path: Path) -> None:
    cloud = EmulatorCloud(deployed, tmp_path)
    with pytest.raises(drill.DrillFailed, match="has no database other-database: name the live one"):
        drill.hold(drill_of(deployed, "other-database"), cloud)
    with pytest.raises(drill.DrillFailed, match="is a drill's own database"):
        drill.hold(drill_of(deployed, "hub-drill-20250601102030"), cloud)
    cloud.databases.append(drill_of(deployed).target)
    with pytest.raises(drill.DrillFailed, match="is there already"):
        drill.hold(drill_of(deployed), cloud)
    assert {call[:3] for call in cloud.calls} == {("firestore", "databases", "list")}


def test_a_backup_is_restored_and_an_error_of_firestores_is_told(deployed: Deployed) -> None:
    calls: list[tuple[str, ...]] = []

    def cloud(*words: str) -> Any:
        calls.append(words)
        return {"name": "projects/p/databases/d/operations/1", "done": True, "error": {"message": "no such backup"}}

    backup = "projects/p/locations/l/backups/b"
    with pytest.raises(drill.DrillFailed, match="Firestore could not restore: no such backup"):
        drill.restore(drill_of(deployed, backup=backup), cloud)
    target = f"--destination-database={drill_of(deployed).target}"
    assert calls[0] == ("firestore", "databases", "restore", f"--source-backup={backup}", target)
