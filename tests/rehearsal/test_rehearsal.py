"""The deployment's own smoke test passes on what Terraform would deploy, where every call needs what Google demands.

Terraform plans and applies the small example offline. Each function then runs from its zip, in an environment of its
own requirements, with the variables of its service and the credentials of its account. What this cannot show is listed
in `NOT_SHOWN`.
"""

import asyncio
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from terraform.tools import smoke
from terraform.tools.smoke import Api, Sample, SmokeFailed, Waits

from local_stack.emulators import emulators
from local_stack.sample_wheels import build_wheel, digest
from tests.function_site import installed_distributions, site_maker
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.stage import Ground, Stage, ground
from tests.rehearsal.terraform_cli import working_copy

PROJECT = "demo-project"
WAITS = Waits(reachable=60, ready=120, gone=120, poll=0.2)
NOT_SHOWN = """\
The rehearsal does not show: quotas and regions, organization policies, how long grants and indexes take to arrive, the
build of the functions' and the runtime's images, a public wheel host, TLS and certificates of the load balancer, the
Python of Cloud Run's base image (it runs on this machine's), and what pods may reach beyond Pub/Sub."""

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH"),
    pytest.mark.timeout(400),
]


@dataclass(frozen=True)
class Rehearsal:
    """What one apply made, running."""

    on: Ground
    deployment: Deployment
    stage: Stage

    def sample(self) -> Sample:
        wheel = build_wheel("1.0.0", self.on.wheels)
        return Sample("1.0.0", self.on.wheel_url(wheel), digest(wheel))


class ApiUntilRefused(Api):
    """The deployed API for one organization; no call is made after a stand-in refused what `refusal` matches."""

    def __init__(self, stage: Stage, slug: str, refusal: str) -> None:
        super().__init__(stage.url, lambda: stage.issuer.machine(slug))
        self._stage = stage
        self._refusal = refusal

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        if re.search(self._refusal, self._stage.refused()):
            raise SmokeFailed("a stand-in refused it")
        return super().call(method, path, body)


@pytest.fixture(scope="module")
def rehearsal(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    installed = installed_distributions(Path(pytestconfig.cache.mkdir("functions")))
    site_of = site_maker(installed, lambda: tmp_path_factory.mktemp("site"))
    with ground(tmp_path_factory.mktemp("ground"), PROJECT) as on, emulators() as hosts:
        deployment, zips = _deployed(on)
        stage = Stage(on, deployment, zips, hosts, site_of, tmp_path_factory.mktemp("stage"))
        with _entered(stage):
            yield Rehearsal(on, deployment, stage)


def test_what_terraform_deploys_publishes_installs_and_becomes_ready(rehearsal: Rehearsal) -> None:
    stage = rehearsal.stage
    said: list[str] = []
    try:
        smoke.run(Api(stage.url, lambda: stage.issuer.machine("acme")), rehearsal.sample(), WAITS, said.append)
    except SmokeFailed as failure:
        raise AssertionError(f"{failure}\nrefused:\n{stage.refused()}\n{stage.logs()}") from failure
    assert any(line.startswith("READY after") for line in said)
    print(NOT_SHOWN)


@pytest.mark.parametrize(
    ("slug", "withheld", "refused"),
    [
        ("no-invoker", "roles/run.invoker on hub-installer", "hub-installer: .* may not invoke it"),
        ("no-publisher", "roles/pubsub.publisher on hub-installation-events", "lacks pubsub.topics.publish"),
        ("no-cluster", "hub_writes_cluster on project", "lacks container.clusters.connect"),
        ("no-check-ins", "roles/pubsub.publisher on hub-runtime-check-ins", "lacks pubsub.topics.publish"),
    ],
)
def test_without_a_grant_the_rehearsal_fails(rehearsal: Rehearsal, slug: str, withheld: str, refused: str) -> None:
    rehearsal.stage.forget_refusals()
    with rehearsal.deployment.without(withheld), pytest.raises(SmokeFailed, match="a stand-in refused it"):
        smoke.run(ApiUntilRefused(rehearsal.stage, slug, refused), rehearsal.sample(), WAITS, print)


@pytest.mark.parametrize(
    ("slug", "withheld", "refused"),
    [
        ("no-bucket", f"roles/storage.objectCreator on {PROJECT}-hub-artifacts", "lacks storage.objects.create"),
        ("no-signer", "roles/iam.serviceAccountTokenCreator on {account}", "lacks iam.serviceAccounts.signBlob"),
    ],
)
def test_without_the_buckets_grants_nothing_is_published(
    rehearsal: Rehearsal, slug: str, withheld: str, refused: str
) -> None:
    stage = rehearsal.stage
    stage.forget_refusals()
    account = next(one.account for one in rehearsal.deployment.services if one.function in ("publishing", "api"))
    api = Api(stage.url, lambda: stage.issuer.machine(slug))
    lacking = rehearsal.deployment.without(withheld.format(account=account))
    with lacking, pytest.raises(SmokeFailed, match="answered 503 instead of 201"):
        smoke.run(api, rehearsal.sample(), WAITS, print)
    assert re.search(refused, stage.refused())


@contextmanager
def _entered(stage: Stage) -> Iterator[None]:
    """The stage on an event loop of its own, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stage")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(stage.__aenter__(), loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(stage.__aexit__(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _deployed(on: Ground) -> tuple[Deployment, Path]:
    """What Terraform makes of the smallest configuration, with the stage's own issuer, and the zips beside it."""
    folder = on.folder / "repository"
    folder.mkdir()
    variables = on.folder / "stage.tfvars"
    realms = "".join(
        f'{realm}_realm = {{ issuer = "{on.issuer_url}/{realm}", parties = ["hub"] }}\n'
        for realm in ("customer", "console")
    )
    variables.write_text(realms)
    with working_copy(folder) as terraform:
        terraform.plan(f"-var=project={PROJECT}", "-var=region=europe-west1", f"-var-file={variables}")
        state = terraform.apply()
    return Deployment(state), folder / "terraform" / ".build"
