"""Published SDKs, unmodified, against the running stack: every method that they share with this API.

The seeds are of the time of SDK 3.0 to 5.0, which must work whole. SDK 18 publishes by another protocol and has another
word for an organization's status; it reads and changes what it shares with this API.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from local_stack import sample_wheels
from local_stack.api_client import ApiClient
from local_stack.running import Stack
from provider_hub.actions import keys
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.names import ProviderName
from tests.builders import dead_letter
from tests.e2e.clients import page
from tests.e2e.clients.conftest import Start
from tests.e2e.clients.environments import environment_of
from tests.e2e.tenant import METADATA, Tenant

SCRIPT = Path(__file__).with_name("sdk_calls.py")
SAMPLE = Path(__file__).parents[3] / "examples" / "weather"
OF_THE_SEEDS = ("3.0.0", "4.0.0", "4.2.0", "5.0.0")
LATER = "18.0.0"
ALL = (*OF_THE_SEEDS, LATER)

Call = Mapping[str, Any]
Outcomes = list[dict[str, Any]]


class Sdk:
    """One version in its own environment, imported once; one run of calls at a time."""

    def __init__(self, version: str, folder: Path) -> None:
        self._files = {kind: folder / f"{version}-{kind}" for kind in ("answer", "output", "errors")}
        self._turn = threading.Lock()
        command = [environment_of(f"sdk-{version}") / "bin" / "python", SCRIPT]
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, stack: Stack, tenant: Tenant, calls: Sequence[Call], variables: Mapping[str, str]) -> Outcomes:
        given = {"url": stack.info.api_url, "token": stack.tokens.user(tenant.slug), "calls": calls}
        files = {kind: str(path) for kind, path in self._files.items()}
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        with self._turn:
            for path in self._files.values():
                path.write_text("")
            print(json.dumps({**given, **files, "variables": variables}), file=self.program.stdin, flush=True)
            said = self.program.stdout.readline()
            assert said, f"the process of the SDK has ended with {self.program.wait()}"
            status = int(said)
            printed, errors = self._files["output"].read_text(), self._files["errors"].read_text()
        assert status == 0, errors
        return [json.loads(line) for line in printed.splitlines()]


class Run(Protocol):
    """What each call came to, made by the SDK of that version."""

    def __call__(
        self, stack: Stack, version: str, tenant: Tenant, calls: Sequence[Call], **variables: str
    ) -> Outcomes: ...


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs calls of any version; its process is started once, with the others."""
    folder = tmp_path_factory.mktemp("sdks")
    sdks = {}
    with ExitStack() as exits:
        for version in ALL:
            sdks[version] = Sdk(version, folder)
            exits.enter_context(sdks[version].program)
        yield lambda stack, version, tenant, calls, **variables: sdks[version].run(stack, tenant, calls, variables)


def check_all_ok(outcomes: Sequence[Mapping[str, Any]]) -> None:
    failed = [outcome for outcome in outcomes if outcome["outcome"] == "failed"]
    assert not failed, json.dumps(failed, indent=1)


def check_documented(version: str, outcomes: Outcomes) -> None:
    page.check_documented(f"SDK {version}", {outcome["method"]: outcome["outcome"] for outcome in outcomes})


def named(kind: str, version: str) -> str:
    """A slug of an organization for one client in one test."""
    return f"{kind}-{version.replace('.', '-')}"


def publish_for_the_platform(stack: Stack, wheel: Path) -> None:
    """As its release CI does; the same again changes nothing."""
    body = {
        "name": "platform/weather",
        "version": "1.0.0",
        "wheel_url": stack.add_wheel(wheel).url,
        "metadata": METADATA,
    }
    client = ApiClient(stack.info.api_url, stack.tokens.console_machine())
    client.call("POST", "/console/provider-versions", body, expect=[200, 201])


def life_of(name: str, letters: Sequence[str]) -> list[Call]:
    """Reads, then an installation from its beginning to its end, then three dead letters."""
    shown, retried, deleted = letters
    return [
        {"method": "is_healthy"},
        {"method": "get_me"},
        {"method": "list_providers"},
        {"method": "get_provider", "args": [name]},
        {"method": "list_provider_versions", "args": [name]},
        {"method": "update_provider", "args": [name, {"description": "Told by an SDK"}]},
        {"method": "install_provider", "args": [name], "kwargs": {"version": "1.0.0"}},
        {"until": [name, "available"]},
        {"method": "list_installations"},
        {"method": "get_deployment_status", "args": [name]},
        {"method": "upgrade_provider", "args": [name]},
        {"until": [name, "available"]},
        {"method": "downgrade_provider", "args": [name, "1.0.0"]},
        {"until": [name, "available"]},
        {"method": "deploy_provider", "args": [name]},
        {"method": "uninstall_provider", "args": [name], "kwargs": {"cascade": True}},
        {"until": [name, None]},
        {"method": "delete_provider", "args": [name]},
        {"method": "list_dead_letter_events"},
        {"method": "get_dead_letter_event", "args": [shown]},
        {"method": "retry_dead_letter_event", "args": [retried]},
        {"method": "delete_dead_letter_event", "args": [deleted]},
        {"method": "retry_all_dead_letter_events"},
        {"method": "delete_dead_letter_events", "kwargs": {"all": True}},
    ]


