"""A furnished project: what the HTTP tests install, publish and refuse against."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from tests.builders import ACME, CLOUD, OTHER, RUNTIME, WEATHER, provider, version, wish
from tests.fakes import START
from tests.integration.backend import Documents
from tests.runtime_harness import make_wheel

from local_stack.issuer import Realm
from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import AddedWheel, add_wheel
from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import ProviderVersion, VersionStatus, search_tokens
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import SlugClaim
from provider_hub.domain.records import InstalledCount

RADIO = ProviderName("acme", "radio")
LEAVING = ProviderName("acme", "leaving")
BUSY = ProviderName("acme", "busy")
EMPTY = ProviderName("acme", "empty")
SECRET = ProviderName("other", "secret")


class Project(Protocol):
    """What holds the functions: in the test's own process, or a running stack."""

    around: Any
    documents: Documents
    store: FirestoreStore

    def call(self, method: str, path: str, token: str | None = None, **given: Any) -> Any: ...
    def put(self, key: Key[Any], record: Any) -> None: ...


class Tenants:
    """Acme, with providers and installations in several states; and Other, whose things are none of Acme's.

    Acme has `acme/weather` installed at 1.1.0 of 1.0.0, 1.1.0, 1.2.0 and the yanked 1.3.0; `acme/leaving` is being
    removed; `acme/busy` manages resources; `acme/radio` and `platform/cloud` are not installed.
    """

    def __init__(self, deployed: Project) -> None:
        self.deployed = deployed
        self.issuer = deployed.around.issuer

    @cached_property
    def user(self) -> str:
        return self.issuer.user("acme")

    @cached_property
    def machine(self) -> str:
        return self.issuer.machine("acme")

    @cached_property
    def other(self) -> str:
        return self.issuer.user("other")

    @cached_property
    def full(self) -> str:
        """A customer whose organization may have no further installation, where a test furnished that."""
        return self.issuer.user("full")

    @cached_property
    def shopkeeper(self) -> str:
        return self.issuer.user("shop")

    @cached_property
    def console_machine(self) -> str:
        return self.issuer.console_machine()

    @cached_property
    def narrow(self) -> str:
        """A console machine whose token may read."""
        return self.issuer.console_machine(scopes=["read"])

    @cached_property
    def leaver(self) -> str:
        """A customer of an organization that has nothing."""
        return self.issuer.user("leaver")

    @cached_property
    def console_user(self) -> str:
        return self.issuer.console_user()

    @cached_property
    def homeless(self) -> str:
        """A customer whose token names no organization."""
        return self.issuer.user("acme", organization=False)

    @cached_property
    def expired(self) -> str:
        return self.issuer.user("acme", lifetime=-3600)

    @cached_property
    def misnamed(self) -> str:
        """A customer of an organization whose slug is a reserved word."""
        return self.token(org_id="org_x", org_slug="platform")

    @cached_property
    def squatter(self) -> str:
        """A customer of another organization that calls itself acme."""
        return self.token(org_id="org_squatter", org_slug="acme")

    def token(self, **claims: Any) -> str:
        return self.issuer._mint(Realm.CUSTOMER, {"sub": "user_1", **claims}, 600)

    def furnish(self) -> None:
        """Store all of it, as of the past, in one commit."""

        def decide(transaction: Any) -> None:
            for key, record in self._furniture():
                transaction.write(key, record)

        self.deployed.store.transact(decide)

    def release(self, released: ProviderVersion) -> None:
        self.deployed.put(*_release(released))

    def install(self, name: ProviderName, text: str, **changes: Any) -> Installation:
        key, row = _installed(name, text, **changes)
        self.deployed.put(key, row)
        return row

    @staticmethod
    def _furniture() -> Iterator[tuple[Key[Any], Any]]:
        yield keys.runtime_version(RUNTIME.version), RUNTIME
        for organization in (ACME, OTHER):
            yield keys.organization(organization.organization_id), organization
            yield keys.slug(organization.slug), SlugClaim(organization.slug, organization.organization_id)
        for name in (WEATHER, RADIO, LEAVING, BUSY, SECRET, CLOUD):
            row = provider(name, latest_version="1.2.0" if name == WEATHER else "1.0.0", description="Tells things")
            yield keys.provider(name), replace(row, search_tokens=search_tokens(row))
            yield _release(version("1.0.0", name))
        yield keys.provider(EMPTY), provider(EMPTY, latest_version=None)
        yield _release(version("2.0.0", RADIO, status=VersionStatus.YANKED, yanked_by_platform=True))
        yield _release(version("3.0.0", RADIO, status=VersionStatus.BUILDING))
        yield _release(version("1.1.0"))
        yield _release(version("1.2.0"))
        yield _release(version("1.3.0", status=VersionStatus.YANKED))
        yield _release(version("1.4.0", status=VersionStatus.BUILDING))
        yield _installed(WEATHER, "1.1.0")
        yield _installed(LEAVING, "1.0.0", lifecycle_state=LifecycleState.DELETING)
        yield _installed(BUSY, "1.0.0", active_resources=3)
        yield _installed(SECRET, "1.0.0", organization_id="org_other", organization_slug="other")
        for organization, installed in ((ACME, 3), (OTHER, 1)):
            count = InstalledCount(organization.organization_id, installed, START)
            yield keys.installed_count(organization.organization_id), count

    def host_wheel(self, directory: Path, name: str = "weather", text: str = "2.0.0", **kind: Any) -> AddedWheel:
        """A real wheel on the stand-in's HTTPS host."""
        host = wheels_dir(self.deployed.around.state_dir)
        hosted = host / f"{name}-{text}-py3-none-any.whl"
        if not hosted.exists():
            hosted = make_wheel(directory, {f"{name}.py": "VALUE = 1\n"}, name=name, version=text, **kind)
        return add_wheel(hosted, host, self.deployed.around.wheels_url)


def _release(released: ProviderVersion) -> tuple[Key[ProviderVersion], ProviderVersion]:
    return keys.version(released.provider_name, released.version), released


def _installed(name: ProviderName, text: str, **changes: Any) -> tuple[Key[Installation], Installation]:
    row = wish(prefix=name.prefix, name=name.name, lifecycle_state=LifecycleState.READY)
    row = replace(row, revision=replace(row.revision, version=text), **changes)
    return keys.installation(row.organization_id, name), row
