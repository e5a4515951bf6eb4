"""Runs `terraform` on a copy of the configuration, against the offline providers."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terraform.tools.package import make

from local_stack.function_list import ALL
from tests.rehearsal.provider import serving
from tests.rehearsal.state_server import StateServer, state_server

ROOT = Path(__file__).parents[2]
# What the configuration reads from the repository beside itself.
_BESIDE = ("console", "docs", "functions", "lib", "tests/bench")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".build", ".terraform", "*.tfstate*", "terraform.tfvars")
_DEADLINE_SECONDS = 300
# The providers would read each resource as the state has it.
_PLANNED_FROM_STATE = ("-input=false", "-refresh=false")


@dataclass(frozen=True)
class Terraform:
    """A root of the working copy; its state has the root's folder as its name."""

    directory: Path
    environment: dict[str, str]
    states: StateServer

    def init(self) -> None:
        """Make the folder ready for the other commands."""
        address = f"{self.states.url}/{self.directory.name}"
        backend = f'terraform {{\n  backend "http" {{\n    address = "{address}"\n  }}\n}}\n'
        (self.directory / "backend_override.tf").write_text(backend)
        self.run("init", "-input=false")

    def root(self, directory: Path) -> "Terraform":
        """Another root of the same working copy."""
        return Terraform(directory, self.environment, self.states)

    def run(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
        """Run one command; gives what it printed. Raises AssertionError for an exit status that is not expected."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode in expect, f"terraform {arguments[0]}: {_told(done.stdout)[-3000:]}{done.stderr[-6000:]}"
        return done.stdout

    def plan(self, *options: str) -> dict[str, Any]:
        """The plan as Terraform's own JSON; it is kept as `plan.out` for `apply`."""
        # With -json, Terraform does not render the whole plan as a page that nobody reads.
        self.run("plan", *_PLANNED_FROM_STATE, "-out=plan.out", "-json", *options)
        planned: dict[str, Any] = json.loads(self.run("show", "-json", "plan.out"))
        return planned

    def apply(self) -> None:
        """Apply the last plan."""
        self.run("apply", "-input=false", "plan.out")

    def state(self) -> dict[str, Any]:
        """The state as Terraform's own JSON."""
        state: dict[str, Any] = json.loads(self.run("show", "-json"))
        return state

    @property
    def state_text(self) -> str:
        """The state as Terraform keeps it."""
        return self.states.states[f"/{self.directory.name}"].decode()

    @contextmanager
    def with_state(self, text: str) -> Iterator[None]:
        """Another state for as long as the block lasts."""
        kept = self.state_text
        self.states.states[f"/{self.directory.name}"] = text.encode()
        try:
            yield
        finally:
            self.states.states[f"/{self.directory.name}"] = kept.encode()

    def assert_settled(self, *options: str) -> None:
        """Plan what was applied. Raises AssertionError, with the plan, if that would change a resource or an output."""
        self.run("plan", *_PLANNED_FROM_STATE, "-detailed-exitcode", *options)


@contextmanager
def working_copy(directory: Path) -> Iterator[Terraform]:
    """A copy of the configuration in `directory`, whose own root is ready for use."""
    for name in ("terraform", *_BESIDE):
        shutil.copytree(ROOT / name, directory / name, ignore=_LEFT_OUT)
    root = directory / "terraform"
    make(ALL, root / ".build")
    with serving(root) as environment, state_server() as states:
        # A configuration of its own: whatever the user's says of providers does not count here.
        (directory / "terraform.rc").touch()
        settings = {
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            # It lives for seconds; collecting its garbage as eagerly as by default is a quarter of its time.
            "GOGC": "400",
            "TF_CLI_CONFIG_FILE": str(directory / "terraform.rc"),
        }
        terraform = Terraform(root, {**os.environ, **environment, **settings}, states)
        terraform.init()
        yield terraform


def _told(printed: str) -> str:
    """What a command said: with -json, each line is an object with a message, and its errors have more to say."""
    if not printed.startswith("{"):
        return printed
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return "\n".join(f"{line['@message']} {line.get('diagnostic', {}).get('detail', '')}" for line in lines)
