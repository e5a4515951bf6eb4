"""The GitHub action and the GitLab job that publish a provider, by running the very lines of their files."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.integration.api_server import ApiServer, served
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.runtime_harness import make_wheel

from local_stack import servers
from local_stack.ci_runner import CiRun, attest, job_variables
from local_stack.issuer import Realm
from local_stack.wheelhost import add_wheel

_REPOSITORY = Path(__file__).parents[2]
_ACTION = _REPOSITORY / ".github" / "actions" / "publish-provider"
_BASH = shutil.which("bash") or "bash"
_PUBLISHERS = "/providers/acme/gauge/publishers"
_GITLAB = _REPOSITORY / ".gitlab" / "publish-provider.yml"
# No index is asked: the package is built and installed from the repository, its dependencies are those of this run.
_OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "false",  # pip reads this one the other way round
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONPATH": sysconfig.get_path("purelib"),
}


@pytest.fixture(scope="module")
def tenants(around: StandIns) -> Iterator[Tenants]:
    with deployed_on(around) as deployed:
        made = Tenants(deployed)
        made.furnish()
        yield made


@pytest.fixture(scope="module")
def api(tenants: Tenants) -> Iterator[ApiServer]:
    with served(tenants.deployed) as server:
        yield server


@pytest.fixture(scope="module")
def action() -> Any:
    return yaml.safe_load((_ACTION / "action.yml").read_text())


@pytest.fixture(scope="module")
def runner_temp(action: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runner's folder, once the action's first step has run in it."""
    directory = tmp_path_factory.mktemp("runner")
    step = action["runs"]["steps"][0]
    done = _bash(step["run"], {"RUNNER_TEMP": str(directory), "GITHUB_ACTION_PATH": str(_ACTION)}, directory)
    assert done.returncode == 0, done.stderr
    return directory


