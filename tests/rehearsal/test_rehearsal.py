"""The deployment's own smoke test passes on what Terraform would deploy, where every call needs what Google demands.

Terraform plans and applies the small example offline. Each function then runs from its zip, in an environment of its
own requirements, with the variables of its service and the credentials of its account. What this cannot show is listed
in `NOT_SHOWN`.
"""

import asyncio
import re
import shutil
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, BatchGetDocumentsResponse
from terraform.tools import smoke
from terraform.tools.smoke import Api, Sample, SmokeFailed, Waits

from local_stack.emulators import EmulatorHosts
from local_stack.sample_wheels import build_wheel, digest
from tests.function_site import installed_distributions, site_maker
from tests.rehearsal.deployment import Deployment, Grant
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
    """What one apply made, running on the loop; `token` is good, and of an account that nothing is granted to."""

    on: Ground
    deployment: Deployment
    stage: Stage
    loop: asyncio.AbstractEventLoop

    @property
    def token(self) -> str:
        return self.stage.iam.access_token(NOBODYS)

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def url_of(self, function: str) -> str:
        service = next(one for one in self.deployment.services if one.function == function)
        return service.environment["HUB_CALLER_AUDIENCE"]

    def post(
        self, way_out: str, url: str, token: str | None, method: str = "POST", json: Any = None
    ) -> requests.Response:
        """A call through one of the stage's proxies; to the cluster where none is named."""
        proxies = {"https": getattr(self.stage, way_out)} if way_out else {}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(
            method,
            url if way_out else f"{self.stage.cluster_url}{url}",
            headers=headers,
            json={} if json is None else json,
            proxies=proxies,
            verify=str(self.on.bundle),
            timeout=30,
        )

    def firestore(self, request: BatchGetDocumentsRequest, token: str | None) -> grpc.StatusCode:
        """How Firestore's stand-in ends the call."""
        credentials = grpc.ssl_channel_credentials(self.on.bundle.read_bytes())
        options = (("grpc.http_proxy", self.stage.proxy),)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        with grpc.secure_channel("firestore.googleapis.com:443", credentials, options) as channel:
            call = channel.unary_stream(
                "/google.firestore.v1.Firestore/BatchGetDocuments",
                request_serializer=BatchGetDocumentsRequest.serialize,
                response_deserializer=BatchGetDocumentsResponse.deserialize,
            )
            try:
                list(call(request, metadata=metadata, timeout=30))
            except grpc.RpcError as error:
                code: grpc.StatusCode = error.code()
                return code
        return grpc.StatusCode.OK

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
def rehearsal(emulator_hosts: EmulatorHosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    site_of = site_maker(installed_distributions(), lambda: tmp_path_factory.mktemp("site"))
    with ground(tmp_path_factory.mktemp("ground"), PROJECT) as on:
        deployment, zips = _deployed(on)
        stage = Stage(on, deployment, zips, emulator_hosts, site_of, tmp_path_factory.mktemp("stage"))
        with _entered(stage) as loop:
            yield Rehearsal(on, deployment, stage, loop)


def test_what_terraform_deploys_publishes_installs_and_becomes_ready(rehearsal: Rehearsal) -> None:
    stage = rehearsal.stage
    said: list[str] = []
    try:
        smoke.run(Api(stage.url, lambda: stage.issuer.machine("acme")), rehearsal.sample(), WAITS, said.append)
    except SmokeFailed as failure:
        raise AssertionError(f"{failure}\nrefused:\n{stage.refused()}\n{stage.logs()}") from failure
    assert any(line.startswith("READY after") for line in said)
    print(NOT_SHOWN)


# Each grant that the smoke test's way needs, what is refused without it, and where the smoke test stops then.
TASKS_ACCOUNT = f"hub-tasks@{PROJECT}.iam.gserviceaccount.com"
BUCKET = f"{PROJECT}-hub-artifacts"
WITHHELD = {
    "no-documents": ("roles/datastore.user on project", "lacks datastore.entities.get on projects/.*/hub-database"),
    "no-invoker": ("roles/run.invoker on hub-installer", "hub-installer: .* may not invoke it"),
    "no-schedule": ("roles/run.invoker on hub-sweeper", "hub-sweeper: .* may not invoke it"),
    "no-publisher": ("roles/pubsub.publisher on hub-installation-events", "lacks pubsub.topics.publish"),
    "no-queue": ("roles/cloudtasks.enqueuer on hub-deadlines", "lacks cloudtasks.tasks.create on hub-deadlines"),
    "no-lending": (f"roles/iam.serviceAccountUser on {TASKS_ACCOUNT}", "lacks iam.serviceAccounts.actAs"),
    "no-cluster": ("hub_writes_cluster on project", "lacks container.clusters.connect"),
    "no-check-ins": ("roles/pubsub.publisher on hub-runtime-check-ins", "lacks pubsub.topics.publish"),
    "no-wheels": (f"hub_gets_objects on {BUCKET}", "principalSet.* lacks storage.objects.get"),
    "no-sealing": ("roles/cloudkms.cryptoKeyEncrypter on hub-config-values", "lacks cloudkms.*useToEncrypt"),
    "no-opening": ("roles/cloudkms.cryptoKeyDecrypter on hub-config-values", "lacks cloudkms.*useToDecrypt"),
    "no-bucket": (f"roles/storage.objectCreator on {BUCKET}", "lacks storage.objects.create"),
    "no-signer": ("roles/iam.serviceAccountTokenCreator on {account}", "lacks iam.serviceAccounts.signBlob"),
}


@pytest.mark.parametrize("slug", WITHHELD)
def test_without_a_grant_the_rehearsal_fails(rehearsal: Rehearsal, slug: str) -> None:
    withheld, refused = WITHHELD[slug]
    stage = rehearsal.stage
    stage.forget_refusals()
    account = next(one.account for one in rehearsal.deployment.services if one.function in ("publishing", "api"))
    lacking = rehearsal.deployment.without(withheld.format(account=account))
    with lacking, pytest.raises(SmokeFailed):
        smoke.run(ApiUntilRefused(stage, slug, refused), rehearsal.sample(), WAITS, print)
    assert re.search(refused, stage.refused())


def test_a_grant_that_nothing_makes_cannot_be_withheld(rehearsal: Rehearsal) -> None:
    """Else a case above could pass by another refusal."""
    account = next(one.account for one in rehearsal.deployment.services if one.function in ("publishing", "api"))
    made = {f"{grant.role} on {grant.on}" for grant in rehearsal.deployment.grants}
    assert {withheld.format(account=account) for withheld, _ in WITHHELD.values()} <= made


NOBODYS = "nobody@demo-project.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("account", "audience", "why"),
    [
        (None, None, "the caller's token is not good"),
        ("hub-push@demo-project.iam.gserviceaccount.com", "https://elsewhere.example", "Audience doesn't match"),
        (NOBODYS, None, f"{NOBODYS} may not invoke it"),
    ],
)
@pytest.mark.parametrize("function", ["installer", "deadlines", "sweeper"])
def test_pub_sub_tasks_and_scheduler_reach_no_function_without_the_token_that_is_set_for_them(
    rehearsal: Rehearsal, function: str, account: str | None, audience: str | None, why: str
) -> None:
    stage = rehearsal.stage
    stage.forget_refusals()
    url = rehearsal.url_of(function)
    token = stage.issuer.service_account(account, audience or url) if account else "none"
    status, _, _ = rehearsal.wait(stage.run.request("POST", url, {"Authorization": f"Bearer {token}"}, b"{}"))
    assert status == 403
    assert why in stage.refused()


