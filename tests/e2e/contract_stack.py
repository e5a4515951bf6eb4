"""A stack that nothing moves but its callers, furnished as the HTTP tests furnish theirs."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from hub_cli.stack_file import StackInfo
from local_stack.emulators import EmulatorHosts
from local_stack.issuer import TokenIssuer
from local_stack.running import Stack
from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import CHANNEL_OPTIONS, FirestoreStore
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization, SlugClaim
from provider_hub.domain.records import InstalledCount
from tests.builders import FULL
from tests.e2e import wire
from tests.fakes import START
from tests.integration.backend import EMULATOR, Documents
from tests.integration.tenants import Tenants

R = TypeVar("R")

QUOTA = 10
# Suspended for longer than anything of it may be under way.
GONE = Organization("org_gone", "Gone", "gone", "suspended", START, START, suspended_reason="it left")


@dataclass(frozen=True)
class Surroundings:
    """What `Tenants` asks of the surroundings of a deployment."""

    issuer: TokenIssuer
    wheels_url: str
    state_dir: Path


@dataclass(frozen=True)
class Running:
    """The project of a running stack: called through its gateway, looked at and furnished behind its back."""

    stack: Stack
    documents: Documents
    store: FirestoreStore

    @property
    def around(self) -> Surroundings:
        return Surroundings(self.stack.tokens, self.stack.info.wheels_url, self.stack.state_dir)

    def call(self, method: str, path: str, token: str | None = None, **given: Any) -> wire.Answer:
        return wire.request(self.stack.info.api_url, method, path, token, **given)

    def put(self, key: Key[R], record: R) -> None:
        self.store.transact(lambda transaction: transaction.write(key, record))


def cluster_options() -> list[str]:
    """Of `hub up`, for the cluster that KUBECONFIG names; none without."""
    kubeconfig = os.environ.get("KUBECONFIG")
    return ["--kubeconfig", kubeconfig, "--process-node"] if kubeconfig else []


@contextmanager
def store_of(info: StackInfo) -> Iterator[FirestoreStore]:
    """The database of a running stack, behind its back."""
    with grpc.insecure_channel(info.firestore_emulator_host, options=CHANNEL_OPTIONS) as channel:
        client = FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))
        yield FirestoreStore(client, info.project, "(default)", EMULATOR)


@contextmanager
def contract_stack() -> Iterator[Tenants]:
    """Its sweeper rests: what is furnished may not be found silent, drifted or overdue meanwhile."""
    environment = {"HUB_INSTALLATION_QUOTA": str(QUOTA)}
    options = ("--sweep-seconds", "86400", *cluster_options())
    with Stack(*options, environment=environment, deadline=240) as stack:
        hosts = EmulatorHosts(stack.info.firestore_emulator_host, stack.info.pubsub_emulator_host)
        documents = Documents(hosts, stack.info.project)
        with closing(documents), store_of(stack.info) as store:
            tenants = Tenants(Running(stack, documents, store))
            tenants.furnish()
            _fill(tenants)
            tenants.deployed.put(keys.organization(GONE.organization_id), GONE)
            tenants.deployed.put(keys.slug(GONE.slug), SlugClaim(GONE.slug, GONE.organization_id))
            yield tenants


def _fill(tenants: Tenants) -> None:
    """An organization that has as many installations as it may."""
    tenants.deployed.put(keys.organization(FULL.organization_id), FULL)
    tenants.deployed.put(keys.slug(FULL.slug), SlugClaim(FULL.slug, FULL.organization_id))
    counted = InstalledCount(FULL.organization_id, QUOTA, START)
    tenants.deployed.put(keys.installed_count(FULL.organization_id), counted)
    for number in range(QUOTA):
        name = ProviderName("platform", f"p{number}")
        tenants.install(name, "1.0.0", organization_id=FULL.organization_id, organization_slug=FULL.slug)
