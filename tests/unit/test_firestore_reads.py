"""A read that meets a dead channel is tried once more, and no more than once."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1.types import firestore as api

from provider_hub.actions import keys
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.errors import TemporaryError


class Client:
    """Fails the first reads, then finds nothing."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.reads = 0

    def batch_get_documents(self, request: Any, **_: Any) -> list[api.BatchGetDocumentsResponse]:
        self.reads += 1
        if self.reads <= self.failures:
            raise self.error
        begins = b"t" if "new_transaction" in request else b""
        return [api.BatchGetDocumentsResponse(transaction=begins)]

    def commit(self, *_: Any, **__: Any) -> None:
        """Nothing was written."""

    def rollback(self, *_: Any, **__: Any) -> None:
        """Nothing is held."""


def store(client: Any) -> FirestoreStore:
    return FirestoreStore(client, "p", "(default)")


def test_the_first_call_after_an_idle_hour_is_answered() -> None:
    client = Client(1, exceptions.ServiceUnavailable("the connection was reset"))
    assert store(client).get(keys.organization("org_1")) is None
    client = Client(1, exceptions.ServiceUnavailable("the connection was reset"))
    assert store(client).transact(lambda transaction: transaction.read(keys.organization("org_1")))[0] == (None,)
    assert client.reads == 2


def test_a_database_that_stays_away_is_a_temporary_failure_after_two_tries() -> None:
    client = Client(9, exceptions.ServiceUnavailable("down"))
    with pytest.raises(TemporaryError):
        store(client).get(keys.organization("org_1"))
    assert client.reads == 2


def test_a_read_that_ran_out_of_time_is_not_waited_for_twice() -> None:
    client = Client(1, exceptions.DeadlineExceeded("slow"))
    with pytest.raises(TemporaryError):
        store(client).get(keys.organization("org_1"))
    assert client.reads == 1
