"""The main job on one machine, from nothing: `make demo`.

It is a client like any other: it publishes as a customer's CI, installs as the tenant, and reads what the
HTTPS API, the cluster and the database show. It ends with 0 only if every step came out as it should.

With `--svg FILE` it also writes a picture of the run, which the README shows.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import urllib3

from hub_cli.progress import Progress, progress
from local_stack.api_client import ApiClient, Json, UnexpectedAnswer
from local_stack.errors import LocalError
from local_stack.residue_check import ResidueUnknown, documents_of, objects_of
from local_stack.running import Stack
from local_stack.sample_wheels import build_wheel
from local_stack.wheelhost import AddedWheel
from provider_hub.domain.names import ProviderName

ORGANIZATION = "acme"
OTHER_ORGANIZATION = "globex"
PROVIDER = ProviderName(ORGANIZATION, "weather")
CONFIG = {"WEATHER_STATIONS": "Bergen=60.39,5.32;Oslo=59.91,10.75"}
STEPS = 10
_UNNUMBERED = " " * len(f"{STEPS}/{STEPS}")
_STEP_SECONDS = 90.0
_POLL_SECONDS = 0.1
# What a shell makes of a process that SIGINT ended.
_INTERRUPTED = 130


class DemoFailed(Exception):
    """A step did not come out as it should; the message says which, and what was there instead."""


@dataclass
class Demo:
    """The steps, over one running stack."""

    stack: Stack
    wheels: dict[str, AddedWheel]
    progress: Progress
    number: int = 0

    def run(self) -> None:
        """Take every step. Raises DemoFailed, UnexpectedAnswer or urllib3's HTTPError where one fails."""
        tokens = self.stack.tokens
        ci = ApiClient(self.stack.info.api_url, tokens.machine(ORGANIZATION))
        tenant = ApiClient(self.stack.info.api_url, tokens.user(ORGANIZATION))
        other = ApiClient(self.stack.info.api_url, tokens.user(OTHER_ORGANIZATION))
        platform = ApiClient(self.stack.info.api_url, tokens.console_machine())
        self._publish_platform(platform)
        self._publish(ci, "1.0.0")
        self._install(tenant)
        self._wait_ready(tenant, "1.0.0")
        self._share(other)
        self._publish(ci, "1.1.0")
        self._upgrade(tenant, "1.1.0")
        self._publish(ci, "1.2.0", note="its import fails")
        self._upgrade_to_broken(tenant, "1.2.0", back_to="1.1.0")
        self._uninstall(tenant, other)
        self._confirm_gone()

    def _publish_platform(self, machine: ApiClient) -> None:
        with self._stage("the platform's release CI registers a provider", numbered=False) as show:
            body = self._registration("platform/weather", "1.0.0")
            version = machine.call("POST", "/console/provider-versions", body, expect=[201])
            show(f"{version['canonical']} {version['version']} {version['status']}")

    def _publish(self, ci: ApiClient, version: str, note: str = "") -> None:
        with self._stage(f"CI publishes {version}{f' ({note})' if note else ''}") as show:
            body = self._registration(PROVIDER.canonical, version)
            published = ci.call("POST", "/provider-versions", body, expect=[201])
            show(f"{published['status']}, sha256 {published['wheel_sha256'][:12]}…")

    def _install(self, tenant: ApiClient) -> None:
        with self._stage("the tenant installs it") as show:
            body = {"provider_name": PROVIDER.canonical, "config": CONFIG}
            row = tenant.call("POST", "/providers/install", body, expect=[201])
            show(f"{row['installed_version']} {row['lifecycle_state']}")

    def _wait_ready(self, tenant: ApiClient, version: str) -> None:
        with self._stage("its runtime checks in") as show:
            row = self._until(tenant, show, lambda row: row["current_version"] == version)
            show(f"{row['current_version']} {row['lifecycle_state']}, {row['health']}")

    def _share(self, other: ApiClient) -> None:
        with self._stage("another organization finds and installs it") as show:
            found = other.call("GET", f"/providers?q={PROVIDER.name}&scope=public", expect=[200])
            names = [provider["canonical"] for provider in found["items"]]
            if PROVIDER.canonical not in names:
                raise DemoFailed(f"{OTHER_ORGANIZATION} finds {names}, and not {PROVIDER.canonical}")
            other.call("POST", "/providers/install", {"provider_name": PROVIDER.canonical}, expect=[201])
            row = self._until(other, show, lambda row: row["current_version"] is not None)
            show(f"{row['current_version']} {row['lifecycle_state']} for {OTHER_ORGANIZATION}")

    def _upgrade(self, tenant: ApiClient, version: str) -> None:
        with self._stage(f"the tenant upgrades to {version}") as show:
            tenant.call("POST", f"/providers/installed/{PROVIDER}/upgrade", {}, expect=[200])
            row = self._until(tenant, show, lambda row: row["current_version"] == version)
            show(f"{row['current_version']} {row['lifecycle_state']}")

    def _upgrade_to_broken(self, tenant: ApiClient, version: str, back_to: str) -> None:
        with self._stage(f"the upgrade to {version} fails and is rolled back") as show:
            asked = tenant.call("POST", f"/providers/installed/{PROVIDER}/upgrade", {}, expect=[200])
            restored = asked["generation"] + 1
            row = self._until(tenant, show, lambda row: row["generation"] == restored)
            if row["installed_version"] != back_to or row["current_version"] != back_to:
                raise DemoFailed(f"{row['installed_version']} runs where {back_to} should: {row['failure_message']}")
            show(f"{row['current_version']} {row['lifecycle_state']} again")
        sentence, *_ = row["failure_message"].splitlines()
        self.progress.line(f"      {sentence}")

    def _uninstall(self, *tenants: ApiClient) -> None:
        with self._stage("both organizations uninstall it") as show:
            path = f"/providers/installed/{PROVIDER}"
            for tenant in tenants:
                tenant.call("DELETE", f"{path}?cascade=true", expect=[202])
            for tenant in tenants:
                while "lifecycle_state" in (row := tenant.call("GET", path, expect=[200, 404])):
                    show(row["lifecycle_state"])
                    time.sleep(_POLL_SECONDS)
            show("the rows are gone")

    def _confirm_gone(self) -> None:
        with self._stage("cluster and database hold nothing of it") as show:
            info = self.stack.info
            left: list[str] = []
            for slug in (ORGANIZATION, OTHER_ORGANIZATION):
                left += objects_of(Path(info.kubeconfig), info.namespace(slug), PROVIDER)
                left += documents_of(info.firestore_emulator_host, info.project, f"org_{slug}", PROVIDER)
            if left:
                raise DemoFailed(f"left over: {', '.join(left)}")
            show("0 objects, 0 documents")

    @contextmanager
    def _stage(self, title: str, *, numbered: bool = True) -> Iterator[Callable[[str], None]]:
        """One step; `show` sets its state, which stays in its line as its result."""
        self.number += numbered
        with self.progress.stage(
            title, f"{self.number}/{STEPS}".rjust(len(_UNNUMBERED)) if numbered else _UNNUMBERED
        ) as show:
            yield show

    def _registration(self, name: str, version: str) -> Json:
        wheel = self.wheels[version]
        metadata = {"display_name": "Weather", "description": "Readings of weather stations", "tags": ["weather"]}
        return {
            "name": name,
            "version": version,
            "wheel_url": wheel.url,
            "sha256": wheel.sha256,
            "metadata": {**metadata, "scope": "public"},
        }

    def _until(self, tenant: ApiClient, show: Callable[[str], None], done: Callable[[Json], bool]) -> Json:
        """The row once it is READY and `done`. Raises DemoFailed when it fails, or the time is up."""
        deadline = time.monotonic() + _STEP_SECONDS
        while True:
            row = tenant.call("GET", f"/providers/installed/{PROVIDER}", expect=[200])
            show(f"{row['installed_version']} {row['lifecycle_state']}")
            if row["lifecycle_state"] == "ready" and done(row):
                return row
            if row["lifecycle_state"] == "failed":
                raise DemoFailed(f"the installation failed: {row['failure_message']}")
            if time.monotonic() > deadline:
                raise DemoFailed(f"{row['installed_version']} is {row['lifecycle_state']} after {_STEP_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)


def main() -> int:
    """Run the demo as the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description="The main job on one machine, from nothing.")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the run")
    parsed = parser.parse_args()
    if parsed.svg is None:
        return run(sys.stdout)
    from local_stack.picture import Copied, picture  # noqa: PLC0415 - what draws it takes long to import

    copied = Copied(sys.stdout)
    status = run(copied)
    if status == 0:
        parsed.svg.write_text(picture("make demo", copied.getvalue().splitlines()))
    return status


def run(output: TextIO) -> int:
    """Run the demo; returns the exit code. A failure is printed, and then the stack's folder stays, as after Ctrl-C."""
    state_dir = Path(tempfile.mkdtemp(prefix="provider-hub-demo-"))
    try:
        with progress(output) as shown:
            _run_on_new_stack(state_dir, shown)
            shown.line("")
            shown.line(f"All {STEPS} steps came out as they should, in {shown.elapsed:.1f} s.")
    except (DemoFailed, UnexpectedAnswer, ResidueUnknown, LocalError, urllib3.exceptions.HTTPError) as error:
        print(f"\nThe demo failed: {error}\nThe logs are in {state_dir}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nThe demo was stopped. The logs are in {state_dir}", file=sys.stderr)
        return _INTERRUPTED
    shutil.rmtree(state_dir)
    return 0


def _run_on_new_stack(state_dir: Path, shown: Progress) -> None:
    with shown.stage("start the whole system on this machine", _UNNUMBERED) as show:
        stack = Stack(state_dir=state_dir)
        stack.__enter__()
        show(stack.info.api_url)
    try:
        with shown.stage("build three wheels of a real provider", _UNNUMBERED) as show:
            wheels = _build(stack, state_dir / "built")
            show(", ".join(wheels))
        Demo(stack, wheels, shown).run()
    finally:
        with shown.stage("stop every process", _UNNUMBERED):
            stack.__exit__(None, None, None)


def _build(stack: Stack, directory: Path) -> dict[str, AddedWheel]:
    variants = {"1.0.0": "healthy", "1.1.0": "healthy", "1.2.0": "import-fails"}

    def build(version: str) -> AddedWheel:
        return stack.add_wheel(build_wheel(version, directory, variant=variants[version]))

    # All at once: each is built by a process of its own.
    with ThreadPoolExecutor() as pool:
        return dict(zip(variants, pool.map(build, variants), strict=True))


if __name__ == "__main__":
    sys.exit(main())
