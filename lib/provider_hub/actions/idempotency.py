"""Idempotency keys: a call that is made again with the same key gets the answer of the first one.

A key is reserved before the call is acted on and keeps the answer afterwards. A process that dies in
between leaves the reservation, which lapses; a call that was refused had no effect, and keeps nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.errors import Invalid, TemporaryError, UnderWay
from provider_hub.domain.records import KeptAnswer

log = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
# Longer than any function may run: what is reserved for that long is nobody's any more.
LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out, or will."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """Which call a key stands for, and what was asked for with it."""

    organization_id: str
    route: str
    key: str
    request: bytes

    @property
    def document_id(self) -> str:
        return sha256("\0".join((self.organization_id, self.route, self.key)).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return sha256(self.request).hexdigest()


def once(services: Services[DocumentStore], call: KeyedCall, act: Callable[[], Answer]) -> Answer:
    """The kept answer, or that of `act`, kept from now on.

    Raises Invalid for another request under the same key, UnderWay while the first one is under way, and
    what `act` raises.
    """
    reserved = _reserve(services, call)
    if reserved.status is not None:
        return Answer(reserved.status, reserved.body, reserved.headers)
    try:
        answer = act()
    except BaseException:
        _forget(services, call)
        raise
    kept = replace(reserved, status=answer.status, body=answer.body, headers=answer.headers)
    _keep(services, call, kept)
    return answer


def _reserve(services: Services[DocumentStore], call: KeyedCall) -> KeptAnswer:
    key = keys.idempotency(call.document_id)

    def decide(transaction: Transaction) -> KeptAnswer:
        (known,) = transaction.read(key)
        now = services.clock()
        if known and now < known.expires_at:
            if known.fingerprint != call.fingerprint:
                raise Invalid.at(
                    "header", "Idempotency-Key", msg="this key was used with another request: take a new one"
                )
            if known.status is not None:
                return known
            if now < known.reserved_at + LEASE:
                raise UnderWay("the first request with this Idempotency-Key is still under way: ask again shortly")
        reserved = KeptAnswer(call.fingerprint, None, "", {}, reserved_at=now, expires_at=now + KEPT)
        transaction.write(key, reserved)
        return reserved

    return services.store.transact(decide)[0]


def _keep(services: Services[DocumentStore], call: KeyedCall, kept: KeptAnswer) -> None:
    """Best effort: what the call did is committed, and an answer that cannot be kept must not tell otherwise."""

    def decide(transaction: Transaction) -> None:
        transaction.write(keys.idempotency(call.document_id), kept)

    try:
        services.store.transact(decide)
    except TemporaryError as error:
        log.warning("the answer of %s is not kept: %s", call.route, error)


def _forget(services: Services[DocumentStore], call: KeyedCall) -> None:
    """Best effort: the reservation lapses by itself, and the caller is told why the call failed, not this."""
    try:
        services.store.delete_all([keys.idempotency(call.document_id)])
    except TemporaryError as error:
        log.warning("the reservation of %s is left to lapse: %s", call.route, error)