CALLERS = {"installer": "hub-push", "deadlines": "hub-tasks", "sweeper": "hub-scheduler"}


@pytest.mark.parametrize("function", CALLERS)
def test_whoever_may_invoke_more_than_they_should_is_let_in_by_iam_and_refused_by_the_function(
    rehearsal: Rehearsal, function: str
) -> None:
    stage, url = rehearsal.stage, rehearsal.url_of(function)
    trusted = f"{CALLERS[function]}@{PROJECT}.iam.gserviceaccount.com"
    forged, _, _ = stage.issuer.service_account(trusted, url).rpartition(".")
    own = f"Bearer {stage.issuer.service_account(NOBODYS, url)}"
    tries = [
        {"Authorization": own},
        {"X-Serverless-Authorization": own},
        {"X-Serverless-Authorization": own, "Authorization": f"Bearer {forged}.SIGNATURE_REMOVED_BY_GOOGLE"},
        {"x-serverless-authorization": own, "authorization": f"Bearer {forged}.SIGNATURE_REMOVED_BY_GOOGLE"},
    ]
    with rehearsal.deployment.beside(Grant(f"serviceAccount:{NOBODYS}", "roles/run.invoker", "project")):
        answers = [rehearsal.wait(stage.run.request("POST", url, headers, b"{}"))[0] for headers in tries]
    assert answers == [401] * len(tries)
    assert rehearsal.wait(stage.run.request("POST", url, tries[0], b"{}"))[0] == 403, "without that grant"


