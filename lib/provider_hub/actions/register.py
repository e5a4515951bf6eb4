"""Registration: a runtime's check-in with a valid token makes its row READY, and later ones carry its health."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from provider_hub.actions import keys
from provider_hub.actions.check_in_rate import CheckInRate
from provider_hub.actions.known_rows import KnownRows
from provider_hub.actions.ports import DocumentStore, Key, Overtaken, Reading, Tasks
from provider_hub.actions.scheduled_calls import deadline_name
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import (
    CheckedIn,
    DeployFailed,
    Event,
    Health,
    Installation,
    LifecycleState,
    Outcome,
    Stopping,
    advance,
)
from provider_hub.domain.masking import mask
from provider_hub.domain.messages import check_in_token, token_matches
from provider_hub.domain.records import Queue

log = logging.getLogger(__name__)

# What a failed pod of a row printed last; raises nothing.
LastLines = Callable[[Installation], tuple[str, ...]]

SENT_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Dropped:
    """Why a check-in is not of its row as that is now, and changes nothing. A forged one is counted apart.

    Each upgrade and uninstall leaves pods that still check in: those are expected, and no warning.
    """

    why: str
    is_forged: bool = False
    is_warning: bool = False


_UNKNOWN = _Dropped("unknown installation")
_FORGED = _Dropped("token refused", is_forged=True)


@dataclass(frozen=True, slots=True)
class Registration:
    """Handles check-ins. `check_in_keys` are accepted in turn; the first one makes the tokens of new deployments.

    `last_lines` are asked for when a pod says that it failed.
    """

    services: Services[DocumentStore]
    tasks: Tasks
    check_in_keys: Sequence[bytes]
    last_lines: LastLines
    rate: CheckInRate = field(default_factory=CheckInRate)
    known: KnownRows = field(default_factory=KnownRows)

    def handle(self, check_in: CheckIn) -> str:
        """Apply a check-in; returns what it did, for the log. Raises TemporaryError to get it again.

        One that changes nothing costs one read. One that is written costs that read and a commit on condition that the
        row is as it was read. Where it is not, `apply_event` reads it again and decides on what it finds. A check-in
        that changes a row which this process knows from before costs that commit alone. One that is dropped is counted
        by a line of its own.
        """
        done = self._handled(check_in)
        if isinstance(done, str):
            return done
        level = logging.WARNING if done.is_warning else logging.INFO
        about = f"{check_in.organization_id} {check_in.provider}"
        extra = {"event": "check_in_refused"} if done.is_forged else {"event": "check_in_dropped"}
        log.log(level, "a check-in of %s is dropped: %s", about, done.why, extra=extra)
        return done.why

    def _handled(self, check_in: CheckIn) -> str | _Dropped:
        refused = self._refused_unread(check_in)
        if refused is not None:
            return refused
        key = keys.installation_named(check_in.organization_id, check_in.provider)
        if key is None:
            return _UNKNOWN
        if self._has_changed_known_row(key, check_in):
            return Outcome.CHANGED.value
        reading = Reading(self.services.store.see(key))
        done = self._applied(check_in, reading)
        self.known.keep(key, reading.seen, self.services.clock())
        return done

    def _has_changed_known_row(self, key: Key[Installation], check_in: CheckIn) -> bool:
        """Whether the check-in was written on condition that the row is as it is known; False where it must be read.

        That a check-in changes nothing is not decided here: nothing would show that somebody has written the row since.
        A failure is not either: what it means depends on the row's state, and its pod's output is read for it.
        """
        if check_in.failed or check_in.installation_id is None:
            return False
        known = self.known.find(key, self.services.clock())
        if known is None:
            return False
        reading = Reading(known, may_be_old=True)
        try:
            is_changed = self._applied(check_in, reading) == Outcome.CHANGED.value
        except Overtaken:
            self.known.was_overtaken(key, known, self.services.clock())
            return False
        except TemporaryError as error:
            # The first call after an idle time fails, and only a read is made twice for it.
            log.info("%s: its row is read, since the commit failed: %s", check_in.provider, error)
            self.known.forget(key)
            return False
        if is_changed:
            self.known.held()
            self.known.keep(key, reading.seen, self.services.clock())
        return is_changed

    def _applied(self, check_in: CheckIn, reading: Reading[Installation]) -> str | _Dropped:
        row = reading.seen.record if reading.seen else None
        if row is None or check_in.installation_id not in {None, row.installation_id}:
            return _UNKNOWN
        if check_in.installation_id is None and not self._is_genuine(row.installation_id, check_in):
            return _FORGED
        event = _event_of(row, check_in)
        outcome = advance(row, event, self.services.clock(), self.services.deadlines).outcome
        if outcome is Outcome.STALE:
            return _Dropped(_why_stale(row, check_in))
        if outcome is not Outcome.CHANGED:
            return "nothing new"
        if isinstance(event, DeployFailed):
            event = replace(event, lines=self.last_lines(row))
        step = apply_event(self.services, row, event, reading)
        if step.outcome is Outcome.STALE:
            return _Dropped("a change of its row has overtaken it")
        if step.outcome is Outcome.CHANGED and row.deadline_at is not None:
            self._forget_deadline(row)
        return step.outcome.value

    def _refused_unread(self, check_in: CheckIn) -> _Dropped | None:
        """Why this check-in is dropped before anything is read for it; None where it is not.

        A runtime names its installation, so that its token can be checked first: only a genuine check-in counts for the
        rate of that installation, and a forger cannot use it up (`_counted_for`).
        """
        named = check_in.installation_id
        if named is not None and not self._is_genuine(named, check_in):
            return _FORGED
        now = self.services.clock()
        if check_in.sent_at is not None and abs(now - check_in.sent_at) > SENT_WITHIN:
            return _Dropped("sent too long ago, or in the future", is_warning=True)
        if not self.rate.allows(self._counted_for(check_in, now), now):
            return _Dropped("too many check-ins", is_warning=True)
        return None

    def _counted_for(self, check_in: CheckIn, now: datetime) -> str:
        """The name of the bucket. A check-in that names no installation and has no token of a known row counts with all
        such of its provider, the forged ones too. They make the row known: those that the rate lets through are read.
        """
        if check_in.installation_id is not None:
            return check_in.installation_id
        key = keys.installation_named(check_in.organization_id, check_in.provider)
        row = self.known.last_seen(key, now) if key else None
        if row and self._is_genuine(row.installation_id, check_in):
            return row.installation_id
        return f"{check_in.organization_id} {check_in.provider}"

    def _is_genuine(self, installation_id: str, check_in: CheckIn) -> bool:
        """Whether any key made the token: a pod keeps the token of an older key until it is deployed again.

        The log lines show when an older key is no longer used, and when one was removed too early.
        """
        about = (check_in.organization_id, installation_id, check_in.generation)
        newest, *older = self.check_in_keys
        if token_matches(check_in.token, check_in_token(newest, *about)):
            return True
        if not any(token_matches(check_in.token, check_in_token(key, *about)) for key in older):
            return False
        log.info("%s has the token of an older key", check_in.provider, extra={"event": "check_in_by_older_key"})
        return True

    def _forget_deadline(self, row: Installation) -> None:
        """Cancel the deadline's task. This only saves a call: a task that fires finds nothing to do."""
        try:
            self.tasks.cancel(Queue.DEADLINES, deadline_name(row))
        except TemporaryError as error:
            log.info("%s: its deadline will fire for nothing: %s", row.installation_id, error)