def _bash(script: str, environment: Mapping[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """As both run a job's lines: bash that stops at the first failure."""
    return subprocess.run(
        [_BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": str(directory), **_OFFLINE, **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def _publish(
    action: Any,
    runner_temp: Path,
    api: ApiServer,
    tenants: Tenants,
    directory: Path,
    inputs: Mapping[str, str],
    job: Mapping[str, str] | None = None,
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Run the action's second step as a job that uses it would; what it did and its outputs."""
    given = {"api-url": api.url, "token": tenants.machine, **inputs}
    declared = {name: value.get("default", "") for name, value in action["inputs"].items()}
    assert set(given) <= set(declared), "an input that the action does not have"
    values = {**declared, **given}
    step = action["runs"]["steps"][1]
    environment = {
        name: values[str(value).removeprefix("${{ inputs.").removesuffix(" }}")] for name, value in step["env"].items()
    }
    output = directory / "output"
    output.touch()
    runner = {"RUNNER_TEMP": str(runner_temp), "GITHUB_OUTPUT": str(output), "HUB_CA_FILE": _ca_file(tenants)}
    done = _bash(step["run"], {**environment, **runner, **(job or {})}, directory)
    return done, dict(line.split("=", 1) for line in output.read_text().splitlines())


def _ca_file(tenants: Tenants) -> str:
    return str(servers.ca_file(tenants.deployed.around.state_dir))


def _built(tenants: Tenants, directory: Path, version: str, files: Mapping[str, str] | None = None) -> str:
    """A job's own build, uploaded: the URL of the folder that serves it."""
    (directory / "dist").mkdir()
    wheel = make_wheel(directory / "dist", files or {"gauge/__init__.py": ""}, name="gauge", version=version)
    around = tenants.deployed.around
    return add_wheel(wheel, around.state_dir / "wheels", around.wheels_url).url.removesuffix(wheel.name)


def test_the_action_publishes_the_one_wheel_that_a_job_built(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    base = _built(tenants, tmp_path, "0.9.0")
    (tmp_path / "CHANGES.md").write_text('The first one; it\'s "new" and costs $0.\n')
    inputs = {"wheel": "dist/*.whl", "wheel-url": base, "tags": "rain  gauge", "changelog-file": "CHANGES.md"}
    done, outputs = _publish(action, runner_temp, api, tenants, tmp_path, inputs)
    assert done.returncode == 0, done.stderr
    assert (outputs["name"], outputs["version"]) == ("acme/gauge", "0.9.0")
    assert len(outputs["sha256"]) == 64
    stored = tenants.deployed.call("GET", "/providers/acme/gauge/versions/0.9.0", tenants.user).get_json()
    assert stored["changelog"] == 'The first one; it\'s "new" and costs $0.\n'
    assert stored["wheel_sha256"] == outputs["sha256"]
    assert set(outputs) == set(action["outputs"])
    assert tenants.machine not in done.stdout + done.stderr


def test_an_input_is_never_run_as_a_command(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    base = _built(tenants, tmp_path, "1.1.0")
    inputs = {"wheel": "dist/*.whl", "wheel-url": base, "name": "$(touch ran)`touch ran`; touch ran", "tags": "--yes"}
    done, outputs = _publish(action, runner_temp, api, tenants, tmp_path, inputs)
    assert done.returncode == 1
    assert "provider name" in done.stderr
    assert outputs == {}
    assert not (tmp_path / "ran").exists()


def test_a_pattern_that_matches_no_wheel_stops_the_job(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    done, _ = _publish(action, runner_temp, api, tenants, tmp_path, {"wheel": "dist/*.whl"})
    assert done.returncode == 2
    assert "::error::dist/*.whl matches 0 files" in done.stderr


def test_a_refused_token_fails_the_job_with_hubs_own_status(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    base = _built(tenants, tmp_path, "1.2.0")
    inputs = {"wheel": "dist/*.whl", "wheel-url": base, "token": "not.a.token"}
    done, _ = _publish(action, runner_temp, api, tenants, tmp_path, inputs)
    assert done.returncode == 3
    assert "not.a.token" not in done.stderr


def test_a_wheel_of_several_packages_is_published_with_the_one_that_the_job_names(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    _built(tenants, tmp_path, "1.3.0", {"one/__init__.py": "", "two/__init__.py": ""})
    # Without a URL of its own, the file is uploaded.
    inputs = {"wheel": "dist/*.whl", "package": "two"}
    done, outputs = _publish(action, runner_temp, api, tenants, tmp_path, inputs)
    assert done.returncode == 0, done.stderr
    stored = tenants.deployed.call("GET", f"/providers/{outputs['name']}/versions/1.3.0", tenants.user).get_json()
    assert stored["package_name"] == "two"


def test_schemas_longer_than_an_argument_may_be_are_published(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "title": "x" * 900} for n in range(200)}}
    schemas = json.dumps({"schemas": {"gauge": {"config_schema": schema}}})
    assert len(schemas) > 128 * 1024
    base = _built(tenants, tmp_path, "1.4.0", {"gauge/__init__.py": "", "gauge/provider_schemas.json": schemas})
    done, outputs = _publish(action, runner_temp, api, tenants, tmp_path, {"wheel": "dist/*.whl", "wheel-url": base})
    assert done.returncode == 0, done.stderr
    assert outputs["version"] == "1.4.0"


def test_a_runner_without_a_python_that_is_new_enough_is_told_what_to_add(action: Any, tmp_path: Path) -> None:
    done = _install_with(action, tmp_path, {"python3": "exit 1"})
    assert done.returncode == 2
    assert "::error::hub needs Python 3.11 or newer" in done.stderr
    assert "actions/setup-python" in done.stderr


def test_a_runner_whose_default_python_is_old_is_served_by_a_newer_one(action: Any, tmp_path: Path) -> None:
    """The newer one makes the environment, and that environment's Python installs; both are stand-ins here."""
    shell, asked = shutil.which("sh"), tmp_path / "asked"
    installer = tmp_path / "installer"
    installer.write_text(f'#!{shell}\necho "installer $@" >> {asked}\n')
    installer.chmod(0o755)
    makes = f"{shutil.which('mkdir')} -p $3/bin && {shutil.which('ln')} -s {installer} $3/bin/python"
    newer = f'echo "newer $@" >> {asked}; case "$2" in venv) {makes} ;; *) exec {sys.executable} "$@" ;; esac'
    done = _install_with(action, tmp_path, {"python3": "exit 1", "python3.12": newer})
    assert done.returncode == 0, done.stderr
    made, locked, hub = asked.read_text().splitlines()[1:]
    assert made == f"newer -m venv {tmp_path}/provider-hub"
    assert locked.startswith("installer -m pip install ")
    assert f"--require-hashes -r {_ACTION}/../../../requirements-hub.lock" in locked
    assert hub.startswith("installer -m pip install ")


def _install_with(action: Any, directory: Path, scripts: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the action's first step on a runner whose PATH has these scripts alone."""
    path = directory / "path"
    path.mkdir()
    for name, script in scripts.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    runner = {"RUNNER_TEMP": str(directory), "GITHUB_ACTION_PATH": str(_ACTION), "PATH": str(path)}
    return _bash(action["runs"]["steps"][0]["run"], runner, directory)


def test_the_gitlab_job_uploads_and_publishes_a_wheel(
    runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    job = yaml.safe_load(_GITLAB.read_text())[".publish-provider"]
    _built(tenants, tmp_path, "2.0.0")
    given = {
        "HUB_API_URL": api.url,
        "HUB_PACKAGE": str(_REPOSITORY),
        "HUB_REQUIREMENTS": str(_REPOSITORY / "requirements-hub.lock"),
    }
    assert set(given) <= set(job["variables"])
    environment = {
        **job["variables"],
        **given,
        "HUB_TOKEN": tenants.machine,
        "HUB_CA_FILE": _ca_file(tenants),
        # The image's own Python, where pip and what it installs are on the path.
        "PATH": f"{runner_temp / 'provider-hub' / 'bin'}:{os.environ['PATH']}",
    }
    done = _bash("\n".join(job["script"]), environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "acme/gauge 2.0.0 is published." in done.stdout


def test_the_action_without_a_token_publishes_as_its_own_job(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    _trust(tenants, {"platform": "github", "repository": "acme/gauge", "workflow": "release.yml"})
    base = _built(tenants, tmp_path, "3.0.0")
    run = CiRun("acme/gauge")
    job = job_variables(tenants.issuer, run)
    attested = attest(tenants.issuer, run, next((tmp_path / "dist").glob("*.whl")))
    files = {"wheel": "dist/*.whl", "wheel-url": base, "attestations": f"dist/{attested.name}"}
    inputs = {**files, "token": "", "name": "acme/gauge"}
    done, outputs = _publish(action, runner_temp, api, tenants, tmp_path, inputs, job)
    assert done.returncode == 0, done.stderr
    assert (outputs["name"], outputs["version"]) == ("acme/gauge", "3.0.0")
    stored = tenants.deployed.call("GET", "/providers/acme/gauge/versions/3.0.0", tenants.user).get_json()
    assert stored["published_by"]["run_url"].endswith("/acme/gauge/actions/runs/30433642")
    assert len(stored["attestations"]) == 1
    assert "hubpub_" not in done.stdout + done.stderr
    assert not [path for path in tenants.deployed.documents.all() if "minted_tokens" in str(path)], "it is burnt"


def test_a_job_that_no_publisher_names_is_told_what_is_wrong(
    action: Any, runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    base = _built(tenants, tmp_path, "3.1.0")
    job = job_variables(tenants.issuer, CiRun("mallory/gauge"))
    inputs = {"wheel": "dist/*.whl", "wheel-url": base, "token": ""}
    done, _ = _publish(action, runner_temp, api, tenants, tmp_path, inputs, job)
    assert done.returncode == 1
    assert "no publisher names the repository mallory/gauge" in done.stderr


def test_the_gitlab_job_publishes_as_itself(
    runner_temp: Path, api: ApiServer, tenants: Tenants, tmp_path: Path
) -> None:
    wish = {"platform": "gitlab", "repository": "acme/tools/gauge", "workflow": ".gitlab-ci.yml"}
    _trust(tenants, {**wish, "replaces_repository": True})
    unattested = {"attested_only": False}
    assert tenants.deployed.call("PATCH", _PUBLISHERS, tenants.user, body=unattested).status_code == 200
    run = {
        "project_path": "acme/tools/gauge",
        "project_id": "22",
        "namespace_id": "72",
        "ref_path": "refs/tags/v3.2.0",
        "ci_config_ref_uri": f"{urlsplit(tenants.issuer.url).netloc}/acme/tools/gauge//.gitlab-ci.yml@refs/tags/v3.2.0",
        "pipeline_source": "push",
        "sha": "4f2a9c1e8b7d6a5c4e3f2b1a0d9c8e7f6a5b4c3d",
        "job_id": "302",
        "user_login": "ada",
    }
    job = yaml.safe_load(_GITLAB.read_text())[".publish-provider"]
    environment = {
        **job["variables"],
        "HUB_API_URL": api.url,
        "HUB_PACKAGE": str(_REPOSITORY),
        "HUB_REQUIREMENTS": str(_REPOSITORY / "requirements-hub.lock"),
        "PROVIDER": "acme/gauge",
        "WHEEL_URL": _built(tenants, tmp_path, "3.2.0"),
        "GITLAB_CI": "true",
        "HUB_ID_TOKEN": tenants.issuer.ci_token(run, tenants.deployed.project, Realm.GITLAB),
        "HUB_CA_FILE": _ca_file(tenants),
        "PATH": f"{runner_temp / 'provider-hub' / 'bin'}:{os.environ['PATH']}",
    }
    done = _bash("\n".join(job["script"]), environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "acme/gauge 3.2.0 is published." in done.stdout
    assert "/acme/tools/gauge/-/jobs/302" in done.stdout


def _trust(tenants: Tenants, wish: Mapping[str, Any]) -> None:
    answer = tenants.deployed.call("POST", _PUBLISHERS, tenants.user, body=wish)
    assert answer.status_code == 201, answer.text