# What is behind the functions' way out, and the pods'; each wants an access token.
KEY = f"projects/{PROJECT}/locations/europe-west1/keyRings/hub/cryptoKeys/hub-config-values"
CALLS = {
    "keys": ("proxy", f"https://cloudkms.googleapis.com/v1/{KEY}:encrypt"),
    "signatures": ("proxy", f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{NOBODYS}:signBlob"),
    "topics": ("pods_proxy", f"https://pubsub.googleapis.com/v1/projects/{PROJECT}/topics/hub-version-events:publish"),
    "the cluster": ("", "/api/v1/namespaces/default/pods"),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_served_without_an_access_token_or_for_an_account_without_grants(
    rehearsal: Rehearsal, name: str
) -> None:
    way_out, url = CALLS[name]
    answers = [rehearsal.post(way_out, url, token).status_code for token in (None, "ya29.made-up", rehearsal.token)]
    assert answers == [401, 401, 403]


def test_objects_are_not_read_without_a_token_or_a_signature(rehearsal: Rehearsal) -> None:
    url = f"https://storage.googleapis.com/{BUCKET}/sha256/00/{'0' * 64}/w.whl"
    assert {rehearsal.post("proxy", url, token, "GET").status_code for token in (None, rehearsal.token)} <= {401, 403}


def test_firestore_is_not_read_without_a_token(rehearsal: Rehearsal) -> None:
    request = BatchGetDocumentsRequest(database=f"projects/{PROJECT}/databases/hub-database")
    assert rehearsal.firestore(request, None) == grpc.StatusCode.UNAUTHENTICATED
    installer = next(one.account for one in rehearsal.deployment.services if one.function == "installer")
    token = rehearsal.stage.iam.access_token(installer)
    elsewhere = BatchGetDocumentsRequest(database=f"projects/{PROJECT}/databases/another-hubs")
    assert rehearsal.firestore(elsewhere, token) == grpc.StatusCode.PERMISSION_DENIED, "the grant is for one database"


def test_a_key_opens_what_was_sealed_with_it_and_bound_to_the_same(rehearsal: Rehearsal) -> None:
    account = {one.function: one.account for one in rehearsal.deployment.services}
    seals, opens = (rehearsal.stage.iam.access_token(account[name]) for name in ("installations", "installer"))
    url = f"https://cloudkms.googleapis.com/v1/{KEY}"
    body = {"plaintext": "c2VjcmV0", "additionalAuthenticatedData": "b3duZXI="}
    sealed = rehearsal.post("proxy", f"{url}:encrypt", seals, json=body).json()
    bound = {**sealed, "additionalAuthenticatedData": "b3duZXI="}
    assert rehearsal.post("proxy", f"{url}:decrypt", opens, json=bound).json() == {"plaintext": "c2VjcmV0"}
    assert rehearsal.post("proxy", f"{url}:decrypt", opens, json=sealed).status_code == 400
    assert rehearsal.post("proxy", f"{url}:decrypt", seals, json=bound).status_code == 403
    assert rehearsal.post("proxy", f"{url}-2:encrypt", seals, json=body).status_code == 404


def test_the_metadata_server_tells_nothing_without_its_header(rehearsal: Rehearsal) -> None:
    url = f"{rehearsal.stage.metadata_urls['installer']}/computeMetadata/v1/instance/service-accounts/default/token"
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.get(url, headers={"Metadata-Flavor": "Google"}, timeout=10).json()["access_token"]


def test_functions_and_pods_reach_no_host_that_they_need_not(rehearsal: Rehearsal) -> None:
    for way_out in ("proxy", "pods_proxy"):
        with pytest.raises(requests.exceptions.ProxyError):
            rehearsal.post(way_out, "https://elsewhere.example/", None)


def test_the_audit_says_from_where_a_caller_came_and_believes_nothing_that_it_wrote(rehearsal: Rehearsal) -> None:
    stage = rehearsal.stage
    forged = {"Authorization": f"Bearer {stage.issuer.machine('afar')}", "X-Forwarded-For": "198.51.100.7"}
    body = smoke.publication("afar", rehearsal.sample())
    published = requests.post(f"{stage.url}/provider-versions", headers=forged, json=body, timeout=60)
    assert published.status_code == 201, published.text
    token = {"Authorization": f"Bearer {stage.issuer.console_machine()}"}
    audit = requests.get(f"{stage.url}/console/audit", headers=token, timeout=30).json()
    entries = [entry for entry in audit["items"] if entry["subject"].startswith("afar/")]
    assert entries
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}, "not the forged one, nor the load balancer's"


@contextmanager
def _entered(stage: Stage) -> Iterator[asyncio.AbstractEventLoop]:
    """The stage on an event loop of its own, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stage")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(stage.__aenter__(), loop).result()
        try:
            yield loop
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
        terraform.apply()
        state = terraform.state()
    return Deployment(state), folder / "terraform" / ".build"
