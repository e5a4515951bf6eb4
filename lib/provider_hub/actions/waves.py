"""Auto-upgrade in waves: one step at a time, each a Cloud Task, so the queue's rate limits the speed.

A step settles the members whose upgrades have ended, takes slots for more installations, and schedules the next step.
Each slot is taken in one transaction with the installation that it upgrades. A step that runs twice takes no slot
twice, because that installation is not READY on an older version any more. The sweeper finds a lost step by `due_at`.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from provider_hub.actions import keys
from provider_hub.actions.configuration import ConfigCheck, Passed, stored_check_needed, transact_checked
from provider_hub.actions.offer import offer_later
from provider_hub.actions.ports import Key, RolloutStore, Tasks, Transaction
from provider_hub.actions.scheduled_calls import StepCall, step_of
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event, record_step
from provider_hub.actions.takeover import supersede_older
from provider_hub.actions.version_choice import check_provenance
from provider_hub.domain.catalog import ProviderVersion, VersionStatus, is_lock_offered, yanker_of
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid, TemporaryError
from provider_hub.domain.installation import ChangeRequested, Installation, UpgradePolicy, UpgradeSkipped, advance
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import is_due_for, is_offered, what_changes
from provider_hub.domain.rollout import (
    ACTIVE,
    Member,
    MemberState,
    Pace,
    Rollout,
    RolloutState,
    baked,
    fate,
    halted,
    is_unwell,
    moved_on,
    settled,
    started_one,
)

log = logging.getLogger(__name__)

SLOTS_A_STEP = 20
# So many rows of one step that meet a fault of our own are no bad rows: the next ones would meet it too.
FAULTS_A_STEP = 3
MEMBERS_A_STEP = 100
BAKED_A_STEP = 300

Change = Callable[[Rollout], Rollout]


class _Slot(Enum):
    """The result of offering a slot of a wave to an installation."""

    TAKEN = auto()
    NOT_WANTED = auto()
    FAULTY = auto()
    NONE_LEFT = auto()


@dataclass(frozen=True, slots=True)
class Waves:
    """Starts rollouts and takes their steps; `pace` says how careful they are."""

    services: Services[RolloutStore]
    tasks: Tasks
    pace: Pace

    def begin(self, event: VersionPublished) -> str:
        """Start a version's rollout; returns its state, for the log. Raises TemporaryError to get the event again."""
        new = self._rollout_for(event)
        name, key = new.provider_name, keys.rollout_of(new)
        if new.lock_sha256 and not new.candidates:
            return "on no installation that follows by itself"

        def decide(transaction: Transaction) -> Rollout | None:
            known, provider, version = transaction.read(key, keys.provider(name), keys.version(name, event.version))
            if known and known.state in ACTIVE:
                return known
            # Read after the provider's row, which whoever publishes or yanks writes: one of the two runs again.
            if provider is None or not self._is_offered(new, version):
                return None
            # A lock may come back that was rolled out and replaced; an event that comes twice is no reason to.
            if known and (new.lock_sha256 is None or event.published_at <= known.created_at):
                return None
            transaction.write(key, new)
            return new

        rollout = self.services.outbox.transact(decide)
        if rollout is None:
            return "not rolled out by itself"
        supersede_older(self.services, rollout)
        self.tasks.schedule(step_of(rollout))
        return rollout.state.value

    def _rollout_for(self, event: VersionPublished) -> Rollout:
        name, now = ProviderName.parse(event.provider), self.services.clock()
        on_version = event.version if event.lock_sha256 else None
        return Rollout(
            prefix=name.prefix,
            name=name.name,
            version=event.version,
            lock_sha256=event.lock_sha256,
            state=RolloutState.WAITING,
            candidates=self.services.store.count_auto_installations(name, on_version),
            canaries=len(self._canaries(name, on_version)),
            created_at=now,
            updated_at=now,
            due_at=max(now, event.published_at + self.pace.minimum_age),
        )

    def _is_offered(self, rollout: Rollout, version: ProviderVersion | None) -> bool:
        """Whether the version is to be offered; with a lock, whether it is still the one that the version has."""
        if version is None or version.status is not VersionStatus.PUBLISHED:
            return False
        if rollout.lock_sha256 is not None:
            return is_lock_offered(version, rollout.lock_sha256)
        return is_offered(rollout.version, self.services.store.version_statuses(rollout.provider_name))

    def step(self, call: StepCall) -> str:
        """Do one step and schedule the next. Raises TemporaryError to be called again."""
        rollout = self.services.store.get(keys.rollout(ProviderName.parse(call.provider), call.rollout_id))
        if rollout is None or rollout.step != call.step or rollout.state not in ACTIVE:
            return "stale"
        return self.take_step(rollout)

    def take_step(self, rollout: Rollout) -> str:
        """Take one step of a rollout that is due; returns the state after it. Raises TemporaryError."""
        if rollout.state is RolloutState.RUNNING:
            self._settle_members(rollout)
            self._take_slots(rollout)
        if rollout.state is RolloutState.BAKING:
            self._check_baked(rollout)
        moved = self._move_on(rollout)
        if moved.due_at is not None:
            self.tasks.schedule(step_of(moved))
        return moved.state.value

    def _take_slots(self, rollout: Rollout) -> None:
        """Upgrade installations until the wave is full or SLOTS_A_STEP are offered, and keep the cursor.

        The canaries come first, whatever the cursor; those that were upgraded already do not want the version again.
        When a second run of the step fills the wave meanwhile, the rest of the page stays for the next wave. The
        rollout halts once FAULTS_A_STEP rows of the page meet a fault of our own.
        """
        name, on_version = rollout.provider_name, rollout.version if rollout.lock_sha256 else None
        if rollout.wave == 1:
            for row in self._canaries(name, on_version):
                self._offer_slot(rollout, row)
        page = self.services.store.auto_installations(name, on_version, rollout.cursor, SLOTS_A_STEP)
        cursor, taken, faulty, exhausted = rollout.cursor, 0, 0, False
        for row in page:
            if taken >= rollout.room:
                break
            slot = self._offer_slot(rollout, row)
            faulty += slot is _Slot.FAULTY
            if slot is _Slot.NONE_LEFT or faulty == FAULTS_A_STEP:
                break
            taken += slot is _Slot.TAKEN
            cursor = keys.installation_of(row).place
        else:
            exhausted = len(page) < SLOTS_A_STEP

        def reached(current: Rollout) -> Rollout:
            there = replace(current, cursor=cursor, exhausted=exhausted)
            if faulty < FAULTS_A_STEP:
                return there
            why = f"the hub met a fault of its own over {faulty} installations: the platform has to see to it"
            return replace(halted(there, why), updated_at=self.services.clock())

        self._update(rollout, reached)

    def _canaries(self, name: ProviderName, on_version: str | None) -> list[Installation]:
        """The canary organizations' installations, on a version or on any, that follow new versions by themselves."""
        wanted = [keys.installation(organization_id, name) for organization_id in sorted(self.pace.canaries)]
        rows = self.services.store.get_all(wanted) if wanted else []
        following = [row for row in rows if row is not None and row.upgrade_policy is UpgradePolicy.AUTO]
        return [row for row in following if on_version in (None, row.installed_version)]

    def _offer_slot(self, rollout: Rollout, row: Installation) -> _Slot:
        """As `_take_slot`. A row that meets a fault of our own is left to the sweeper, and the others have their turn.

        Raises TemporaryError: what does not answer for this row may not answer for the next one either.
        """
        try:
            return self._take_slot(rollout, row)
        except TemporaryError:
            raise
        except Exception:
            name, rollout_id = rollout.provider_name, rollout.rollout_id
            log.exception("the rollout of %s %s passes %s by", name, rollout_id, row.installation_id)
        offer_later(self.services, row)
        return _Slot.FAULTY

    def _take_slot(self, rollout: Rollout, seen: Installation) -> _Slot:
        """Offer a slot: one transaction changes the installation, the rollout's count and the member.

        An installation whose config does not fit the version, or whose organization requires another provenance, is
        left as it is, and its timeline says why.
        """
        key = keys.rollout_of(rollout)
        row_key = keys.installation(seen.organization_id, rollout.provider_name)
        version_key = keys.version(rollout.provider_name, rollout.version)
        policy_key = keys.provenance_policy(seen.organization_id)

        def decide(transaction: Transaction, passed: Passed) -> _Slot | ConfigCheck:
            current, row, version, policy = transaction.read(key, row_key, version_key, policy_key)
            is_running = current and current.step == rollout.step and current.state is RolloutState.RUNNING
            if current is None or not is_running or not current.room:
                return _Slot.NONE_LEFT
            if version and version.status is VersionStatus.YANKED:
                yanked = halted(current, f"{current.version} was yanked by {yanker_of(version)}")
                transaction.write(key, replace(yanked, updated_at=self.services.clock()))
                return _Slot.NONE_LEFT
            lock, now = version.lock_sha256 if version else None, self.services.clock()
            is_same = row is not None and row.installation_id == seen.installation_id
            # Locked once more meanwhile, it has another rollout, which supersedes this one.
            if row is None or not is_same or current.lock_sha256 not in (None, lock):
                return _Slot.NOT_WANTED
            if not is_due_for(row, current.version, current.lock_sha256, now):
                return _Slot.NOT_WANTED
            check_provenance(policy, version, installed=row.installed_version)
            needed = stored_check_needed(row, version)
            if needed and needed not in passed:
                return needed
            revision = row.revision.at(current.version, lock)
            reason = f"{what_changes(row, current.version, current.lock_sha256)}, wave {current.wave}"
            event = ChangeRequested(row.installation_id, revision, "auto-upgrade", reason)
            record_step(transaction, advance(row, event, now, self.services.deadlines), now)
            transaction.write(key, started_one(current))
            member_key = keys.member(current.provider_name, current.rollout_id, row.installation_id)
            transaction.write(member_key, _member(row, current.wave, now))
            return _Slot.TAKEN

        try:
            return transact_checked(self.services, decide)
        except Invalid as unfit:
            reason = f"auto-upgrade to {rollout.version} skipped: {unfit}"
            apply_event(self.services, seen, UpgradeSkipped(seen.installation_id, seen.generation, reason))
            return _Slot.NOT_WANTED

    def _settle_members(self, rollout: Rollout) -> None:
        """Count the members whose upgrades have ended, among the MEMBERS_A_STEP longest under way."""
        members = self.services.store.started_members(rollout.provider_name, rollout.rollout_id, MEMBERS_A_STEP)
        rows = self.services.store.get_all([_row_key(member) for member in members])
        for member, row in zip(members, rows, strict=True):
            state = fate(member, row, rollout.version, rollout.lock_sha256)
            if state is not MemberState.STARTED:
                self._settle(rollout, replace(member, state=state, settled_at=self.services.clock()))

    def _check_baked(self, rollout: Rollout) -> None:
        """Halt before the next wave when this wave's installations are not well; of a large wave a sample is read."""
        name, version, lock = rollout.provider_name, rollout.version, rollout.lock_sha256
        members = self.services.store.wave_members(name, rollout.rollout_id, rollout.wave, BAKED_A_STEP)
        rows = self.services.store.get_all([_row_key(member) for member in members])
        unwell = [member for member, row in zip(members, rows, strict=True) if is_unwell(member, row, version, lock)]
        if unwell or rollout.wave_unwell:
            self._update(rollout, lambda current: baked(current, unwell, self.pace))

    def _settle(self, rollout: Rollout, member: Member) -> None:
        member_key = keys.member(rollout.provider_name, rollout.rollout_id, member.installation_id)
        key = keys.rollout_of(rollout)

        def decide(transaction: Transaction) -> None:
            current, known = transaction.read(key, member_key)
            if current is None or known is None or known.state is not MemberState.STARTED:
                return
            transaction.write(member_key, member)
            now = self.services.clock()
            transaction.write(key, replace(settled(current, member, self.pace), updated_at=now))

        self.services.store.transact(decide)

    def _move_on(self, rollout: Rollout) -> Rollout:
        """Write the next state and the next step's number. From then on a task of this step is stale."""

        def moved(current: Rollout) -> Rollout:
            return replace(moved_on(current, self.services.clock(), self.pace), step=rollout.step + 1)

        return self._update(rollout, moved)

    def _update(self, rollout: Rollout, change: Change) -> Rollout:
        key = keys.rollout_of(rollout)

        def decide(transaction: Transaction) -> Rollout:
            (current,) = transaction.read(key)
            if current is None or current.step != rollout.step or current.state not in ACTIVE:
                return replace(current or rollout, due_at=None)  # another step or decision came first
            changed = change(current)
            transaction.write(key, changed)
            return changed

        return self.services.store.transact(decide)[0]


def _row_key(of: Member) -> Key[Installation]:
    return keys.installation(of.organization_id, ProviderName(of.prefix, of.name))


def _member(row: Installation, wave: int, now: datetime) -> Member:
    return Member(
        row.organization_id, row.prefix, row.name, row.installation_id, wave, MemberState.STARTED, started_at=now
    )
