"""The probes of one run of a container, and what follows from their verdicts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.objects import Json
from local_kubernetes.node.probes import ProbeKind, ProbeMachine, ProbeResult, ProbeSpec, ProbeTarget, ask
from local_kubernetes.node.status import ContainerRecord

_DEFAULT_GRACE = 30.0


@dataclass(frozen=True)
class HealthWatch:
    """Sets `record.started` and `record.ready` by the probes. `kill(grace_seconds)` ends the run."""

    spec: Json
    pod: Json
    target: ProbeTarget
    record: ContainerRecord
    recorder: EventRecorder
    changed: Callable[[], None]
    kill: Callable[[float], Awaitable[None]]

    async def run(self) -> None:
        """Run the startup probe, and after its success the other two, until cancelled."""
        if startup := self.spec.get("startupProbe"):
            await self._until_started(startup)
        self.record.started = True
        readiness, liveness = self.spec.get("readinessProbe"), self.spec.get("livenessProbe")
        self.record.ready = not readiness
        self.changed()
        async with asyncio.TaskGroup() as group:
            if readiness:
                group.create_task(self._keep_ready(readiness))
            if liveness:
                group.create_task(self._keep_alive(liveness))

    async def _until_started(self, probe: Json) -> None:
        machine = ProbeMachine(ProbeSpec.from_json(probe))
        await asyncio.sleep(machine.spec.initial_delay)
        while True:
            await self._ask(machine, "startup")
            if machine.verdict is True:
                return
            if machine.verdict is False:
                await self._restart(probe, "startup")
            await asyncio.sleep(machine.next_delay())

    async def _keep_ready(self, probe: Json) -> None:
        machine = ProbeMachine(ProbeSpec.from_json(probe))
        await asyncio.sleep(machine.spec.initial_delay)
        while True:
            await self._ask(machine, "readiness")
            ready = machine.verdict is True
            if ready != self.record.ready:
                self.record.ready = ready
                self.changed()
            await asyncio.sleep(machine.next_delay())

    async def _keep_alive(self, probe: Json) -> None:
        machine = ProbeMachine(ProbeSpec.from_json(probe))
        # The first liveness probe waits a period, so that a new process has time to come up.
        await asyncio.sleep(max(machine.spec.initial_delay, machine.spec.period))
        while True:
            await self._ask(machine, "liveness")
            if machine.verdict is False:
                await self._restart(probe, "liveness")
            await asyncio.sleep(machine.spec.period)

    async def _ask(self, machine: ProbeMachine, kind: ProbeKind) -> None:
        outcome = await ask(machine.spec.handler, machine.spec.timeout, self.target)
        counted = machine.record(outcome.ok, asyncio.get_running_loop().time())
        if counted and not outcome.ok and not machine.is_first_failure:
            self._warn(kind, outcome)

    def _warn(self, kind: ProbeKind, outcome: ProbeResult) -> None:
        self.recorder.warning(self.pod, "Unhealthy", f"{kind.capitalize()} probe failed: {outcome.message}")

    async def _restart(self, probe: Json, kind: ProbeKind) -> None:
        name = self.record.name
        self.recorder.normal(self.pod, "Killing", f"Container {name} failed {kind} probe, will be restarted")
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is None:
            grace = self.pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE)
        await self.kill(float(grace))
