"""twine as a CI run, with no token stored anywhere: it asks no index but PyPI for one of its own, and takes ours."""

import subprocess
import sys
from pathlib import Path

from local_stack.ci_runner import CiRun, job_variables
from local_stack.running import Stack
from tests.e2e import wire
from tests.publishing_tools.test_tools import Tool


def test_twine_publishes_with_the_token_of_its_run(stack: Stack, tmp_path: Path) -> None:
    twine = Tool("twine", stack, tmp_path)
    twine.package = "by_run"
    twine.lay_out("VALUE = 1\n")
    wish = {"platform": "github", "repository": "acme/by-run", "workflow": "release.yml"}
    path, admin = "/providers/acme/by-run", stack.tokens.user("acme")
    assert wire.request(stack.info.api_url, "POST", f"{path}/publishers", admin, body=wish).status == 201
    job = job_variables(stack.tokens, CiRun("acme/by-run"))
    command = [sys.executable, "-m", "hub_cli.main", "publishers", "token"]
    where = {"HUB_API_URL": stack.info.api_url, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    printed = subprocess.run(command, env={**where, **job}, capture_output=True, text=True, timeout=60, check=True)
    assert printed.stderr == f"::add-mask::{printed.stdout}", "the runner hides it"

    login = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": printed.stdout.strip()}
    wheel = str(next((tmp_path / "dist").glob("by_run*.whl")))
    done = twine.run("twine", "upload", "--non-interactive", "--repository-url", twine.url, wheel, **login)
    assert done.returncode == 0, done.stdout + done.stderr
    version = wire.request(stack.info.api_url, "GET", f"{path}/versions/1.0.0", admin).json
    assert version["published_by"]["repository"] == "acme/by-run"
