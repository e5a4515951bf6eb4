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

ROOT = Path(__file__).parents[2]
# What the configuration reads from the repository beside itself.
_BESIDE = ("console", "docs", "functions", "lib", "tests/bench")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".build", ".terraform", "*.tfstate*", "terraform.tfvars")
_DEADLINE_SECONDS = 300


@dataclass(frozen=True)
class Terraform:
    """A working copy in which `terraform init` has run."""

    directory: Path
    environment: dict[str, str]

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
        assert done.returncode in expect, f"terraform {arguments[0]}: {done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done.stdout

    def plan(self, *options: str) -> dict[str, Any]:
        """The plan as Terraform's own JSON; it is kept as `plan.out` for `apply`."""
        self.run("plan", "-input=false", "-out=plan.out", *options)
        planned: dict[str, Any] = json.loads(self.run("show", "-json", "plan.out"))
        return planned

    def apply(self) -> dict[str, Any]:
        """Apply the last plan; gives the state as Terraform's own JSON."""
        self.run("apply", "-input=false", "plan.out")
        state: dict[str, Any] = json.loads(self.run("show", "-json"))
        return state


@contextmanager
def working_copy(directory: Path) -> Iterator[Terraform]:
    """A copy of the configuration in `directory` with its state in a file beside it."""
    for name in ("terraform", *_BESIDE):
        shutil.copytree(ROOT / name, directory / name, ignore=_LEFT_OUT)
    root = directory / "terraform"
    for function in ALL:
        make(function, root / ".build")
    (root / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    with serving(root) as environment:
        # A configuration of its own: whatever the user's says of providers does not count here.
        (directory / "terraform.rc").touch()
        settings = {
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            # It lives for seconds; collecting its garbage as eagerly as by default is a quarter of its time.
            "GOGC": "400",
            "TF_CLI_CONFIG_FILE": str(directory / "terraform.rc"),
        }
        terraform = Terraform(root, {**os.environ, **environment, **settings})
        terraform.run("init", "-input=false")
        yield terraform
