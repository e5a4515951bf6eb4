"""twine as a CI run, with no token stored anywhere.

It asks PyPI alone for a token of its run, and no other index: so it takes the one that `hub publishers token` prints.
"""

import subprocess
import sys
from pathlib import Path

from local_stack.ci_runner import CiRun, attest, job_variables
from local_stack.running import Stack
from provider_hub.domain.attestations import PUBLISH
from tests.e2e import wire
from tests.e2e.tenant import Tenant
from tests.e2e.test_publishing_tools import Tool


def test_twine_publishes_with_the_token_of_its_run_what_that_attested_and_the_provider_becomes_ready(
    stack: Stack, tmp_path: Path
) -> None:
    twine = Tool("twine", stack, tmp_path)
    twine.package = "by_run"
    twine.lay_out("VALUE = 1\n")
    wish = {"platform": "github", "repository": "acme/by-run", "workflow": "release.yml"}
    path, admin = "/providers/acme/by-run", stack.tokens.user("acme")
    assert wire.request(stack.info.api_url, "POST", f"{path}/publishers", admin, body=wish).status == 201
    run = CiRun("acme/by-run")
    job = job_variables(stack.tokens, run)
    command = [sys.executable, "-m", "hub_cli.main", "publishers", "token", "acme/by-run"]
    where = {"HUB_API_URL": stack.info.api_url, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    printed = subprocess.run(command, env={**where, **job}, capture_output=True, text=True, timeout=60, check=True)
    assert printed.stderr == f"::add-mask::{printed.stdout}", "the runner hides it"

    login = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": printed.stdout.strip()}
    wheel = next((tmp_path / "dist").glob("by_run*.whl"))
    files = [str(wheel), str(attest(stack.tokens, run, wheel))]
    options = ("--non-interactive", "--attestations", "--repository-url", f"{twine.url}acme/")
    done = twine.run("twine", "upload", *options, *files, **login)
    assert done.returncode == 0, done.stdout + done.stderr
    version = wire.request(stack.info.api_url, "GET", f"{path}/versions/1.0.0", admin).json
    assert (version["published_by"]["repository"], version["attestations"]) == ("acme/by-run", [PUBLISH])

    tenant = Tenant(stack, "acme")
    tenant.install("by-run")
    assert tenant.until_state("by-run", "ready")["current_version"] == "1.0.0"
