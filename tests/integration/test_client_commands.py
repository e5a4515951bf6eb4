"""The `hub` commands against the real functions: what they ask for, what they print, and what they exit with."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import ACME, CLOUD, IMAGE, WEATHER, dead_letter, provider, rollout, version
from tests.fakes import START
from tests.integration.api_server import ApiServer, served
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import RADIO, Tenants
from tests.runtime_harness import make_wheel

from hub_cli import main as cli
from hub_cli import transport, waiting
from local_stack import servers
from local_stack.ci_runner import CiRun, job_variables
from local_stack.wheelhost import add_wheel
from provider_hub.actions import dead_letters, keys
from provider_hub.domain.advisories import Advisory, LockAdvisories, Severity
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import StoredProvenance
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind
from provider_hub.domain.publishing_use import PublishingUse
from provider_hub.domain.records import DeadLetter, Topic
from provider_hub.domain.wheels.offered_schemas import SCHEMAS_FILE

LAMP = ProviderName("acme", "lamp")
SCHEMA = {"type": "object", "properties": {"latitude": {"type": "number"}}}


@pytest.fixture(scope="module")
def tenants(around: StandIns) -> Iterator[Tenants]:
    with deployed_on(around) as deployed:
        made = Tenants(deployed)
        made.furnish()
        yield made


@pytest.fixture(scope="module")
def api(tenants: Tenants) -> Iterator[ApiServer]:
    with served(tenants.deployed) as server:
        yield server


@dataclass
class Hub:
    """Runs `hub` in this process; what it printed is `out` and `err` of the last run."""

    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def __call__(self, *arguments: str) -> int:
        try:
            status = cli.main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        self.out, self.err = self.capture.readouterr()
        return status

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "-o", "json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def hub(
    api: ApiServer, tenants: Tenants, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Hub]:
    monkeypatch.setenv("HUB_API_URL", api.url)
    monkeypatch.setenv("HUB_TOKEN", tenants.machine)
    monkeypatch.setenv("HUB_CA_FILE", str(servers.ca_file(tenants.deployed.around.state_dir)))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(transport, "PATIENCE_SECONDS", 0.0)
    api.before = lambda _method, _path: None
    yield Hub(capsys)
    assert api.undescribed is None, api.undescribed


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[[str], Path]:
    def make(version: str) -> Path:
        files = {
            "sundial/__init__.py": "",
            f"sundial/{SCHEMAS_FILE}": json.dumps({"schemas": {"dial": {"config_schema": SCHEMA}}}),
        }
        return make_wheel(tmp_path, files, name="sundial-provider", version=version)

    return make


def host(tenants: Tenants, wheel: Path) -> str:
    around = tenants.deployed.around
    return add_wheel(wheel, around.state_dir / "wheels", around.wheels_url).url


def becomes(tenants: Tenants, api: ApiServer, state: LifecycleState, **changes: Any) -> None:
    """From the second look on, acme/weather's row is so: as if the installer had done its part."""
    looks: list[str] = []

    def look(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/acme/weather"):
            looks.append(path)
        if len(looks) == 2:
            row = tenants.deployed.store.get(keys.installation(ACME.organization_id, WEATHER))
            assert row is not None
            put = replace(row, lifecycle_state=state, current_version=row.installed_version, **changes)
            tenants.deployed.put(keys.installation(ACME.organization_id, WEATHER), put)

    api.before = look


def test_a_file_is_published_by_where_it_is_served(hub: Hub, tenants: Tenants, wheel: Callable[[str], Path]) -> None:
    file = wheel("1.0.0")
    url = host(tenants, file)
    base = url.removesuffix(file.name)
    published = hub.json("publish", str(file), "--wheel-url", base, "--tag", "sun", "--wait")
    assert (published["canonical"], published["version"]) == ("acme/sundial-provider", "1.0.0")
    assert published["wheel_url"] == url
    assert published["package_name"] == "sundial"
    assert [(schema["resource"], schema["config_schema"]) for schema in published["schemas"]] == [("dial", SCHEMA)]
    assert hub("publish", str(file), "--wheel-url", base, "--tag", "sun") == 0
    assert hub.out.startswith("acme/sundial-provider 1.0.0 is published.\n")
    assert published["wheel_sha256"] in hub.out
    assert [item["canonical"] for item in hub.json("search", "--tag", "sun")["items"]] == ["acme/sundial-provider"]


def test_a_file_alone_is_uploaded_and_published(hub: Hub, tenants: Tenants, wheel: Callable[[str], Path]) -> None:
    file = wheel("1.0.1")
    published = hub.json("publish", str(file), "--name", "uploaded")
    assert (published["canonical"], published["version"]) == ("acme/uploaded", "1.0.1")
    assert published["wheel_sha256"] in published["wheel_url"]
    assert "uploading" in hub.err
    assert "upload_id" not in hub.err + hub.out
    options = ("--platform", "--name", "uploaded", "--token", tenants.console_machine)
    assert hub("publish", str(file), *options) == 0
    assert hub.out.startswith("platform/uploaded 1.0.1 is published.\n")


def test_several_files_are_published_one_after_the_other(hub: Hub, wheel: Callable[[str], Path]) -> None:
    files = [str(wheel("1.0.2")), str(wheel("1.0.3"))]
    assert hub("publish", *files) == 0
    assert re.findall(r"^acme/sundial-provider (\S+) is published", hub.out, re.MULTILINE) == ["1.0.2", "1.0.3"]
    assert hub("publish", *files, "--version", "1.0.2") == 2
    assert hub("publish", *files, "--wheel-url", "https://x.example/one.whl") == 2
    assert "ending in /" in hub.err


def test_a_url_is_published_with_its_own_digest(hub: Hub, tenants: Tenants, wheel: Callable[[str], Path]) -> None:
    url = host(tenants, wheel("1.1.0rc1"))
    published = hub.json("publish", url, "--name", "acme/clock", "--display-name", "Clock", "--changelog", "New")
    assert (published["canonical"], published["version"]) == ("acme/clock", "1.1.0-rc.1")
    assert published["changelog"] == "New"
    assert hub("publish", url, "--name", "acme/clock", "--changelog", "Other") == 1
    assert "versions never change" in hub.err
    assert hub.err.count("\n") == 1


def test_a_platform_provider_is_published_by_a_console_machine_alone(
    hub: Hub, tenants: Tenants, wheel: Callable[[str], Path]
) -> None:
    url = host(tenants, wheel("1.2.0"))
    published = hub.json("publish", url, "--platform", "--name", "dial", "--token", tenants.console_machine, "--wait")
    assert published["canonical"] == "platform/dial"
    assert hub("publish", url, "--platform", "--name", "dial", "--token", tenants.console_user) == 1
    assert "only a console machine" in hub.err
    assert hub("publish", url, "--platform", "--name", "dial") == 3


def test_publish_says_what_is_missing(hub: Hub, tmp_path: Path) -> None:
    assert hub("publish", str(tmp_path / "missing.whl"), "--wheel-url", "https://x.example/") == 2
    assert hub("publish", "https://localhost:1/a-1.0-py3-none-any.whl") == 1
    two = make_wheel(tmp_path, {"a/__init__.py": "", "b/__init__.py": ""}, name="two", version="1.0.0")
    assert hub("publish", str(two), "--wheel-url", "https://x.example/") == 2
    assert "--package" in hub.err


def test_a_further_version_leaves_what_was_edited_and_changes_what_is_given(
    hub: Hub, wheel: Callable[[str], Path]
) -> None:
    files = {version: wheel(version) for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0")}

    def publish(version: str, *options: str) -> tuple[str, str]:
        assert hub("publish", str(files[version]), "--name", "edited", *options) == 0, hub.err
        (shown,) = [one for one in hub.json("search", "edited")["items"] if one["canonical"] == "acme/edited"]
        return shown["display_name"], shown["description"]

    assert publish("1.0.0") == ("Sundial Provider", "")
    assert hub("edit", "acme/edited", "--display-name", "Edited", "--description", "Tells the time") == 0
    assert publish("1.0.0") == ("Edited", "Tells the time"), "the same again is no conflict"
    assert publish("1.1.0", "--tag", "time") == ("Edited", "Tells the time")
    assert publish("1.2.0", "--description", "Tells it at night") == ("Edited", "Tells it at night")
    assert publish("1.3.0", "--display-name", "Moondial") == ("Moondial", "Tells it at night")


@pytest.fixture
def run_of(hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this process a job of `acme/REPOSITORY` without a token, whose workflow publishes these providers."""

    def become(repository: str, *providers: str) -> None:
        for name in providers:
            body = {"platform": "github", "repository": f"acme/{repository}", "workflow": "release.yml"}
            answer = tenants.deployed.call("POST", f"/providers/acme/{name}/publishers", tenants.user, body=body)
            assert answer.status_code == 201, answer.text
        monkeypatch.delenv("HUB_TOKEN")
        for name, value in job_variables(tenants.issuer, CiRun(f"acme/{repository}")).items():
            monkeypatch.setenv(name, value)

    return become


def of_package(directory: Path, name: str) -> str:
    return str(make_wheel(directory, {f"{name}/__init__.py": ""}, name=name, version="1.0.0"))


def test_a_run_publishes_no_wheel_under_the_name_of_another_provider(
    hub: Hub, api: ApiServer, tenants: Tenants, run_of: Callable[..., None], tmp_path: Path
) -> None:
    run_of("beacons", "beacon")
    sent: list[str] = []
    api.before = lambda _method, path: sent.append(path)
    beacon, radar = of_package(tmp_path, "beacon"), of_package(tmp_path, "radar")
    for arguments, told in (
        ((radar,), "this run publishes acme/beacon, and the wheel is of radar"),
        ((beacon, "--name", "radar"), "this run publishes acme/beacon, and --name says radar"),
    ):
        assert hub("publish", *arguments) == 2
        assert f"{told}: give --name acme/beacon" in hub.err
    assert "/uploads" not in sent
    assert sent[-1] == "/_/oidc/burn-token"
    assert hub("publish", beacon, radar) == 2
    assert hub.out.startswith("acme/beacon 1.0.0 is published.\n")
    assert hub("publish", radar, "--name", "acme/beacon", "--version", "1.0.0") == 1, "whoever says so means it"
    assert "acme/beacon 1.0.0 is published with other bytes" in hub.err


def test_a_run_with_several_publishers_is_the_one_that_is_called_like_the_wheel_or_the_option(
    hub: Hub, run_of: Callable[..., None], tmp_path: Path
) -> None:
    run_of("harbour", "crane", "dock.side")
    assert hub("publish", of_package(tmp_path, "crane"), of_package(tmp_path, "dock_side")) == 0, hub.err
    assert re.findall(r"^(\S+) 1.0.0 is published", hub.out, re.MULTILINE) == ["acme/crane", "acme/dock.side"]
    assert hub("publish", of_package(tmp_path, "dock_side"), "--name", "crane") == 1
    assert "acme/crane 1.0.0 is published with other bytes" in hub.err
    assert hub("publish", of_package(tmp_path, "quay")) == 1
    assert "publishes acme/crane, acme/dock.side" in hub.err
    assert "`hub publish --name ORG/NAME`" in hub.err


def test_a_job_without_a_token_is_told_what_it_lacks(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_TOKEN")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert hub("publish", of_package(tmp_path, "buoy")) == 3
    assert "id-token: write" in hub.err
    assert "HUB_TOKEN" in hub.err


def test_nothing_is_uploaded_where_another_file_cannot_be_read(hub: Hub, api: ApiServer, tmp_path: Path) -> None:
    sent: list[str] = []
    api.before = lambda _method, path: sent.append(path)
    for option in ("--changelog=@missing", "--attestation=missing"):
        assert hub("publish", of_package(tmp_path, "buoy"), option) == 2
        assert "missing" in hub.err
    assert hub("publish", str(make_wheel(tmp_path, {"p/__init__.py": ""}, name="p", version="1!1.0"))) == 2
    assert "/uploads" not in sent


def test_install_without_waiting_says_how_to_follow(hub: Hub, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("TOKEN=hunter2\n")
    assert hub("install", RADIO.canonical, "--config-file", str(config), "--config", "A=1", "--tier", "free") == 0
    assert hub.out == "acme/radio 1.0.0 is pending; follow it with `hub status acme/radio --watch`.\n"
    row = hub.json("status", RADIO.canonical)
    assert row["config"] == {"TOKEN": "hunter2", "A": "1"}
    assert row["deployment"]["status"] == "pending"
    assert hub("status", RADIO.canonical) == 0
    assert "hunter2" not in hub.out
    assert "config      A, TOKEN\n" in hub.out
    assert hub("install", RADIO.canonical) == 1
    assert "installed already" in hub.err


def test_upgrade_waits_until_the_new_version_is_ready(hub: Hub, tenants: Tenants, api: ApiServer) -> None:
    becomes(tenants, api, LifecycleState.READY)
    assert hub("upgrade", "acme/weather", "--version", "1.2.0", "--wait") == 0
    assert hub.out.startswith("acme/weather 1.2.0 is ready, after ")
    assert "pending at 1.2.0\n" in hub.err
    assert hub("upgrade", "acme/weather") == 1
    assert "1.2.0" in hub.err


def test_a_failed_downgrade_exits_with_1_and_says_why(hub: Hub, tenants: Tenants, api: ApiServer) -> None:
    becomes(tenants, api, LifecycleState.FAILED, failure_message="1.0.0 failed: the image cannot be pulled")
    assert hub("downgrade", "acme/weather", "--version", "1.0.0", "--wait") == 1
    assert hub.err.endswith("acme/weather: 1.0.0 failed: the image cannot be pulled\n")


def test_deploy_again_that_takes_too_long_exits_with_4(hub: Hub) -> None:
    assert hub("deploy", "acme/weather", "--wait", "--timeout", "0.1") == 4
    assert "waited 0.1 s" in hub.err


def test_the_timeline_reads_newest_first(hub: Hub) -> None:
    assert hub("events", "acme/weather", "--limit", "1") == 0
    assert "change requested, by mch_acme" in hub.out
    events = hub.json("events", "acme/weather")
    assert [event["generation"] for event in events] == sorted((event["generation"] for event in events), reverse=True)


def test_lists_fit_80_columns(hub: Hub) -> None:
    assert hub("list") == 0
    heads, *rows = hub.out.splitlines()
    assert heads.split() == ["PROVIDER", "VERSION", "STATE", "HEALTH", "TIER", "UPGRADE"]
    assert any(row.startswith("acme/weather ") for row in rows)
    assert hub("search") == 0
    assert max(len(line) for line in hub.out.splitlines()) <= 80


def test_search_needs_no_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_TOKEN")
    assert {item["prefix"] for item in hub.json("search")["items"]} == {"platform"}
    assert hub("search", "nothing-like-it") == 0
    assert hub.out == "No provider matches.\n"


def test_a_version_is_yanked_and_offered_again(hub: Hub) -> None:
    assert hub("yank", "acme/radio", "1.0.0", "--reason", "it hums") == 0
    assert hub.out == "acme/radio 1.0.0 is yanked: no new installs, what runs stays.\n"
    assert hub("deploy", "acme/radio", "--version", "1.0.0") == 1
    assert hub.json("unyank", "acme/radio", "1.0.0")["status"] == "published"


def test_a_rollout_is_paused_and_resumed_and_the_audit_says_by_whom(hub: Hub, tenants: Tenants) -> None:
    assert hub("rollouts", "list", "acme/radio") == 0
    assert hub.out == "No version of acme/radio was rolled out by itself yet.\n"
    tenants.deployed.put(keys.rollout(RADIO, "1.0.0"), rollout("1.0.0", RADIO, candidates=40, succeeded=3))
    assert hub("rollouts", "pause", "acme/radio", "1.0.0") == 0
    assert hub.out == "The rollout of acme/radio 1.0.0 is paused.\n"
    assert hub("rollouts", "pause", "acme/radio", "1.0.0") == 1
    assert "is paused: there is nothing to pause" in hub.err
    assert hub("rollouts", "list", "acme/radio") == 0
    assert hub.out.splitlines()[1].split() == ["1.0.0", "paused", "1", "3", "0", "40"]
    assert hub.json("rollouts", "resume", "acme/radio", "1.0.0")["state"] == "running"
    assert hub("audit", "--action", "rollout-paused") == 0
    assert hub.out[21:] == "rollout-paused: acme/radio 1.0.0, by mch_acme from 127.0.0.1\n"
    assert hub.json("audit", "--limit", "1")["items"][0]["action"] == "rollout-resumed"
    assert hub("audit", "--since", "2999-01-01T00:00:00Z") == 0
    assert hub.out == "The audit has no such entry.\n"


def test_the_platform_lists_retries_and_deletes_the_dead_letters_of_no_organization(
    hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        letter = dead_letter(f"letter-{number}", CLOUD, organization_id=None)
        tenants.deployed.put(keys.dead_letter(letter.dead_letter_id), letter)
    monkeypatch.setenv("HUB_TOKEN", tenants.console_machine)
    assert hub("console", "dead-letters") == 0
    assert [line.split()[1] for line in hub.out.splitlines()[1:]] == [CLOUD.canonical] * 2
    assert hub("console", "retry-dead-letter", "letter-0") == 0
    assert hub.out == "letter-0 is back on its topic.\n"
    assert hub.json("console", "delete-dead-letter", "letter-1") == {"deleted_count": 1}
    assert hub("console", "dead-letters") == 0
    assert hub.out == "No dead letters.\n"


def test_the_platform_acts_on_any_provider_and_organization(
    hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", tenants.leaver)
    assert hub("list") == 0
    monkeypatch.setenv("HUB_TOKEN", tenants.narrow)
    assert hub("console", "yank", "acme/radio", "1.0.0") == 1
    assert "has not the scope providers:write" in hub.err
    monkeypatch.setenv("HUB_TOKEN", tenants.console_machine)
    assert hub("console", "yank", "acme/radio", "1.0.0", "--reason", "it harms") == 0
    assert hub.out == "acme/radio 1.0.0 is yanked: no new installs, what runs stays.\n"
    assert hub.json("console", "unyank", "acme/radio", "1.0.0")["status"] == "published"
    assert hub.json("console", "edit", "acme/radio", "--tag", "loud")["tags"] == ["loud"]
    for verb in ("pause", "resume"):
        assert hub("console", f"{verb}-rollout", "acme/radio", "9.9.9") == 1
        assert "no rollout of acme/radio 9.9.9" in hub.err
    tenants.deployed.put(keys.provider(LAMP), provider(LAMP, latest_version=None))
    assert hub.json("console", "delete", "acme/lamp") == {"deleted": "acme/lamp"}
    assert hub("console", "delete", "acme/empty") == 0
    assert hub.out == "acme/empty is deleted, with its versions.\n"
    assert hub("console", "suspend", "org_leaver", "--reason", "it left") == 0
    assert hub("console", "release-slug", "org_leaver") == 1
    assert "org_leaver was suspended a moment ago" in hub.err
    leaver = keys.organization("org_leaver")
    row = tenants.deployed.store.get(leaver)
    assert row is not None
    tenants.deployed.put(leaver, replace(row, updated_at=START))
    assert hub.json("console", "release-slug", "org_leaver")["status"] == "suspended"
    assert hub("console", "resume", "org_leaver") == 0
    assert hub.out == "org_leaver is let in again within a minute.\n"
    assert hub("console", "audit", "--organization", "org_leaver") == 0
    audited = [line[21:] for line in hub.out.splitlines()]
    by = "organization org_leaver, by mch_console from 127.0.0.1"
    assert audited[0] == f"organization-resumed: {by}"
    assert audited[-2:] == [f"organization-suspended: {by}", "it left"]
    refused = hub.json("console", "audit", "--action", "refused", "--since", "2020-01-01")["items"]
    # Other tests of this module were refused something too.
    assert "POST /console/providers/{org}/{name}/versions/{version}/yank" in {entry["subject"] for entry in refused}
    assert {entry["action"] for entry in refused} == {"refused"}
    assert hub("console", "audit", "--since", "2999-01-01T00:00:00Z") == 0
    assert hub.out == "The audit has no such entry.\n"


def test_only_the_settings_that_are_given_change(hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub("configure", "acme/weather") == 2
    assert "say what to change" in hub.err
    before = next(row for row in hub.json("list") if row["canonical"] == "acme/weather")
    changed = hub.json("configure", "acme/weather", "--rollback-on-failure", "off", "--allow-major-upgrades", "on")
    assert (changed["rollback_on_failure"], changed["allow_major_upgrades"]) == (False, True)
    assert (changed["generation"], changed["config"]) == (before["generation"], before["config"])
    hub.json("configure", "acme/weather", "--config", "FIRST=1", "--config", "SECOND=2")
    changed = hub.json("configure", "acme/weather", "--config", "SECOND=3", "--unset", "FIRST", "--tier", "free")
    assert (changed["config"], changed["resource_tier"]) == ({**before["config"], "SECOND": "3"}, "free")
    assert hub("configure", "acme/weather", "--unset", "FIRST") == 1
    assert hub.err == "hub: acme/weather has no FIRST to unset.\n"
    monkeypatch.setenv("PASS_PHRASE", "wild-horses")
    assert hub.json("configure", "acme/weather", "--secret", "PASS_PHRASE")["secret_config"] == ["PASS_PHRASE"]
    assert hub.json("configure", "acme/weather", "--config", "SECOND=4")["secret_config"] == ["PASS_PHRASE"]
    assert hub.json("configure", "acme/weather", "--unset", "PASS_PHRASE")["secret_config"] == []


def test_uninstall_waits_until_the_row_is_gone(hub: Hub, tenants: Tenants, api: ApiServer) -> None:
    looks: list[str] = []

    def look(method: str, path: str) -> None:
        looks.append(method)
        if looks.count("GET") == 3:
            tenants.deployed.store.delete_all([keys.installation(ACME.organization_id, WEATHER)])

    api.before = look
    assert hub("uninstall", "acme/weather", "--wait") == 0
    assert hub.out.startswith("acme/weather is uninstalled, after ")
    assert hub("status", "acme/weather") == 1
    assert hub("uninstall", "acme/busy") == 1
    assert "cascade" in hub.err


def test_uninstall_of_what_is_leaving_waits_for_it_too(hub: Hub) -> None:
    assert hub("uninstall", "acme/leaving") == 0
    assert hub("uninstall", "acme/leaving", "--wait", "--timeout", "0.1") == 4


def test_dead_letters_are_listed_shown_retried_and_deleted(
    hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = ACME.created_at
    for number in range(4):
        letter = DeadLetter(
            dead_letter_id=f"letter-{number}",
            event_id=f"letter-{number}",
            topic=Topic.INSTALLATION_EVENTS,
            ordering_key="acme",
            payload='{"generation": 1}',
            organization_id=ACME.organization_id,
            provider="acme/weather",
            event_type="INSTALL_REQUESTED",
            error_message="the cluster did not answer",
            attempt_count=10,
            failed_at=now,
            expires_at=now,
        )
        tenants.deployed.put(keys.dead_letter(letter.dead_letter_id), letter)
    assert hub("dead-letters", "list") == 0
    assert "letter-3" in hub.out
    assert hub("dead-letters", "show", "letter-0") == 0
    assert '"generation": 1' in hub.out
    assert hub("dead-letters", "retry", "letter-0") == 0
    assert hub("dead-letters", "show", "letter-0") == 1
    assert hub.json("dead-letters", "delete", "letter-1") == {"deleted_count": 1}
    monkeypatch.setattr(dead_letters, "LISTED", 1)
    assert hub("dead-letters", "retry", "--all") == 0
    assert hub.out == "Retried 2 dead letters.\n"
    assert hub("dead-letters", "delete", "--provider", "acme/weather") == 0
    assert hub("dead-letters", "delete") == 2


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["list", "--token", "no.such.token"], 3, "the token is not accepted"),
        (["list", "--api-url", "http://127.0.0.1:9"], 5, "does not answer"),
        (["list", "--api-url", "http://hub.example"], 2, "use https://"),
        (["list", "--ca-file", "/nonexistent.pem"], 2, "no readable file"),
        (["status", "acme/unknown"], 1, "not installed"),
        (["status", "weather"], 2, "write it as organization/name"),
        (["install", "acme/weather", "--version", "1.x"], 2, "not a semantic version"),
        (["install", "acme/radio", "--config", "hunter2"], 2, "KEY=VALUE"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_an_exit_status(
    hub: Hub, arguments: list[str], status: int, told: str
) -> None:
    assert hub(*arguments) == status
    assert told in hub.err
    assert "Traceback" not in hub.err
    assert hub.out == ""


def test_a_reader_that_has_enough_is_no_error(api: ApiServer, tenants: Tenants) -> None:
    environment = {"HUB_API_URL": api.url, "HUB_TOKEN": tenants.machine, "PATH": ""}
    program = [sys.executable, "-m", "hub_cli.main", "search", "-o", "json"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_locks_are_shown_and_compared(hub: Hub, tenants: Tenants) -> None:
    def release(text: str, *wheels: tuple[str, str]) -> None:
        locked = (LockedWheel(n, v, f"{n}-{v}-py3-none-any.whl", f"https://f/{n}", "a" * 64, 1) for n, v in wheels)
        lock = DependencyLock.of(IMAGE, tuple(locked))
        tenants.deployed.put(keys.lock(WEATHER, lock.sha256), StoredLock.of(WEATHER, lock, START))
        tenants.release(version(text, lock_sha256=lock.sha256, lock_packages=len(wheels)))

    release("1.0.0", ("moon", "1.0"), ("tide", "1.0"))
    release("1.1.0", ("moon", "2.0"), ("sand", "1.0"))
    assert hub("lock", "show", "acme/weather", "1.0.0") == 0, hub.err
    assert "moon          1.0      aaaaaaaaaaaa  moon-1.0-py3-none-any.whl" in hub.out
    assert hub("lock", "show", "acme/weather", "1.0.0", "--toml") == 0
    assert tomllib.loads(hub.out)["lock-version"] == "1.0"
    changes = hub.json("lock", "diff", "acme/weather", "1.0.0", "1.1.0")
    told = [(c["name"], *((c[side] or {}).get("version") for side in ("before", "after"))) for c in changes]
    assert told == [("moon", "1.0", "2.0"), ("sand", None, "1.0"), ("tide", "1.0", None)]
    assert hub("lock", "diff", "acme/weather", "1.0.0", "1.0.0") == 0
    assert "install the same" in hub.out
    assert hub("relock", "acme/weather", "1.1.0") == 0, hub.err
    assert "acme/weather 1.1.0 is locked again within minutes" in hub.out
    assert hub("lock", "show", "acme/weather", "1.2.0") == 1
    assert "published before there were locks" in hub.err


LEAKY = ProviderName("acme", "leaky")
HOLE = Advisory("GHSA-tide", ("CVE-1",), "tide", "1.0", "A hole", Severity.HIGH, "1.2")


@pytest.fixture
def leaky(tenants: Tenants) -> Iterator[Tenants]:
    """`acme/leaky` 1.0.0 is installed and has a hole; 1.1.0 has none; 1.0.0 was locked again, with the hole."""
    put = tenants.deployed.put
    put(keys.provider(LEAKY), provider(LEAKY, latest_version="1.1.0"))
    for text, digest, found in (("1.0.0", "b" * 64, (HOLE,)), ("1.1.0", "c" * 64, ()), ("", "a" * 64, (HOLE,))):
        if text:
            tenants.release(version(text, LEAKY, lock_sha256=digest))
        put(keys.lock_advisories(digest), LockAdvisories(digest, START, START, found, START))
    row = tenants.install(LEAKY, "1.0.0")
    put(keys.installation_of(row), replace(row, revision=row.revision.at("1.0.0", "a" * 64)))
    yield tenants
    tenants.deployed.store.delete_all([keys.installation_of(row), keys.provider(LEAKY)])


@pytest.mark.usefixtures("leaky")
def test_known_vulnerabilities_are_listed_with_what_mends_them(hub: Hub) -> None:
    assert hub("advisories") == 0, hub.err
    assert re.search(r"acme/leaky\s+1\.0\.0\s+GHSA-tide\s+high\s+tide 1\.0\s+1\.2\s+1\.1\.0", hub.out), hub.out
    assert "Nothing is known of" in hub.out
    (row,) = [one for one in hub.json("advisories") if one["canonical"] == "acme/leaky"]
    assert (row["mended_by"], [one["id"] for one in row["advisories"]]) == ("1.1.0", ["GHSA-tide"])
    assert hub("advisories", "acme/leaky") == 0
    assert re.search(r"1\.0\.0\s+1\s+high", hub.out), hub.out
    counts = {one["version"]: one["advisory_count"] for one in hub.json("advisories", "acme/leaky")}
    assert counts == {"1.0.0": 1, "1.1.0": 0}
    assert hub("advisories", "acme/leaky", "1.0.0") == 0
    assert re.search(r"GHSA-tide\s+high\s+tide 1\.0\s+1\.2", hub.out), hub.out
    assert [one["id"] for one in hub.json("advisories", "acme/leaky", "1.0.0")["advisories"]] == ["GHSA-tide"]
    assert hub("advisories", "acme/leaky", "1.1.0") == 0
    assert hub.out == "Nothing that acme/leaky 1.1.0 locks has a known vulnerability.\n"
    assert hub("advisories", "acme/weather") == 0
    assert hub.out.startswith("Nothing is known of"), hub.out
    assert hub("status", "acme/leaky") == 0
    assert "1 known, the worst high; 1.1.0" in hub.out


def test_publishers_are_added_listed_and_removed(hub: Hub, tenants: Tenants) -> None:
    assert hub("publishers", "list", "acme/weather") == 0
    assert "No workflow publishes acme/weather" in hub.out
    added = ("publishers", "add", "github", "acme/Weather", "--workflow", "release.yml", "--environment", "release")
    publisher = hub.json(*added)
    assert publisher["workflow"] == ".github/workflows/release.yml"
    assert hub(*added) == 1
    assert "is a publisher of acme/weather already" in hub.err
    assert hub("publishers", "list", "acme/weather") == 0
    assert publisher["id"] in hub.out
    as_admin = ("--token", tenants.user)
    for setting, said in (("on", "trusted publishers and people alone"), ("off", "machines' tokens too")):
        assert hub("publishers", "secretless-only", "acme/weather", setting, *as_admin) == 0
        assert said in hub.out
        assert hub("publishers", "secretless-only", setting, "--organization", *as_admin) == 0
        assert "every provider of the organization" in hub.out
    assert hub("publishers", "secretless-only", "on") == 2
    assert hub("publishers", "attested-only", "acme/weather", "on") == 0
    assert "with attestations alone" in hub.out
    assert hub("publishers", "list", "acme/weather") == 0
    assert "A version without attestations is refused" in hub.out
    assert hub("publishers", "attested-only", "acme/weather", "off") == 1
    assert "an admin signs in" in hub.err
    assert hub("publishers", "attested-only", "acme/weather", "off", *as_admin) == 0
    assert hub.json("publishers", "remove", "acme/weather", publisher["id"]) == {"removed": publisher["id"]}
    assert hub("publishers", "remove", "acme/weather", publisher["id"]) == 1
    assert hub("publishers", "token") == 3
    assert "id-token: write" in hub.err


def test_versions_say_where_they_came_from(hub: Hub, tenants: Tenants) -> None:
    run = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, repository="acme/sun", commit="4f2a9c1e8b7d6a5c")
    run = replace(run, run_url="https://github.com/acme/sun/actions/runs/1")
    tenants.release(replace(version("1.2.0"), published_by=run))
    tenants.release(replace(version("1.1.0"), published_by=PublishedBy("mch_acme", PublisherKind.MACHINE)))
    assert hub("versions", "acme/weather", "--limit", "4") == 0
    lines = {line.split()[0]: line for line in hub.out.splitlines()}
    assert "acme/sun at 4f2a9c1e8b7d" in lines["1.2.0"]
    assert "a stored token (machine)" in lines["1.1.0"]
    assert "yanked" in lines["1.3.0"]
    assert len(hub.json("versions", "acme/weather")) == 5


def test_an_organization_is_told_how_much_is_kept_for_it(hub: Hub, tenants: Tenants) -> None:
    use = PublishingUse("org_acme", "2025-01-01", kept_bytes=3 * 1024**3)
    tenants.deployed.put(keys.publishing_use("org_acme"), use)
    assert hub("organization") == 0
    assert "3.00 of 50 GiB" in hub.out
    assert hub.json("organization")["stored_bytes"] == use.kept_bytes


def test_the_platform_lets_one_organization_have_more_stored(
    hub: Hub, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = PublishingUse("org_acme", "2025-01-01", kept_bytes=3 * 1024**3)
    tenants.deployed.put(keys.publishing_use("org_acme"), use)
    storage = ("console", "storage", "org_acme")
    monkeypatch.setenv("HUB_TOKEN", tenants.narrow)
    assert hub(*storage) == 1
    assert "has not the scope organizations:write" in hub.err
    monkeypatch.setenv("HUB_TOKEN", tenants.console_machine)
    assert hub(*storage) == 0, hub.err
    assert hub.out == "org_acme has 3.00 of 50 GiB stored: the limit of every organization.\n"
    assert hub(*storage, "--allow", "200") == 0
    assert hub.out == "org_acme has 3.00 of 200 GiB stored: a limit of its own.\n"
    assert hub.json(*storage)["allowed_bytes"] == 200 * 1024**3
    assert hub.json(*storage, "--default")["allowed_bytes"] is None
    assert hub(*storage, "--allow", "1", "--default") == 2
    assert hub(*storage, "--allow", "-1") == 2


def test_what_a_run_attested_is_shown_and_required(hub: Hub, tenants: Tenants) -> None:
    run = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, repository="acme/sun", commit="4f2a9c1e8b7d6a5c")
    run = replace(run, run_url="https://github.com/acme/sun/actions/runs/1", workflow="release.yml", issuer="https://i")
    run = replace(run, called_workflow="acme/shared/publish.yml")
    tenants.deployed.put(keys.provider(LAMP), provider(LAMP))
    file_name = "lamp-1.0.0-py3-none-any.whl"
    tenants.release(version("1.0.0", LAMP, published_by=run, attestations=("https://a/v1",), wheel_filename=file_name))
    stored = StoredProvenance("acme", "lamp", "1.0.0", file_name, "a" * 64, run, ('{"version": 1}',), START)
    tenants.deployed.put(keys.provenance(LAMP, "1.0.0"), stored)
    assert hub("provenance", "show", "acme/lamp", "1.0.0") == 0, hub.err
    assert "acme/sun" in hub.out
    assert "acme/shared/publish.yml" in hub.out
    assert hub.json("provenance", "show", "acme/lamp", "1.0.0")["attestation_bundles"][0]["attestations"]
    assert hub("provenance", "show", "acme/weather", "1.0.0") == 1
    assert "without attestations" in hub.err
    required = hub.json("provenance", "require", "github", "acme/*", "--ref", "refs/tags/*")["require_provenance"]
    assert required == {
        "issuer": "https://token.actions.githubusercontent.com",
        "repository": "acme/*",
        "ref": "refs/tags/*",
    }
    assert hub("provenance", "require", "gitlab", "acme/lamp", "--provider", "acme/lamp") == 0
    assert hub("provenance", "list") == 0
    assert [line.split()[0] for line in hub.out.splitlines()] == ["PROVIDER", "acme/lamp", "every"]
    assert hub("install", "acme/lamp") == 1
    assert "requires an attestation of acme/lamp by https://gitlab.com" in " ".join(hub.err.split())
    assert hub("provenance", "exempt", "--provider", "acme/lamp") == 0
    assert hub("provenance", "drop", "acme/lamp") == 0
    assert hub("provenance", "drop", "acme/lamp") == 1
    assert hub("provenance", "exempt") == 0
    assert "nothing" in hub.out


def test_logs_of_what_runs_nowhere_are_empty_and_say_what_is_missing(hub: Hub) -> None:
    assert hub("logs", "acme/busy", "--since", "10m") == 0
    assert (hub.out, "cannot be read at the moment" in hub.err) == ("", True)
    assert hub("logs", "acme/nowhere", "-f") == 1
    assert "acme/nowhere is not installed" in hub.err
