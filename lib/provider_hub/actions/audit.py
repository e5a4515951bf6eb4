"""The audit: an entry is written in the transaction of the change that it records, so neither exists alone.

A refusal has no transaction. Its entry is written alone, and a caller that is refused in a loop makes one a minute.
No organization can fill the audit: its changes and its refusals have a budget.
"""

import logging
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provider_hub.actions import keys
from provider_hub.actions.ports import AuditStore, DocumentStore, Transaction
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.services import Services
from provider_hub.domain.audit import DETAIL_LENGTH, KEPT, Actor, AuditAction, AuditEntry, AuditPlace
from provider_hub.domain.errors import Invalid, QuotaExceeded, TemporaryError

if TYPE_CHECKING:
    from provider_hub.actions.wishes.audit import AuditQuery, OwnAuditQuery

log = logging.getLogger(__name__)

_SUBJECT_LENGTH = 300
_REMEMBERED = 10_000


def record(
    services: Services[DocumentStore],
    transaction: Transaction,
    by: Actor,
    action: AuditAction,
    subject: str,
    *,
    concerns: str | None = None,
    detail: str | None = None,
    is_further: bool = False,
) -> None:
    """Write an entry in the transaction of what `by` does.

    `concerns` is the organization that it is done to, where that is another than the actor's own. Raises QuotaExceeded
    where the actor's organization changes more in a minute than the audit takes of one.

    `is_further` is for a later transaction of a request whose first one was recorded, or did `spend`: it takes nothing
    from the budget, because a refusal there would leave the request half done.
    """
    now = services.clock()
    if action is not AuditAction.REFUSED and not is_further:
        spend(services, by)
    entry = AuditEntry(
        entry_id=services.new_id(now),
        at=now,
        action=action,
        actor_kind=by.kind,
        actor=by.subject,
        address=by.address,
        organization_id=by.organization_id or concerns,
        subject=subject[:_SUBJECT_LENGTH],
        detail=detail and detail[:DETAIL_LENGTH],
        expires_at=now + KEPT,
    )
    transaction.write(keys.audit_entry(entry.entry_id), entry)


def spend(services: Services[DocumentStore], by: Actor) -> None:
    """Take one change from the budget of the actor's organization; the platform has none. Raises QuotaExceeded."""
    if by.organization_id is not None:
        services.audit_budget.take(by.organization_id, services.clock())


class Refusals:
    """Records who was refused for its role or scope: at most once a minute for each caller and route of a process.

    Of one organization's callers it records MOST a minute, whatever their number.
    """

    MOST = 20
    _AGAIN = timedelta(minutes=1)

    def __init__(self, services: Services[DocumentStore]) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._recorded: dict[tuple[str | None, str, str], datetime] = {}
        self._budget = RequestBudget(self.MOST, "refused requests")

    def note(self, by: Actor, subject: str, reason: str) -> None:
        """Best effort: the caller gets its refusal, and never an error of the database in its place."""
        if not self._is_due(by, subject):
            return
        try:
            self._budget.take(by.organization_id or by.subject, self._services.clock())
            self._services.store.transact(
                lambda transaction: record(self._services, transaction, by, AuditAction.REFUSED, subject, detail=reason)
            )
        except (TemporaryError, QuotaExceeded) as error:
            log.warning("a refusal of %s is not in the audit: %s", subject, error)

    def _is_due(self, by: Actor, subject: str) -> bool:
        # A person may belong to several organizations: each has its own entry.
        now, key = self._services.clock(), (by.organization_id, by.subject, subject)
        with self._lock:
            if key in self._recorded and now < self._recorded[key] + self._AGAIN:
                return False
            if len(self._recorded) >= _REMEMBERED:
                self._recorded.clear()
            self._recorded[key] = now
            return True


def list_entries(services: Services[AuditStore], wanted: "AuditQuery") -> tuple[list[AuditEntry], str | None]:
    """A page of the audit, newest first, and the token of the next one, None on the last.

    Raises Invalid for a token of an entry that is not there any more.
    """
    return _page(services, wanted, wanted.organization)


def list_own_entries(
    services: Services[AuditStore], organization_id: str, wanted: "OwnAuditQuery"
) -> tuple[list[AuditEntry], str | None]:
    """The same of what concerns one organization, for its own admins.

    An entry of what the platform did has no address, which tenants must not see. Raises Invalid for a token of an entry
    that is not there any more, or not the organization's.
    """
    page, token = _page(services, wanted, organization_id)
    return [replace(entry, address="") if entry.by_platform else entry for entry in page], token


def _page(
    services: Services[AuditStore], wanted: "OwnAuditQuery", organization_id: str | None
) -> tuple[list[AuditEntry], str | None]:
    place = _place(services, wanted.page_token, organization_id) if wanted.page_token else None
    found = services.store.audit_entries(organization_id, wanted.action, wanted.since, place, wanted.limit + 1)
    page = found[: wanted.limit]
    return page, page[-1].entry_id if len(found) > wanted.limit else None


def _place(services: Services[AuditStore], entry_id: str, organization_id: str | None) -> AuditPlace:
    entry = services.store.get(keys.audit_entry(entry_id))
    # Another organization's entry counts as missing: the answer must not show that it exists.
    if entry is None or organization_id not in (None, entry.organization_id):
        msg = "the entry behind which this page begins is gone: begin again without page_token"
        raise Invalid.at("query", "page_token", msg=msg)
    return AuditPlace(entry.at, entry.entry_id)