def _why_stale(row: Installation, check_in: CheckIn) -> str:
    """What differs, in the order in which `advance` compares it."""
    if check_in.generation != row.generation:
        return f"of generation {check_in.generation}, and the row is of {row.generation}"
    if check_in.version != row.installed_version:
        return f"of version {check_in.version}, and the row is of {row.installed_version}"
    if check_in.lock_sha256 not in {None, row.revision.lock_sha256}:
        return "of another lock than the row is"
    return "older than what its pod sent before"


def _event_of(row: Installation, check_in: CheckIn) -> Event:
    instance_id = check_in.instance_id or ""
    if check_in.stopping:
        return Stopping(row.installation_id, check_in.generation, instance_id, check_in.sent_at)
    message = mask(check_in.message) if check_in.message else None
    # A READY row only degrades. A FAILED one must not take this report for the late check-in that recovers it.
    if check_in.failed and row.lifecycle_state is not LifecycleState.READY:
        reason = message or "the runtime could not start and gave no reason"
        return DeployFailed(row.installation_id, check_in.generation, reason, "runtime")
    return CheckedIn(
        row.installation_id,
        check_in.generation,
        check_in.version,
        Health.DEGRADED if check_in.failed else check_in.health,
        message,
        check_in.active_resources,
        check_in.resource_types,
        instance_id,
        check_in.sent_at,
        check_in.lock_sha256,
    )
