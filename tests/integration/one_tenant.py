"""One tenant with one installed provider, and the actors that move it, each called by hand."""

from typing import Any

from tests.builders import ACME, WEATHER, provider, version
from tests.fakes import FakeCluster, FakeTasks, only
from tests.integration.actors import KEY, installer_over, registration_over, sweeper_over
from tests.integration.backend import Backend

from provider_hub.actions import change, keys
from provider_hub.actions.expire import Expiry
from provider_hub.actions.install import request_install
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.installation import Installation, InstallationRequest, Outcome
from provider_hub.domain.messages import check_in_token, decode
from provider_hub.domain.records import Topic

ROW_KEY = keys.installation(ACME.organization_id, WEATHER)


class World:
    """One tenant with one provider, whose actors are called by hand."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.cluster, self.tasks = FakeCluster(), FakeTasks()
        self.installer = installer_over(backend, self.cluster, self.tasks)
        self.registration = registration_over(backend, self.tasks)
        self.expiry = Expiry(backend.services, only(self.cluster))
        self.sweeper = sweeper_over(backend, self.cluster, self.tasks)
        backend.put(keys.provider(WEATHER), provider())
        for text in ("1.0.0", "2.0.0"):
            backend.put(keys.version(WEATHER, text), version(text))

    @property
    def row(self) -> Installation:
        found = self.backend.store.get(ROW_KEY)
        assert found
        return found

    def install(self) -> InstallationRequest:
        wanted = InstallWish(provider_name=WEATHER, version="1.0.0")
        request_install(self.backend.services, ACME, wanted, "user_1")
        return self.request()

    def upgrade(self) -> InstallationRequest:
        change.upgrade(self.backend.services, ACME, WEATHER, "2.0.0", "user_1")
        return self.request()

    def uninstall(self) -> InstallationRequest:
        change.uninstall(self.backend.services, ACME, WEATHER, cascade=False, cause="user_1")
        return self.request()

    def request(self) -> InstallationRequest:
        """The message that the installer would get."""
        (message,) = self.backend.topics.pull(Topic.INSTALLATION_EVENTS)
        return decode(InstallationRequest, message.data)

    def check_in(self, **said: Any) -> str:
        row = self.row
        generation = said.get("generation", row.generation)
        given = {
            "organization_id": row.organization_id,
            "provider": row.canonical,
            "version": row.installed_version,
            "generation": generation,
            "token": check_in_token(KEY, row.organization_id, row.installation_id, generation),
        }
        return self.registration.handle(CheckIn(**{**given, **said}))

    def deadline(self) -> Outcome:
        row = self.row
        call = DeadlineCall(row.organization_id, row.canonical, row.installation_id, row.generation)
        return self.expiry.handle(call)

    def make_ready(self) -> None:
        self.installer.handle(self.install())
        self.check_in()
