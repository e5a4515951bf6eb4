"""An author asks that a version is locked again; the sweeper does it (`relock`), and the catalog loads none of that."""

from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import Transaction
from provider_hub.actions.provider_access import changeable_version
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import ProviderVersion, VersionStatus
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName


def request_relock(services: Services, by: Actor, name: ProviderName, text: str) -> ProviderVersion:
    """Have the version's dependencies resolved again. Raises NotFound, Forbidden, or Conflict for one not published."""

    def decide(transaction: Transaction) -> ProviderVersion:
        provider, version = changeable_version(transaction, name, text, by)
        if version.status is not VersionStatus.PUBLISHED:
            raise Conflict(f"{name} {text} is {version.status.value}: only a published version can be locked again")
        due = replace(version, lock_due_at=services.clock(), lock_message=None)
        transaction.write(keys.version(name, text), due)
        audit.record(services, transaction, by, AuditAction.RELOCK_REQUESTED, f"{provider.canonical} {text}")
        return due

    return services.store.transact(decide)[0]
