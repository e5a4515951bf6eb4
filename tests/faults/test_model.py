"""The operations against a plain model of what must be: whatever is asked for, in whatever order, at whatever time."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.messages import check_in_token
from tests.faults.conftest import EVERYTHING
from tests.faults.runtimes import BEHAVIOUR, BROKEN, HEALTHY, SILENT
from tests.faults.world import DEPLOY_DEADLINE_SECONDS, NAME, World

PATH = f"/providers/installed/{NAME}"
VERSIONS = st.sampled_from(("1.0.0", "1.1.0", "1.2.0", "1.3.0"))
CONFIGS = st.sampled_from(({}, {"A": "1"}, {"A": "2"}))
STARTED_SECONDS = 30.0  # by then a runtime has checked in or failed, unless it is silent


@dataclass(frozen=True)
class Wish:
    """What should run; versions compare as text, as long as they are these."""

    version: str
    config: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Expected:
    """What the row must be. `ready` is the last wish that a runtime checked in for."""

    wish: Wish
    rolls_back: bool
    generation: int = 1
    state: str = "in flight"
    ready: Wish | None = None
    is_rollback: bool = False

    def changed(self, wish: Wish) -> "Expected":
        return replace(self, wish=wish, generation=self.generation + 1, state="in flight", is_rollback=False)

    def started(self) -> "Expected":
        """After the runtime had the time to start, if it does at all."""
        behaviour = BEHAVIOUR.get(self.wish.version, HEALTHY)
        if self.state != "in flight" or behaviour == SILENT:
            return self
        if behaviour == BROKEN:
            return self.failed()
        return replace(self, state="ready", ready=self.wish)

    def overdue(self) -> "Expected":
        """After every deadline there is."""
        waited = self.started()
        return waited.failed() if waited.state == "in flight" else waited

    def failed(self) -> "Expected":
        if not self.rolls_back or self.is_rollback or self.ready in (None, self.wish):
            return replace(self, state="failed")
        wish = self.ready
        assert wish is not None
        return replace(self, wish=wish, generation=self.generation + 1, is_rollback=True).started()


class Operations(RuleBasedStateMachine):
    """One tenant's installation, and another's that nothing here may touch."""

    def __init__(self) -> None:
        super().__init__()
        self._exits = ExitStack()
        self.world = self._exits.enter_context(World().running())
        self.expected: Expected | None = None
        self.deleting = False

    def teardown(self) -> None:
        self._exits.close()

    @initialize(version=VERSIONS, config=CONFIGS, rolls_back=st.sampled_from([True, True, False]))
    def both_install_it(self, version: str, config: dict[str, str], rolls_back: bool) -> None:
        body = {"provider_name": str(NAME), "version": "1.0.0"}
        assert self.world.call("other", "POST", "/providers/install", body) == 201
        self.world.wait(STARTED_SECONDS)
        self.install(version, config, rolls_back)

    @rule(version=VERSIONS, config=CONFIGS, rolls_back=st.sampled_from([True, True, False]))
    @precondition(lambda self: self.expected is None)
    def install(self, version: str, config: dict[str, str], rolls_back: bool) -> None:
        body = {"provider_name": str(NAME), "version": version, "config": config, "rollback_on_failure": rolls_back}
        is_free = self.expected is None and not self.deleting
        assert self._call("POST", "/providers/install", body) == (201 if is_free else 409)
        if is_free:
            self.expected = Expected(_wish(version, config), rolls_back)

    @rule(version=VERSIONS, has_right_verb=st.sampled_from([True, True, True, False]))
    @precondition(lambda self: self.expected is not None)
    def move(self, version: str, has_right_verb: bool) -> None:
        """To another version, by the verb for that direction or by the other one."""
        assert self.expected is not None
        wish = self.expected.wish
        is_upgrade = (version > wish.version) == has_right_verb
        verb, field = ("upgrade", "version") if is_upgrade else ("downgrade", "target_version")
        accepted = version != wish.version and has_right_verb
        refused = 409 if version == wish.version else 422
        assert self._call("POST", f"{PATH}/{verb}", {field: version}) == (200 if accepted else refused)
        if accepted:
            self.expected = self.expected.changed(replace(wish, version=version))

    @rule()
    @precondition(lambda self: self.expected is not None)
    def deploy(self) -> None:
        assert self._call("POST", f"{PATH}/deploy", {}) == self._status(200)
        if self.expected:
            self.expected = self.expected.changed(self.expected.wish)

    @rule(config=CONFIGS)
    @precondition(lambda self: self.expected is not None)
    def patch(self, config: dict[str, str]) -> None:
        assert self._call("PATCH", PATH, {"config": config}) == self._status(200)
        if self.expected and self.expected.wish.config != tuple(config.items()):
            self.expected = self.expected.changed(_wish(self.expected.wish.version, config))

    @rule()
    @precondition(lambda self: self.expected is None)
    def wishes_about_what_is_not_there(self) -> None:
        for method, path, body in (
            ("POST", f"{PATH}/upgrade", {}),
            ("POST", f"{PATH}/downgrade", {"target_version": "1.0.0"}),
            ("POST", f"{PATH}/deploy", {}),
            ("PATCH", PATH, {"config": {}}),
            ("DELETE", PATH, None),
        ):
            assert self._call(method, path, body) == self._status(200)

    @rule(really=st.booleans())
    @precondition(lambda self: self.expected is not None)
    def uninstall(self, really: bool) -> None:
        if not really:  # or else hardly any life would see more than its beginning
            return
        assert self._call("DELETE", f"{PATH}?cascade=true") == self._status(202)
        if self.expected:
            self.expected, self.deleting = None, True

    @rule(generations_off=st.sampled_from([-1, 0, 1]), failed=st.booleans(), has_token=st.booleans())
    @precondition(lambda self: self.expected is not None)
    def somebody_elses_check_in(self, generations_off: int, failed: bool, has_token: bool) -> None:
        """Of a wrong generation, or without the token: it changes nothing."""
        if has_token and not generations_off:
            return
        row = self.world.row("acme")
        assert row is not None
        key = self.world.functions.settings.check_in_keys.get_secret_value().encode()
        generation = max(1, row.generation + generations_off)
        wrong_generation = generation != row.generation
        token = check_in_token(key, row.organization_id, row.installation_id, generation)
        message = {
            "organization_id": row.organization_id,
            "provider": row.canonical,
            "version": row.installed_version,
            "generation": generation,
            "token": token if has_token and wrong_generation else "guessed",
            "failed": failed,
        }
        body = self.world.pubsub
        body.put("runtime-check-ins", json.dumps(message).encode(), {}, "")

    @rule()
    def runtimes_start(self) -> None:
        self.world.wait(STARTED_SECONDS)
        self.deleting = False
        self.expected = self.expected and self.expected.started()

    @rule()
    def deadlines_pass(self) -> None:
        self.world.wait(DEPLOY_DEADLINE_SECONDS * 2 + STARTED_SECONDS)
        self.deleting = False
        self.expected = self.expected and self.expected.overdue()

    @rule()
    def all_is_quiet(self) -> None:
        self.world.play([])
        self.deleting = False
        self.expected = self.expected and self.expected.overdue()

    @invariant()
    def the_row_is_as_expected(self) -> None:
        row = self.world.row("acme")
        if self.expected is None:
            assert row is None or (self.deleting and row.lifecycle_state is LifecycleState.DELETING)
            return
        assert row is not None
        state = row.lifecycle_state.value if row.lifecycle_state.value in ("ready", "failed") else "in flight"
        wish = Wish(row.installed_version, tuple(row.revision.config.items()))
        last = row.ready_revision
        ready = Wish(last.version, tuple(last.config.items())) if last else None
        shown = Expected(wish, row.rollback_on_failure, row.generation, state, ready, row.is_rollback)
        assert shown == self.expected

    @invariant()
    def the_other_tenant_is_untouched(self) -> None:
        other = self.world.row("other")
        assert other is None or (other.generation, other.lifecycle_state) == (1, LifecycleState.READY)

    def _status(self, otherwise: int) -> int:
        """What is answered where nothing is installed, or is on its way out."""
        if self.expected is not None:
            return otherwise
        return 409 if self.deleting else 404

    def _call(self, method: str, path: str, body: Any = None) -> int:
        return self.world.call("acme", method, path, body)


def _wish(version: str, config: dict[str, str]) -> Wish:
    return Wish(version, tuple(config.items()))


TestOperations = Operations.TestCase
TestOperations.settings = settings(max_examples=400 if EVERYTHING else 14, stateful_step_count=18, deadline=None)
