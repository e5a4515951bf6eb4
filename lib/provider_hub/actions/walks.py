"""How far the sweeper has got in the walks that take many runs: each goes on where the last one stopped."""

from typing import TYPE_CHECKING

from provider_hub.actions import keys
from provider_hub.domain.records import Cursor

if TYPE_CHECKING:
    from provider_hub.actions.ports import DocumentStore


def reached(store: "DocumentStore", walk: str) -> Cursor:
    """Where the walk stopped; at its beginning where it never ran. Raises TemporaryError."""
    return store.get(keys.cursor(walk)) or Cursor(walk, None)


def go_on(store: "DocumentStore", following: Cursor) -> None:
    """Keep where the walk goes on. Raises TemporaryError."""
    store.transact(lambda transaction: transaction.write(keys.cursor(following.name), following))
