"""`python -m local_stack.chaos`: tenants at work on a stack that is being broken; 0 without a violation."""

import argparse
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import urllib3

from hub_cli.progress import progress
from local_stack.api_client import ApiClient
from local_stack.chaos.faults import Monkey
from local_stack.chaos.redelivery import Courier
from local_stack.chaos.report import live_line, table
from local_stack.chaos.workload import BROKEN, HEALTHY, PROVIDER, Tally, Tenant
from local_stack.errors import LocalError
from local_stack.residue_check import ResidueUnknown, documents_of, objects_of
from local_stack.running import Stack
from local_stack.sample_wheels import build_wheel
from provider_hub.domain.names import ProviderName

_DEADLINE_SECONDS = 60
_START_SECONDS = 180.0
_LINE_SECONDS = 5.0
_METADATA = {"display_name": "Weather", "description": "Readings of weather stations"}


@dataclass(frozen=True)
class Options:
    """How long, how many tenants at once, and how bad; times in seconds. No `kubeconfig`: the embedded cluster.

    `poll` is the time between two looks at what is waited for, `sweep` that between two runs of the sweeper.
    """

    seconds: float = 600.0
    tenants: int = 50
    seed: int = 1
    interval: float = 1.0
    pause: float = 20.0
    patience: float = 420.0
    poll: float = 1.0
    sweep: float = 3.0
    kills_while_paused: bool = True
    kubeconfig: str | None = None


@dataclass(frozen=True)
class Result:
    """The outcome of a run; `table` is Markdown."""

    tally: Tally
    faults: int
    messages: int
    table: str


def run(options: Options, state_dir: Path, command: str = "make chaos") -> Result:
    """Start a stack, let tenants work while faults are made, then look for what is left. Raises LocalError."""
    environment = {
        "HUB_DEPLOY_DEADLINE_SECONDS": str(_DEADLINE_SECONDS),
        "HUB_QUEUE_DEADLINE_SECONDS": str(_DEADLINE_SECONDS * 2),
        "HUB_CHECK_IN_SECONDS": "5",
        "HUB_LOCAL_CLUSTER_FAULTS": "1",
    }
    began = time.monotonic()
    cluster = ("--kubeconfig", options.kubeconfig, "--process-node") if options.kubeconfig else ()
    arguments = ("--retry-min", "0.5", "--sweep-seconds", f"{options.sweep:g}", *cluster)
    with Stack(*arguments, state_dir=state_dir, environment=environment, deadline=_START_SECONDS) as stack:
        _publish(stack, state_dir / "built")
        tally = Tally()
        monkey = Monkey(
            stack,
            _random(options.seed),
            options.interval,
            options.pause,
            kills_while_paused=options.kills_while_paused,
        )
        with Courier(stack.info.pubsub_emulator_host, stack.info.project).at_work() as deliveries:
            tenants = _tenants(stack, tally, options)
            with monkey.at_work():
                _work(tenants, tally, monkey, deliveries, options)
            _confirm_nothing_is_left(stack, tenants, tally, options)
        report = table(time.monotonic() - began, tally, monkey, deliveries.messages, command)
        return Result(tally, sum(monkey.done.values()), deliveries.messages, report)


def _tenants(stack: Stack, tally: Tally, options: Options) -> list[Tenant]:
    return [
        Tenant(stack, f"chaos-{number}", _random(options.seed + number), tally, options.patience, options.poll)
        for number in range(1, options.tenants + 1)
    ]


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - to be repeated, not to be secret


def _work(tenants: Sequence[Tenant], tally: Tally, monkey: Monkey, deliveries: Courier, options: Options) -> None:
    """Let tenants work. Once the time is over no fault is made, and the histories under way go to their ends."""
    began = time.monotonic()
    until = began + options.seconds
    threads = [threading.Thread(target=tenant.live, args=(until,), daemon=True) for tenant in tenants]
    for thread in threads:
        thread.start()
    with progress(sys.stdout) as shown:
        while any(thread.is_alive() for thread in threads):
            next(thread for thread in threads if thread.is_alive()).join(_LINE_SECONDS)
            if time.monotonic() >= until:
                monkey.stop()
            line = live_line(time.monotonic() - began, tally, monkey, deliveries.messages)
            (shown.moving if sys.stdout.isatty() else shown.line)(line)


def _publish(stack: Stack, directory: Path) -> None:
    machine = ApiClient(stack.info.api_url, stack.tokens.console_machine())
    for version in (*HEALTHY, BROKEN):
        variant = "import-fails" if version == BROKEN else "healthy"
        added = stack.add_wheel(build_wheel(version, directory, variant=variant))
        body = {
            "name": PROVIDER,
            "version": version,
            "wheel_url": added.url,
            "sha256": added.sha256,
            "metadata": _METADATA,
        }
        machine.call("POST", "/console/provider-versions", body, expect=[201])


def _confirm_nothing_is_left(stack: Stack, tenants: Sequence[Tenant], tally: Tally, options: Options) -> None:
    """Every tenant has uninstalled: sweeps must end with no object, row or outbox entry."""
    if tally.violations:
        return
    deadline = time.monotonic() + options.patience
    while left := _left_if_told(stack, tenants):
        if time.monotonic() > deadline:
            tally.violated(f"left over: {', '.join(left)}")
            return
        time.sleep(options.poll)


def _left_if_told(stack: Stack, tenants: Sequence[Tenant]) -> list[str]:
    """What is left; or why the cluster or the database does not say so yet, such as one that starts again."""
    try:
        return _left(stack, tenants)
    except (ResidueUnknown, urllib3.exceptions.HTTPError) as error:
        return [str(error)]


def _left(stack: Stack, tenants: Sequence[Tenant]) -> list[str]:
    info, provider = stack.info, ProviderName.parse(PROVIDER)
    left: list[str] = []
    for tenant in tenants:
        left += objects_of(Path(info.kubeconfig), info.namespace(tenant.slug), provider)
        left += documents_of(info.firestore_emulator_host, info.project, f"org_{tenant.slug}", provider)
    return sorted(set(left))


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when anything was violated; the logs are kept then."""
    parser = argparse.ArgumentParser(prog="python -m local_stack.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long faults happen (default: 10)")
    parser.add_argument("--tenants", type=int, default=Options.tenants, help="tenants at once (default: 50)")
    parser.add_argument("--seed", type=int, default=Options.seed, help="seed of faults and histories (default: 1)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="a real cluster instead of the embedded one")
    given = parser.parse_args(arguments)
    options = Options(given.minutes * 60, given.tenants, given.seed, kubeconfig=given.kubeconfig)
    state_dir = Path(tempfile.mkdtemp(prefix="provider-hub-chaos-"))
    command = f"make chaos ARGS={shlex.quote(f'--minutes {given.minutes:g} --seed {given.seed}')}"
    try:
        result = run(options, state_dir, command)
    except (LocalError, urllib3.exceptions.HTTPError) as error:
        print(f"chaos could not run: {error}\nThe logs are in {state_dir}", file=sys.stderr)
        return 1
    print(result.table)
    if not result.tally.violations:
        return 0
    print("\n".join(["", *result.tally.violations, f"The logs are in {state_dir}"]), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
