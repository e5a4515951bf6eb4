"""What nearly every action is given: documents, outbox, clock, new ids, deadlines."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from provider_hub.actions.checkers import ConfigChecker, GivenSchema, SchemaChecker
from provider_hub.actions.known_providers import KnownProviders
from provider_hub.actions.locks import NamedLocks
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.ports import Clock, DocumentStore, Store
from provider_hub.actions.quota import QuotaCache
from provider_hub.actions.receiving import Receiving
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.secrets import Sealer
from provider_hub.actions.short_memory import ShortMemory
from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.domain.cells import ONE_CELL
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.limits import OrganizationLimits

if TYPE_CHECKING:
    from provider_hub.actions.publishing_rules import PublishingRules
    from provider_hub.actions.resolution import Dependencies, Resolver
    from provider_hub.actions.verification import AttestationVerifier
    from provider_hub.domain.deadlines import Deadlines
    from provider_hub.domain.dependencies import DependencyLock
    from provider_hub.domain.errors import Problem
    from provider_hub.domain.publishers.claims import SignedStatement

# Each is kept for 400 days. Whoever changes things by a loop would fill the audit with that, and the database.
AUDITED_A_MINUTE = 120
# What a process knows of an organization: whoever suspends one, or moves one by hand, waits for no longer than that.
ORGANIZATION_TRUSTED = timedelta(minutes=1)
ORGANIZATIONS_REMEMBERED = 10_000
# Each is a call of the key service, whose limit is one for all tenants.
SEALED_A_MINUTE = 60


class _NoConfigChecker:
    """Stands in where a function checks no config; a call of it is a fault in that function's wiring."""

    def problems(
        self, _config: Mapping[str, str], _schema: str, _sealed_keys: Set[str] = frozenset(), _organization_id: str = ""
    ) -> "list[Problem] | None":
        raise AssertionError("this function was wired without a config checker: set it in main.py")


class _NoSealer:
    """Stands in where a function takes no config, as `_NoConfigChecker` does."""

    def seal(self, values: Mapping[str, str], _owner: str) -> dict[str, str]:
        if values:
            raise AssertionError("this function was wired without a sealer: set it in main.py")
        return {}


class _NoSchemaChecker:
    """Stands in where a function publishes nothing, as `_NoConfigChecker` does for configs."""

    def refusals(self, _schemas: Sequence[GivenSchema]) -> list[str | None]:
        raise AssertionError("this function was wired without a schema checker: set it in main.py")


class _NoResolver:
    """Stands in where a function locks no dependencies."""

    def resolve(self, _wanted: "Dependencies") -> "DependencyLock":
        raise AssertionError("this function was wired without a resolver: set it in main.py")


class _NoVerifier:
    """Stands in where a function takes no attestations."""

    def verify(self, _attestation: Mapping[str, Any]) -> "SignedStatement":
        raise AssertionError("this function was wired without a verifier of attestations: set it in main.py")


# An action names the documents that it reads: `Services[CatalogStore]`. Bare `Services` reads all of them.
StoreT_co = TypeVar("StoreT_co", bound=DocumentStore, covariant=True, default=Store)


@dataclass(frozen=True, slots=True)
class Services(Generic[StoreT_co]):
    """What nearly every action is given.

    `new_id` makes a new id from the time. `config_checker` is there in the functions that check a config,
    `sealer` in the one that takes it, `schema_checker`, `resolver` and `attestations` in the one that publishes,
    `publishing` in those that go by its rules, `cell_weights` (`domain.cells`) in those that install. The budgets,
    `unknown_tokens`, `receiving`, `quota_cache`, `locks`, `known_cells` and `known_providers` belong to this process,
    so all its requests must share one Services. `known_cells` has the cell of each organization that was read before
    its first install.
    """

    store: StoreT_co
    outbox: Outbox
    clock: Clock
    new_id: Callable[[datetime], str]
    deadlines: "Deadlines"
    limits: OrganizationLimits = field(default_factory=OrganizationLimits)
    publishing: "PublishingRules | None" = None
    cell_weights: Mapping[str, float] = field(default_factory=lambda: ONE_CELL)
    config_checker: ConfigChecker = field(default_factory=_NoConfigChecker)
    sealer: Sealer = field(default_factory=_NoSealer)
    schema_checker: SchemaChecker = field(default_factory=_NoSchemaChecker)
    resolver: "Resolver" = field(default_factory=_NoResolver)
    attestations: "AttestationVerifier" = field(default_factory=_NoVerifier)
    request_budget: RequestBudget = field(default_factory=RequestBudget)
    audit_budget: RequestBudget = field(default_factory=lambda: RequestBudget(AUDITED_A_MINUTE, "audited changes"))
    sealing_budget: RequestBudget = field(
        default_factory=lambda: RequestBudget(SEALED_A_MINUTE, "changes of secret values")
    )
    unknown_tokens: UnknownTokens = field(default_factory=UnknownTokens)
    receiving: Receiving = field(default_factory=Receiving)
    quota_cache: QuotaCache = field(default_factory=QuotaCache)
    locks: NamedLocks = field(default_factory=NamedLocks)
    known_cells: ShortMemory[str, str] = field(
        default_factory=lambda: ShortMemory(ORGANIZATION_TRUSTED, ORGANIZATIONS_REMEMBERED)
    )
    known_providers: KnownProviders = field(default_factory=KnownProviders)

    @property
    def publishing_rules(self) -> "PublishingRules":
        """What the operator decided for what is published. Raises AssertionError where the wiring left it out."""
        if self.publishing is None:
            raise AssertionError("this function was wired without the rules of publishing: set them in main.py")
        return self.publishing
