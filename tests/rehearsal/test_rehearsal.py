"""The deployment's own smoke test passes on what Terraform would deploy, where every call needs what Google demands.

Terraform plans and applies the small example offline. Each function then runs from its zip, in an environment of its
own requirements, with the variables of its service and the credentials of its account. What this cannot show is listed
in `NOT_SHOWN`.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from terraform.tools import smoke
from terraform.tools.smoke import Api, Sample, SmokeFailed, Waits

from local_stack.emulators import EmulatorHosts, emulators
from local_stack.sample_wheels import build_wheel, digest
from tests.function_site import installed_distributions, site_maker
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.stage import Ground, Stage, ground
from tests.rehearsal.terraform_cli import working_copy

PROJECT = "demo-project"
WAITS = Waits(reachable=60, ready=120, gone=120, poll=0.2)
# What is withheld shows as soon as the smoke test has waited this long in vain.
IMPATIENT = replace(WAITS, ready=20)
NOT_SHOWN = """\
The rehearsal does not show: quotas and regions, organization policies, how long grants and indexes take to arrive, the
build of the functions' and the runtime's images, a public wheel host, TLS and certificates of the load balancer, the
Python of Cloud Run's base image (it runs on this machine's), and what pods may reach beyond Pub/Sub."""

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH"),
    pytest.mark.timeout(400),
]


@dataclass(frozen=True)
class Prepared:
    """What one apply made, and what every stage stands on."""

    on: Ground
    deployment: Deployment
    zips: Path
    hosts: EmulatorHosts
    site_of: Callable[[Path], Path]


@pytest.fixture(scope="module")
def prepared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    installed = installed_distributions(Path(pytestconfig.cache.mkdir("functions")))
    site_of = site_maker(installed, lambda: tmp_path_factory.mktemp("site"))
    with ground(tmp_path_factory.mktemp("ground"), PROJECT) as on, emulators() as hosts:
        deployment, zips = _deployed(on)
        yield Prepared(on, deployment, zips, hosts, site_of)


def test_what_terraform_deploys_publishes_installs_and_becomes_ready(prepared: Prepared, tmp_path: Path) -> None:
    said = asyncio.run(_rehearse(prepared, tmp_path, "acme", WAITS))
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
def test_without_a_grant_the_rehearsal_fails(
    prepared: Prepared, tmp_path: Path, slug: str, withheld: str, refused: str
) -> None:
    lacking = replace(prepared, deployment=Deployment(prepared.deployment.state, withheld=frozenset({withheld})))
    with pytest.raises(AssertionError, match=rf"(?s)refused:\n.*{refused}"):
        asyncio.run(_rehearse(lacking, tmp_path, slug, IMPATIENT))


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


async def _rehearse(prepared: Prepared, scratch: Path, slug: str, waits: Waits) -> list[str]:
    """Run the smoke test on a stage; gives what it said. Raises AssertionError with every refusal and log."""
    said: list[str] = []
    wheel = await asyncio.to_thread(build_wheel, "1.0.0", prepared.on.wheels)
    async with Stage(
        prepared.on, prepared.deployment, prepared.zips, prepared.hosts, prepared.site_of, scratch
    ) as stage:
        api = Api(stage.url, lambda: stage.issuer.machine(slug))
        sample = Sample("1.0.0", prepared.on.wheel_url(wheel), digest(wheel))
        try:
            await asyncio.to_thread(smoke.run, api, sample, waits, said.append)
        except SmokeFailed as failure:
            refused = "\n".join([*stage.iam.refusals, *stage.run.refusals])
            raise AssertionError(f"{failure}\nrefused:\n{refused}\n{stage.logs()}") from failure
    return said
