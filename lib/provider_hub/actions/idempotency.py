"""Idempotency keys: a call that is repeated with the same key gets the first call's answer.

A key is reserved before the call runs, and its answer is kept afterwards. When the process dies in between, the
reservation lapses after LEASE. A call that is refused has no effect, so its key is released.

A call may still be under way when its reservation has lapsed and a repetition has reserved the key anew: a platform
that gives up on a request does not stop the thread that handles it. So a call releases its own reservation only, and
the first answer that is kept stays.
"""

import hmac
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Reading, Seen, Writes
from provider_hub.actions.services import Services
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.deadlines import LONGEST_REQUEST
from provider_hub.domain.errors import Invalid, TemporaryError, UnderWay
from provider_hub.domain.records import KeptAnswer

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
# 1 to 255 ASCII characters, with spaces inside only: HTTP has none around a header's value.
KEY_PATTERN = r"[!-~](?:[ -~]{0,253}[!-~])?"
KEPT = timedelta(hours=24)
# Longer than any request may take, with a minute for clocks that differ: whoever made an older reservation is gone.
LEASE = LONGEST_REQUEST + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body text and headers."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """A call with its key: `route` is its method and path, `request` its body."""

    organization_id: str
    route: str
    key: str
    request: bytes

    @property
    def document_id(self) -> str:
        """The id of the key's document: a digest, since a key may hold any character."""
        return sha256("\0".join((self.organization_id, self.route, self.key)).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """What tells a repeated call from another call with the same key.

        The body may hold a secret. A bare digest of it could be searched for, so the caller's key is in it, which no
        document has.
        """
        return hmac.digest(self.key.encode(), self.request, "sha256").hex()

    @property
    def former_fingerprint(self) -> str:
        """The fingerprint in documents of an older release, which are still kept."""
        return sha256(self.request).hexdigest()


class Reservation:
    """A key that is reserved for one call.

    `reading` is the key's document as the reservation left it: what is written next needs no read then.
    """

    def __init__(
        self,
        services: Services[DocumentStore],
        call: KeyedCall,
        stored: KeptAnswer,
        reading: Reading[KeptAnswer],
    ) -> None:
        self._services = services
        self._call = call
        self._stored = stored
        self._reading = reading
        self._is_settled = stored.status is not None

    @property
    def kept(self) -> Answer | None:
        """The answer to give again; None: act on the call, then `keep` its answer."""
        stored = self._stored
        return None if stored.status is None else Answer(stored.status, stored.body, stored.headers)

    def keep(self, answer: Answer) -> None:
        """Keep the answer of the first call, which has had its effect, for those that come after it.

        It takes the place of a later call's reservation, which may well be refused for that effect. Best effort: a
        failure to keep the answer must not fail the call.
        """
        self._is_settled = True
        key = keys.idempotency(self._call.document_id)
        kept = replace(self._stored, status=answer.status, body=answer.body, headers=answer.headers)

        def decide(known: KeptAnswer | None, writes: Writes) -> None:
            if known is None or (known.status is None and known.fingerprint == kept.fingerprint):
                writes.write(key, kept)

        try:
            self._services.store.change(key, decide, self._reading)
        except TemporaryError as error:
            log.warning("the answer of %s is not kept: %s", self._call.route, error)

    def release(self) -> None:
        """Free the key, unless an answer is kept or another call has reserved it since.

        Best effort: the reservation lapses by itself, and the caller gets the error of the call, not this one.
        """
        if self._is_settled:
            return
        key = keys.idempotency(self._call.document_id)

        def decide(known: KeptAnswer | None, writes: Writes) -> None:
            if known == self._stored:
                writes.delete(key)

        try:
            self._services.store.change(key, decide, self._reading)
        except TemporaryError as error:
            log.warning("the reservation of %s is left to lapse: %s", self._call.route, error)


@contextmanager
def reserved(services: Services[DocumentStore], call: KeyedCall) -> Iterator[Reservation]:
    """Reserve the call's key; an error before `keep` frees it, for a call that was refused had no effect.

    Raises Invalid for another request under the same key, and UnderWay while the first one is under way.
    """
    reservation = _reserve(services, call)
    try:
        yield reservation
    except BaseException:
        reservation.release()
        raise


def _reserve(services: Services[DocumentStore], call: KeyedCall) -> Reservation:
    key = keys.idempotency(call.document_id)
    # Most keys are new. So the first try is to commit on condition that there is none, without a read.
    reading = Reading[KeptAnswer](Seen(None, None))

    def decide(known: KeptAnswer | None, writes: Writes) -> KeptAnswer:
        now = services.clock()
        if known and now < known.expires_at:
            if known.fingerprint not in (call.fingerprint, call.former_fingerprint):
                raise Invalid.at("header", HEADER, msg="this key was used with another request: take a new one")
            if known.status is not None:
                return known
            if now < known.reserved_at + LEASE:
                raise UnderWay(f"the first request with this {HEADER} is still under way: ask again shortly")
        reserved = KeptAnswer(call.fingerprint, None, "", {}, reserved_at=now, expires_at=now + KEPT)
        writes.write(key, reserved)
        return reserved

    stored, _ = services.store.change(key, decide, reading)
    return Reservation(services, call, stored, reading)
