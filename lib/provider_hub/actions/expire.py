"""Deadlines: a generation that waits too long becomes FAILED; the reason is what the cluster shows."""

from provider_hub.actions import keys
from provider_hub.actions.cluster import Clusters, Unanswered
from provider_hub.actions.last_lines import last_lines
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.actions.services import Services
from provider_hub.actions.silent_cells import SilentCells
from provider_hub.actions.steps import apply_event
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import DeadlinePassed, Installation, LifecycleState, Outcome
from provider_hub.domain.names import namespace_for


@dataclass(frozen=True, slots=True)
class Expiry:
    """Ends the wait of rows whose deadline has passed; Cloud Tasks and the sweeper call it."""

    services: Services[DocumentStore]
    clusters: Clusters

    def handle(self, call: DeadlineCall) -> Outcome:
        """Handle a deadline's task. Raises TemporaryError when it came too early, so that it is called again."""
        key = keys.installation_named(call.organization_id, call.provider)
        row = self.services.store.get(key) if key else None
        if row is None or (row.installation_id, row.generation) != (call.installation_id, call.generation):
            return Outcome.STALE
        if row.deadline_at is None:
            return Outcome.UNCHANGED
        if self.services.clock() < row.deadline_at:
            raise TemporaryError(f"{row.installation_id} may wait until {row.deadline_at:%H:%M:%S}")
        return self.expire(row)

    def expire(self, row: Installation, silent_cells: SilentCells | None = None) -> Outcome:
        """End the wait of a row whose deadline has passed. The clusters of `silent_cells` are not asked for the reason.

        Raises TemporaryError when the database does not answer.
        """
        reason, lines = self._reason(row, silent_cells or SilentCells())
        event = DeadlinePassed(row.installation_id, row.generation, reason, lines)
        return apply_event(self.services, row, event).outcome

    def _reason(self, row: Installation, silent_cells: SilentCells) -> tuple[str, tuple[str, ...]]:
        """The reason to record, and the pod's last lines.

        A cluster that does not answer does not prolong the wait: every wait has an end. It is not asked for the lines
        after it was silent about the rest.
        """
        if row.lifecycle_state is LifecycleState.PENDING:
            return "no installer took it in time", ()
        is_removal = row.lifecycle_state is LifecycleState.DELETING
        try:
            with silent_cells.asking(row.cell):
                reason = self._remove_again(row) if is_removal else self._shown(row)
        except Unanswered as error:
            return f"the deadline passed, and {error}", ()
        except (TemporaryError, PermanentError) as error:
            reason = f"the deadline passed, and {error}"
        return reason, last_lines(self.clusters, row) if row.lifecycle_state is LifecycleState.PROCESSING else ()

    def _shown(self, row: Installation) -> str:
        name = row.provider_name.object_name
        shown = self.clusters.of(row).status(namespace_for(row.organization_slug), name, row.installation_id)
        if shown is None:
            return f"the deadline passed, and the cluster shows no deployment{self._refusal(row)}"
        if shown.generation != row.generation:
            return f"the deadline passed, and the cluster did not take {row.installed_version}{self._refusal(row)}"
        return f"the deadline passed without a check-in: {shown.message or 'the runtime runs but never checked in'}"

    def _refusal(self, row: Installation) -> str:
        """What the installer was told at its last try, such as a quota that was used up all the time."""
        noted = self.services.store.get(keys.delivery_error(f"{row.installation_id}-{row.generation}"))
        return f": {noted.reason}" if noted else ""

    def _remove_again(self, row: Installation) -> str:
        """Asks for the removal once more, and names what is still there, such as objects with a finalizer.

        Somebody has to clear those.
        """
        left = self.clusters.of(row).remove(namespace_for(row.organization_slug), row.installation_id)
        return f"still there are {', '.join(left)}" if left else "the removal was not confirmed"
