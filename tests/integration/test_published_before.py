"""What was published before there were locks and kept bytes: the sweeper keeps and locks it, and what runs goes on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1.types.write import Write
from tests.builders import ACME, RUNTIME, WEATHER, provider, version, wish
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.package_index import PackageIndex
from tests.runtime_harness import make_wheel, serving

from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import AddedWheel, add_wheel
from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.encoding import encode_record
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.organizations import SlugClaim

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# What the first release wrote of a version and of an installation: no field that came later.
VERSION_FIELDS = {
    "prefix", "name", "version", "wheel_url", "wheel_sha256", "runtime_version", "status", "fingerprint",
    "created_at", "updated_at", "published_at", "package_name",
}  # fmt: skip
ROW_FIELDS = {
    "organization_id", "organization_slug", "prefix", "name", "installation_id", "generation", "revision",
    "upgrade_policy", "lifecycle_state", "created_at", "updated_at", "current_version", "ready_revision",
    "ready_generation", "last_check_in_at",
}  # fmt: skip
REVISION_FIELDS = {"version", "resource_tier", "config"}


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    made = PackageIndex()
    with serving(made.answer) as made.url:
        yield made


def write_as_before(deployed: Deployed, key: Key[Any], record: object, fields: set[str]) -> None:
    """The document as the first release wrote it."""
    document = encode_record(record, deployed.store.name_of(key))
    _drop(document.fields, fields)
    for name in {"revision", "ready_revision"} & fields:
        _drop(document.fields[name].map_value.fields, REVISION_FIELDS)
    deployed.store.commit_writes([Write(update=document)], b"")


def _drop(written: Any, kept: set[str]) -> None:
    assert kept <= set(written)
    for name in set(written) - kept:
        del written[name]


def running(text: str) -> Installation:
    row = wish()
    revision = row.revision.at(text, None)
    return wish(
        revision=revision,
        ready_revision=revision,
        ready_generation=1,
        current_version=text,
        lifecycle_state=LifecycleState.READY,
        last_check_in_at=datetime.now(UTC),
    )


def furnish(deployed: Deployed, wheel: AddedWheel) -> None:
    deployed.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    deployed.put(keys.organization(ACME.organization_id), ACME)
    deployed.put(keys.slug(ACME.slug), SlugClaim(ACME.slug, ACME.organization_id))
    deployed.put(keys.provider(WEATHER), provider(latest_version="27.0.0"))
    old = version("27.0.0", wheel_url=wheel.url, wheel_sha256=wheel.sha256, package_name="weather")
    write_as_before(deployed, keys.version(WEATHER, "27.0.0"), old, VERSION_FIELDS)
    row = running("27.0.0")
    write_as_before(deployed, keys.installation_of(row), row, ROW_FIELDS)


def test_documents_of_the_first_release_are_kept_and_locked_while_their_installation_runs(
    around: StandIns, index: PackageIndex, tmp_path: Path
) -> None:
    neap = make_wheel(tmp_path, {"neap.py": ""}, name="neap")
    hosted = add_wheel(neap, wheels_dir(around.state_dir), around.wheels_url)
    index.offer(neap, LONG_AGO, url=hosted.url)
    with deployed_on(around, HUB_INDEX_URLS=index.simple_url) as deployed:
        tenants = Tenants(deployed)
        wheel = tenants.host_wheel(tmp_path, "weather", "27.0.0", metadata=["Requires-Dist: neap>=1"])
        furnish(deployed, wheel)

        def shown(path: str) -> dict[str, Any]:
            answer = deployed.call("GET", path, tenants.user)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json
            return found

        before = shown("/providers/installed/acme/weather")
        assert (before["lifecycle_state"], before["lock_sha256"], before["relock_available"]) == ("ready", None, False)
        assert shown("/providers/acme/weather/versions/27.0.0")["lock_sha256"] is None

        swept = deployed.send("sweeper", "POST", "/", headers=deployed.caller_header("sweeper", "/"))
        assert swept.status_code == 204, swept.text
        locked = shown("/providers/acme/weather/versions/27.0.0")
        assert (locked["lock_packages"], locked["lock_message"], locked["status"]) == (1, None, "published")
        lock = deployed.call("GET", "/providers/acme/weather/versions/27.0.0/lock", tenants.user)
        assert hosted.sha256 in lock.text
        stored = deployed.store.get(keys.version(WEATHER, "27.0.0"))
        assert stored is not None
        assert stored.wheel_object == kept_name(wheel.sha256, "weather-27.0.0-py3-none-any.whl")
        leads_to = deployed.call("GET", "/providers/acme/weather/versions/27.0.0/wheel", tenants.user)
        assert (leads_to.status_code, wheel.sha256 in leads_to.headers["Location"]) == (302, True)

        after = shown("/providers/installed/acme/weather")
        assert (after["generation"], after["lifecycle_state"], after["lock_sha256"]) == (1, "ready", None)
        assert after["relock_available"]
        path = "/providers/installed/acme/weather/upgrade"
        taken = deployed.call("POST", path, tenants.user, body={})
        assert (taken.status_code, taken.json["generation"]) == (200, 2)
        assert taken.json["lock_sha256"] == locked["lock_sha256"]
