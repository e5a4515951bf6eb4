"""The main job on one machine, from nothing: `make demo`.

It is a client like any other: it publishes as a customer's CI, installs as the tenant, and reads what the
HTTPS API, the cluster and the database show. It ends with 0 only if every step came out as it should.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from local_stack.errors import LocalError
from local_stack.residue_check import documents_of, objects_of
from local_stack.running import Stack
from local_stack.sample_wheels import build_wheel
from local_stack.wheelhost import AddedWheel
from provider_hub.domain.names import ProviderName, namespace_for

ORGANIZATION = "acme"
PROVIDER = ProviderName(ORGANIZATION, "weather")
STEPS = 9
_STEP_SECONDS = 90.0
_POLL_SECONDS = 0.1

Json = dict[str, Any]


class DemoFailed(Exception):
    """A step did not come out as it should; the message says which, and what was there instead."""


@dataclass
class Progress:
    """Prints each step once it is done with the time it took; on a terminal also the step that is under way."""

    live: bool = field(default_factory=sys.stdout.isatty)
    began: float = field(default_factory=time.monotonic)
    number: int = 0

    @contextmanager
    def step(self, title: str, *, numbered: bool = True) -> Iterator[Callable[[str], None]]:
        """One step; what is called with a text shows it as the step's present state or, at the end, its result."""
        self.number += numbered
        label = f"{self.number}/{STEPS}" if numbered else "   "
        began, told = time.monotonic(), ""

        def tell(text: str) -> None:
            nonlocal told
            told = text
            if self.live:
                print(f"\r\033[K{label} {title} … {text}"[:110], end="", flush=True)

        tell("")
        yield tell
        seconds = time.monotonic() - began
        lead = "\r\033[K" if self.live else ""
        print(f"{lead}{label} {title:<46} {seconds:6.2f} s  {told}".rstrip(), flush=True)


@dataclass
class Client:
    """The HTTPS API as one caller uses it."""

    api_url: str
    token: str
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def call(self, method: str, path: str, body: Json | None = None, *, expect: Sequence[int]) -> Json:
        """The answer's body. Raises DemoFailed with the API's own words for another status than expected."""
        headers = {"Authorization": f"Bearer {self.token}"}
        response = self.http.request(method, self.api_url + path, json=body, headers=headers, timeout=30)
        answer: Json = response.json() if response.data else {}
        if response.status not in expect:
            raise DemoFailed(f"{method} {path} was answered with {response.status}: {answer.get('detail')}")
        return answer


