"""A tenant's config is checked against the provider's schema, outside of every transaction.

A check may start a process and take seconds. A transaction holds its locks meanwhile, and runs again on a conflict.
So the transaction only finds out which check it needs, and stops before its first write when that check was not made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import TypeVar

from provider_hub.actions.checkers import ConfigChecker
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid, Problem, TemporaryError
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName
from provider_hub.domain.secret_values import Given, owner_of, plain_of, secret_of

R = TypeVar("R")
T = TypeVar("T")

# A version never changes its schema; only a newer "latest" or another change of the row asks for a second check.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class ConfigCheck:
    """A config and the JSON Schema that it has to fit, as JSON text.

    `sealed_keys` are those of stored secrets, whose values this function cannot read. `version` is the one to name in
    a refusal; None where the caller gave the config with this very request.
    """

    organization_id: str
    config: Mapping[str, str] = field(repr=False)
    schema: str
    sealed_keys: frozenset[str] = frozenset()
    version: str | None = None


Passed = tuple[ConfigCheck, ...]


def sealed(
    services: Services[DocumentStore], organization_id: str, name: ProviderName, config: Given
) -> dict[str, str]:
    """The secret values of a config, sealed for one installation. Raises QuotaExceeded, Invalid or TemporaryError."""
    values = secret_of(config)
    if values:
        services.sealing_budget.take(organization_id, services.clock())
    return services.sealer.seal(values, owner_of(organization_id, name.canonical))


def check_needed(
    organization_id: str, config: Given, version: ProviderVersion | None, stored_secrets: Iterable[str] = ()
) -> ConfigCheck | None:
    """The check of a request's own config for `version`; None where it has no schema, which every config fits.

    `stored_secrets` are the keys of the secrets that the row keeps.
    """
    schema = version.config_schema if version else None
    if schema is None:
        return None
    return ConfigCheck(organization_id, {**plain_of(config), **secret_of(config)}, schema, frozenset(stored_secrets))


def stored_check_needed(row: Installation, version: ProviderVersion | None) -> ConfigCheck | None:
    """The check of an installation's stored config for another version, as `check_needed`."""
    check = check_needed(row.organization_id, row.revision.config, version, row.revision.secrets)
    return replace(check, version=version.version) if check and version else None


def transact_checked(services: Services[DocumentStore], decide: Callable[[Transaction, Passed], R | ConfigCheck]) -> R:
    """Run `decide` in a transaction, commit, and publish what it emitted.

    `decide` gets the checks that passed. When it needs another one, it returns that check and writes nothing: the
    check is made here, and `decide` runs again in a new transaction, which compares once more.

    Raises Invalid for a config that does not fit, TemporaryError when too many checks wait or the version changes
    faster than it is checked, and what `decide` raises.
    """
    passed: Passed = ()
    for _ in range(_ROUNDS):
        result = services.outbox.transact(_given(passed, decide))
        if not isinstance(result, ConfigCheck):
            return result
        refuse_unfit(services.config_checker, result)
        passed = (result,)
    raise TemporaryError("the version to check the config against kept changing: try again")


def _given(passed: Passed, decide: Callable[[Transaction, Passed], T]) -> Callable[[Transaction], T]:
    return lambda transaction: decide(transaction, passed)


def refuse_unfit(checker: ConfigChecker, check: ConfigCheck) -> None:
    """Raises Invalid, naming the keys that do not fit."""
    found = checker.problems(check.config, check.schema, check.sealed_keys, check.organization_id)
    if found is None:
        found = [Problem(("body", "config"), "cannot be checked against the provider's config_schema")]
    if check.version is not None:
        lead = f"the installation's config does not fit {check.version}"
        found = [replace(problem, msg=f"{lead}: {problem.msg}") for problem in found]
    if found:
        raise Invalid(*found)
