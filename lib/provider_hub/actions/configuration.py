"""A tenant's config is checked against the provider's schema, outside of every transaction.

A check may start a process and take seconds. A transaction holds its locks meanwhile, and runs again on a conflict.
So the transaction only finds out which check it needs, and stops before its first write when that check was not made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from provider_hub.actions.ports import ConfigChecker, DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.errors import Invalid, TemporaryError

R = TypeVar("R")
T = TypeVar("T")

# A version never changes its schema; only a newer "latest" or another change of the row asks for a second check.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class ConfigCheck:
    """A config and the JSON Schema that it has to fit, as JSON text."""

    config: Mapping[str, str]
    schema: str


Passed = tuple[ConfigCheck, ...]


def check_needed(config: Mapping[str, str], version: ProviderVersion | None) -> ConfigCheck | None:
    """The check of `config` for `version`; None where the version has no schema, which every config fits."""
    schema = version.config_schema if version else None
    return None if schema is None else ConfigCheck(config, schema)


def transact_checked(services: Services[DocumentStore], decide: Callable[[Transaction, Passed], R | ConfigCheck]) -> R:
    """Run `decide` in a transaction, commit, and publish what it emitted.

    `decide` gets the checks that passed. When it needs another one, it returns that check and writes nothing: the
    check is made here, and `decide` runs again in a new transaction, which compares once more.

    Raises Invalid for a config that does not fit, TemporaryError when the version changes faster than it is checked,
    and what `decide` raises.
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
    found = checker.problems(check.config, check.schema)
    if found is None:
        raise Invalid.at("body", "config", msg="cannot be checked against the provider's config_schema")
    if found:
        raise Invalid(*found)