@dataclass
class Demo:
    """The steps, over one running stack."""

    stack: Stack
    wheels: dict[str, AddedWheel]
    progress: Progress

    def run(self) -> None:
        tokens = self.stack.tokens
        ci = Client(self.stack.info.api_url, tokens.machine(ORGANIZATION))
        tenant = Client(self.stack.info.api_url, tokens.user(ORGANIZATION))
        platform = Client(self.stack.info.api_url, tokens.console_machine())
        self._publish_platform(platform)
        self._publish(ci, "1.0.0")
        self._install(tenant)
        self._wait_ready(tenant, "1.0.0")
        self._publish(ci, "1.1.0")
        self._upgrade(tenant, "1.1.0")
        self._publish(ci, "1.2.0", note="its import fails")
        self._upgrade_to_broken(tenant, "1.2.0", back_to="1.1.0")
        self._uninstall(tenant)
        self._confirm_gone()

    def _publish_platform(self, machine: Client) -> None:
        with self.progress.step("the platform's release CI registers a provider", numbered=False) as tell:
            body = self._registration("platform/weather", "1.0.0")
            version = machine.call("POST", "/console/provider-versions", body, expect=[201])
            tell(f"{version['canonical']} {version['version']} {version['status']}")

    def _publish(self, ci: Client, version: str, note: str = "") -> None:
        with self.progress.step(f"CI publishes {version}{f' ({note})' if note else ''}") as tell:
            body = self._registration(PROVIDER.canonical, version)
            published = ci.call("POST", "/provider-versions", body, expect=[201])
            tell(f"{published['status']}, sha256 {published['wheel_sha256'][:12]}…")

    def _install(self, tenant: Client) -> None:
        with self.progress.step("the tenant installs it") as tell:
            wish = {"provider_name": PROVIDER.canonical, "config": {"STATIONS": "Bergen,Oslo"}}
            row = tenant.call("POST", "/providers/install", wish, expect=[201])
            tell(f"{row['installed_version']} {row['lifecycle_state']}")

    def _wait_ready(self, tenant: Client, version: str) -> None:
        with self.progress.step("its runtime checks in") as tell:
            row = self._until(tenant, tell, lambda row: row["current_version"] == version)
            tell(f"{row['current_version']} {row['lifecycle_state']}, {row['health']}")

    def _upgrade(self, tenant: Client, version: str) -> None:
        with self.progress.step(f"the tenant upgrades to {version}") as tell:
            tenant.call("POST", f"/providers/installed/{PROVIDER}/upgrade", {}, expect=[200])
            row = self._until(tenant, tell, lambda row: row["current_version"] == version)
            tell(f"{row['current_version']} {row['lifecycle_state']}")

    def _upgrade_to_broken(self, tenant: Client, version: str, back_to: str) -> None:
        with self.progress.step(f"the upgrade to {version} fails and is rolled back") as tell:
            wished = tenant.call("POST", f"/providers/installed/{PROVIDER}/upgrade", {}, expect=[200])
            restored = wished["generation"] + 1
            row = self._until(tenant, tell, lambda row: row["generation"] == restored)
            if row["installed_version"] != back_to or row["current_version"] != back_to:
                raise DemoFailed(f"{row['installed_version']} runs where {back_to} should: {row['failure_message']}")
            tell(f"{row['current_version']} {row['lifecycle_state']} again")
        print(f"      {row['failure_message']}", flush=True)

    def _uninstall(self, tenant: Client) -> None:
        with self.progress.step("the tenant uninstalls it") as tell:
            path = f"/providers/installed/{PROVIDER}"
            row = tenant.call("DELETE", f"{path}?cascade=true", expect=[202])
            while "lifecycle_state" in row:
                tell(row["lifecycle_state"])
                time.sleep(_POLL_SECONDS)
                row = tenant.call("GET", path, expect=[200, 404])
            tell("the row is gone")

    def _confirm_gone(self) -> None:
        with self.progress.step("cluster and database hold nothing of it") as tell:
            info = self.stack.info
            left = objects_of(Path(info.kubeconfig), namespace_for(ORGANIZATION), PROVIDER)
            left += documents_of(info.firestore_emulator_host, info.project, f"org_{ORGANIZATION}", PROVIDER)
            if left:
                raise DemoFailed(f"left over: {', '.join(left)}")
            tell("0 objects, 0 documents")

    def _registration(self, name: str, version: str) -> Json:
        wheel = self.wheels[version]
        return {
            "name": name,
            "version": version,
            "wheel_url": wheel.url,
            "sha256": wheel.sha256,
            "metadata": {"display_name": "Weather", "description": "Readings of weather stations", "tags": ["weather"]},
        }

    def _until(self, tenant: Client, tell: Callable[[str], None], done: Callable[[Json], bool]) -> Json:
        """The row once it is READY and `done`. Raises DemoFailed when it fails, or the time is up."""
        deadline = time.monotonic() + _STEP_SECONDS
        while True:
            row = tenant.call("GET", f"/providers/installed/{PROVIDER}", expect=[200])
            tell(f"{row['installed_version']} {row['lifecycle_state']}")
            if row["lifecycle_state"] == "ready" and done(row):
                return row
            if row["lifecycle_state"] == "failed":
                raise DemoFailed(f"the installation failed: {row['failure_message']}")
            if time.monotonic() > deadline:
                raise DemoFailed(f"{row['installed_version']} is {row['lifecycle_state']} after {_STEP_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)


def run() -> int:
    """The exit code; what goes wrong is told with where the logs are."""
    progress = Progress()
    state_dir = Path(tempfile.mkdtemp(prefix="provider-hub-demo-"))
    try:
        with progress.step("start the whole system on this machine", numbered=False) as tell:
            stack = Stack(state_dir=state_dir)
            stack.__enter__()
            tell(stack.info.api_url)
        try:
            with progress.step("build three wheels of a real provider", numbered=False) as tell:
                wheels = _build(stack, state_dir / "built")
                tell(", ".join(wheels))
            Demo(stack, wheels, progress).run()
        finally:
            with progress.step("stop every process", numbered=False):
                stack.__exit__(None, None, None)
    except (DemoFailed, LocalError, urllib3.exceptions.HTTPError) as error:
        print(f"\nThe demo failed: {error}\nThe logs are in {state_dir}", file=sys.stderr)
        return 1
    print(f"\nAll {STEPS} steps came out as they should, in {time.monotonic() - progress.began:.1f} s.")
    return 0


def _build(stack: Stack, directory: Path) -> dict[str, AddedWheel]:
    variants = {"1.0.0": "healthy", "1.1.0": "healthy", "1.2.0": "import-fails"}
    return {
        version: stack.add_wheel(build_wheel(version, directory, variant=variant))
        for version, variant in variants.items()
    }


if __name__ == "__main__":
    sys.exit(run())
