"""Hiding a provider for as long as its deletion looks whether anyone has it installed.

The process may be killed between the two. Nothing is deleted by then, and tenants may run the provider. So the sweeper
shows it again after GIVEN_UP_AFTER, unless the deletion has become certain: then it stays hidden, because versions may
be gone, and its author deletes it again.
"""

from dataclasses import replace
from datetime import timedelta

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import DocumentStore, DueStore, Transaction
from provider_hub.actions.provider_access import changeable
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import Provider
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName

GIVEN_UP_AFTER = timedelta(minutes=10)
PROVIDERS_A_RUN = 20


def hide(services: Services[DocumentStore], by: Actor, name: ProviderName) -> Provider:
    """Hide a provider that `by` deletes; returns it as it is then. Raises NotFound, Forbidden or QuotaExceeded."""

    def decide(transaction: Transaction) -> Provider:
        (found,) = transaction.read(keys.provider(name))
        # The author sees a hidden provider too, because a deletion that crashed is finished by another deletion.
        provider = changeable(found and replace(found, retiring=False), name, by)
        # A budget that runs out only when the deletion is recorded would leave the provider hidden.
        audit.spend(services, by)
        is_certain = found is not None and found.retiring and found.deletion_given_up_at is None
        given_up_at = None if is_certain else services.clock() + GIVEN_UP_AFTER
        hidden = replace(provider, retiring=True, deletion_given_up_at=given_up_at)
        transaction.write(keys.provider(name), hidden)
        return hidden

    return services.store.transact(decide)[0]


def make_certain(transaction: Transaction, hidden: Provider) -> None:
    """Keep a provider hidden for good: nobody has it installed.

    Raises Conflict where it was shown again since it was hidden: somebody may have installed it then.
    """
    (found,) = transaction.read(keys.provider(hidden.provider_name))
    if found is None or not _is_hidden_as(found, hidden):
        name = hidden.provider_name
        raise Conflict(f"another deletion of {name} took over, or this one took too long: delete it again")
    transaction.write(keys.provider(hidden.provider_name), replace(found, deletion_given_up_at=None))


def show_again(services: Services[DocumentStore], hidden: Provider) -> bool:
    """Whether the provider was still as it was hidden, and is shown again."""

    def decide(transaction: Transaction) -> bool:
        (found,) = transaction.read(keys.provider(hidden.provider_name))
        if found is None or not _is_hidden_as(found, hidden):
            return False
        shown = replace(found, retiring=False, deletion_given_up_at=None)
        transaction.write(keys.provider(hidden.provider_name), shown)
        return True

    return services.store.transact(decide)[0]


def show_left_hidden(services: Services[DueStore]) -> int:
    """Show the providers again whose deletion was interrupted before it was certain; returns how many."""
    found = services.store.interrupted_deletions(services.clock(), PROVIDERS_A_RUN)
    return sum(show_again(services, hidden) for hidden in found)


def _is_hidden_as(found: Provider, hidden: Provider) -> bool:
    return found.retiring and found.deletion_given_up_at == hidden.deletion_given_up_at
