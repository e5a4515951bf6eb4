"""What nearly every action is given: documents, outbox, clock, new ids, deadlines; and how it applies an event."""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from typing_extensions import TypeVar

from provider_hub.actions import keys
from provider_hub.actions.known_providers import KnownProviders
from provider_hub.actions.locks import InstallationLocks
from provider_hub.actions.outbox import Outbox, installation_entry
from provider_hub.actions.ports import (
    Clock,
    ConfigChecker,
    DocumentStore,
    SchemaChecker,
    Sealer,
    Store,
    Transaction,
)
from provider_hub.actions.quota import QuotaCache
from provider_hub.actions.receiving import Receiving
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.resolution import Dependencies, Resolver
from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.domain.catalog import Scope
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import Problem
from provider_hub.domain.installation import (
    Deadlines,
    Event,
    Installation,
    LifecycleState,
    Outcome,
    Step,
    advance,
)
from provider_hub.domain.limits import OrganizationLimits
from provider_hub.domain.publishing_use import PublishingLimits
from provider_hub.domain.runtimes import RuntimeImage

log = logging.getLogger(__name__)

# Each is kept for 400 days. Whoever changes things by a loop would fill the audit with that, and the database.
AUDITED_A_MINUTE = 120
# Each is a call of the key service, whose limit is one for all tenants.
SEALED_A_MINUTE = 60


class _NoConfigChecker:
    """Stands in where a function checks no config; a call of it is a fault in that function's wiring."""

    def problems(
        self, _config: Mapping[str, str], _schema: str, _hidden: Set[str] = frozenset(), _organization_id: str = ""
    ) -> list[Problem] | None:
        raise AssertionError("this function was wired without a config checker: set it in main.py")


class _NoSealer:
    """Stands in where a function takes no config, as `_NoConfigChecker` does."""

    def seal(self, values: Mapping[str, str], _owner: str) -> dict[str, str]:
        if values:
            raise AssertionError("this function was wired without a sealer: set it in main.py")
        return {}


class _NoSchemaChecker:
    """Stands in where a function publishes nothing, as `_NoConfigChecker` does for configs."""

    def refusals(self, _schemas: Sequence[str]) -> list[str | None]:
        raise AssertionError("this function was wired without a schema checker: set it in main.py")


class _NoResolver:
    """Stands in where a function locks no dependencies."""

    def resolve(self, _wanted: Dependencies) -> DependencyLock:
        raise AssertionError("this function was wired without a resolver: set it in main.py")


# An action names the documents that it reads: `Services[CatalogStore]`. Bare `Services` reads all of them.
StoreT_co = TypeVar("StoreT_co", bound=DocumentStore, covariant=True, default=Store)


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """What the operator decided for what is published: the runtime's image, who sees a provider whose author does
    not say, how much one organization may publish, and which registries may have images of the runtime (none: any)."""

    runtime: RuntimeImage
    default_scope: Scope = Scope.TENANT
    limits: PublishingLimits = field(default_factory=PublishingLimits)
    runtime_registries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Services(Generic[StoreT_co]):
    """What nearly every action is given.

    `new_id` makes an installation's id from the time. `config_checker` is there in the functions that check a config,
    `sealer` in the one that takes it, `schema_checker` and `resolver` in the one that publishes. The budgets,
    `unknown_tokens`, `receiving`, `quota_cache`, `locks` and `known_providers` belong to this process, so all requests
    of it must share one Services.
    """

    store: StoreT_co
    outbox: Outbox
    clock: Clock
    new_id: Callable[[datetime], str]
    deadlines: Deadlines
    publishing: PublishingRules
    limits: OrganizationLimits = field(default_factory=OrganizationLimits)
    config_checker: ConfigChecker = field(default_factory=_NoConfigChecker)
    sealer: Sealer = field(default_factory=_NoSealer)
    schema_checker: SchemaChecker = field(default_factory=_NoSchemaChecker)
    resolver: Resolver = field(default_factory=_NoResolver)
    request_budget: RequestBudget = field(default_factory=RequestBudget)
    audit_budget: RequestBudget = field(default_factory=lambda: RequestBudget(AUDITED_A_MINUTE, "audited changes"))
    sealing_budget: RequestBudget = field(
        default_factory=lambda: RequestBudget(SEALED_A_MINUTE, "changes of secret values")
    )
    unknown_tokens: UnknownTokens = field(default_factory=UnknownTokens)
    receiving: Receiving = field(default_factory=Receiving)
    quota_cache: QuotaCache = field(default_factory=QuotaCache)
    locks: InstallationLocks = field(default_factory=InstallationLocks)
    known_providers: KnownProviders = field(default_factory=KnownProviders)


def record_step(transaction: Transaction, step: Step, now: datetime) -> Step:
    """Write the row that a step changed, and its request to the installer, in one transaction."""
    if step.outcome is Outcome.CHANGED:
        row = step.kept
        transaction.write(keys.installation_of(row), row)
    if step.request:
        transaction.emit(installation_entry(step.request, now))
    return step


def apply_event(services: Services[DocumentStore], row: Installation, event: Event) -> Step:
    """Read the row in a transaction, apply `event` to it, commit, and publish what the step requests.

    `row` only says which document to read: it may have changed since the caller read it. Raises TemporaryError.
    """
    key = keys.installation_of(row)

    def decide(transaction: Transaction) -> Step:
        (current,) = transaction.read(key)
        now = services.clock()
        step = record_step(transaction, advance(current, event, now, services.deadlines), now)
        if step.outcome is Outcome.REMOVED:
            transaction.delete(key)
        return step

    with services.locks.hold(row.installation_id):
        step = services.outbox.transact(decide)
    _log_ends(step)
    return step


def _log_ends(step: Step) -> None:
    """Log what metrics count: which installs end READY or FAILED, and the seconds from the request to READY.

    The line never has the reason of a failure. The reason comes from a tenant's process and may repeat its config;
    the timeline shows it to the tenant.
    """
    if step.row is None:
        return
    row, about = step.row, {"provider": step.row.canonical, "organization_id": step.row.organization_id}
    for entry in step.moved:
        if entry.from_state == entry.to_state:
            continue
        if entry.to_state is LifecycleState.READY:
            seconds = (entry.at - _requested_at(row)).total_seconds()
            ready = {"event": "installation_ready", "outcome": "ready", "seconds_to_ready": seconds}
            log.info("%s is ready", row.canonical, extra={**about, **ready})
        elif entry.to_state is LifecycleState.FAILED:
            failed = {"event": "installation_failed", "outcome": "failed"}
            generation = f"{row.installation_id}-{entry.generation}"
            log.warning(
                "%s failed: %s, reported by %s", row.canonical, generation, entry.cause, extra={**about, **failed}
            )


def _requested_at(row: Installation) -> datetime:
    """When the row last became PENDING; the timeline may have dropped that entry."""
    requested = (entry.at for entry in reversed(row.timeline) if entry.to_state is LifecycleState.PENDING)
    return next(requested, row.created_at)