@pytest.fixture(scope="module")
def lives(
    stack: Stack,
    store: FirestoreStore,
    start: Start[Outcomes],
    ran: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Future[Outcomes]]:
    """The life of each SDK's provider, all at the same time."""
    wheels = [sample_wheels.build_wheel(text, tmp_path_factory.mktemp(text)) for text in ("1.0.0", "1.1.0")]

    def live(version: str) -> Outcomes:
        tenant = Tenant(stack, named("sdk", version))
        for text, wheel in zip(("1.0.0", "1.1.0"), wheels, strict=True):
            tenant.publish("weather", text, wheel)
        letters = [f"{tenant.slug}-{which}" for which in ("shown", "retried", "deleted")]
        for letter in letters:
            record = dead_letter(letter, ProviderName(tenant.slug, "weather"))
            store.transact(
                lambda transaction, letter=letter, record=record: transaction.write(keys.dead_letter(letter), record)
            )
        return ran(stack, version, tenant, life_of(f"{tenant.slug}/weather", letters))

    return start(live, ALL)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ALL)
def test_an_sdk_reads_installs_changes_and_removes_a_provider(lives: dict[str, Future[Outcomes]], version: str) -> None:
    outcomes = lives[version].result()
    check_all_ok(outcomes)
    check_documented(version, outcomes)
    results = {outcome["method"]: outcome["result"] for outcome in outcomes}
    assert len(results["list_dead_letter_events"]) == 3
    assert results["get_dead_letter_event"] in results["list_dead_letter_events"]
    assert results["retry_all_dead_letter_events"] == 1


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", OF_THE_SEEDS)
def test_an_sdk_of_the_seeds_time_reads_its_organization(stack: Stack, ran: Run, version: str) -> None:
    calls = [{"method": "list_organizations"}, {"method": "get_organization", "args": ["me"]}]
    outcomes = ran(stack, version, Tenant(stack, named("org", version)), calls)
    check_all_ok(outcomes)
    check_documented(version, outcomes)
    assert outcomes[1]["result"]["status"] == "active"


@pytest.mark.timeout(900)
def test_a_later_sdk_wants_another_word_for_an_organizations_status(stack: Stack, ran: Run) -> None:
    """Two generations contradict each other: the seeds' time reads `active`, SDK 6 and later read `ready`."""
    calls = [{"method": "list_organizations"}, {"method": "get_organization", "args": ["me"]}]
    outcomes = ran(stack, LATER, Tenant(stack, named("org", LATER)), calls)
    assert (outcomes[0]["outcome"], "status" in outcomes[0]["error"]) == ("failed", True)
    check_documented(LATER, outcomes)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["4.0.0", "4.2.0", "5.0.0"])
def test_an_sdk_of_the_seeds_time_publishes_and_reads_the_answer(
    stack: Stack, ran: Run, tmp_path: Path, version: str
) -> None:
    tenant = Tenant(stack, named("ci", version))
    added = stack.add_wheel(sample_wheels.build_wheel("1.0.0", tmp_path))
    release = {
        "name": f"{tenant.slug}/weather",
        "version": "1.0.0",
        "wheel_url": added.url,
        "sha256": added.sha256,
        "schemas": {},
        "metadata": METADATA,
    }
    outcomes = ran(stack, version, tenant, [{"method": "register_provider_version", "kwargs": release}] * 2)
    check_all_ok(outcomes)
    check_documented(version, outcomes)
    assert outcomes[0]["result"] == outcomes[1]["result"]
    assert outcomes[0]["result"]["runtime_version"]


@pytest.mark.timeout(900)
def test_the_oldest_sdk_builds_uploads_and_publishes_a_further_version(stack: Stack, ran: Run, tmp_path: Path) -> None:
    """SDK 3 sends no metadata, which a provider's first version needs, so the first one is published without it.

    It has `uv` build the wheel and upload it to a registry. Here both are this machine's: the wheel is on its host.
    """
    version = OF_THE_SEEDS[0]
    tenant = Tenant(stack, named("ci", version))
    tenant.publish("weather", "0.9.0", sample_wheels.build_wheel("0.9.0", tmp_path))
    wheel = sample_wheels.build_wheel("1.0.0", tmp_path)
    stack.add_wheel(wheel)
    source = shutil.copytree(SAMPLE, tmp_path / "source")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\nif [ "$1" = build ]; then cp "{wheel}" "$4"; fi\n')
    uv.chmod(0o755)

    repository = urlsplit(stack.info.wheels_url).netloc
    publish = {"method": "publish_provider", "args": [str(source)], "kwargs": {"artifact_repo": repository}}
    outcomes = ran(stack, version, tenant, [publish], PATH=f"{uv.parent}:{os.environ['PATH']}")

    check_all_ok(outcomes)
    check_documented(version, outcomes)
    assert outcomes[0]["result"]["version"] == "1.0.0"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ALL)
def test_an_sdk_finds_a_public_provider_of_another_organization_and_of_the_platform(
    stack: Stack, ran: Run, tmp_path: Path, version: str
) -> None:
    publish_for_the_platform(stack, sample_wheels.build_wheel("1.0.0", tmp_path))
    author = Tenant(stack, named("author", version))
    author.publish(
        "weather", "1.0.0", sample_wheels.build_wheel("1.0.0", tmp_path), metadata={**METADATA, "scope": "public"}
    )
    name = f"{author.slug}/weather"
    names = (name, "platform/weather")
    reads = [
        {"method": method, "args": [each]} for method in ("get_provider", "list_provider_versions") for each in names
    ]
    outcomes = ran(stack, version, Tenant(stack, named("reader", version)), [*reads, {"method": "list_providers"}])
    check_all_ok(outcomes)
    assert [outcome["result"]["scope"] for outcome in outcomes[:2]] == ["public", "public"]
