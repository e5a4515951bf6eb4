"""An author asks that a version is locked again; the sweeper does it (`relock`), and the catalog loads none of that."""

from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.version_choice import changeable
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import ProviderVersion, VersionStatus
from provider_hub.domain.errors import Conflict, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.versions import is_version


def request_relock(services: Services, by: Actor, name: ProviderName, text: str) -> ProviderVersion:
    """Have the version's dependencies resolved again. Raises NotFound, Forbidden, or Conflict for one not published."""

    def decide(transaction: Transaction) -> ProviderVersion:
        if not is_version(text):
            raise NotFound(f"{name} has no version {text[:80]}")
        found, version = transaction.read(keys.provider(name), keys.version(name, text))
        provider = changeable(found, name, by)
        if version is None:
            raise NotFound(f"{name} has no version {text}")
        if version.status is not VersionStatus.PUBLISHED:
            raise Conflict(f"{name} {text} is {version.status.value}: only what can be installed is locked again")
        due = replace(version, lock_due_at=services.clock(), lock_message=None)
        transaction.write(keys.version(name, text), due)
        audit.record(services, transaction, by, AuditAction.RELOCK_REQUESTED, f"{provider.canonical} {text}")
        return due

    return services.store.transact(decide)[0]
