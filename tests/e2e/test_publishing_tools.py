"""Python's own publishing tools publish to the hub, unmodified, over HTTPS.

Each is installed from its lock into an environment of its own, and builds a project of its own, as its users would. A
skip says that a tool could not be installed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_stack.running import Stack
from tests.e2e import wire
from tests.locked_environments import environment_of

LOCKS = Path(__file__).parent / "publishing_tools"
TOOLS = ("uv", "twine", "flit", "poetry", "hatch")
_SECONDS = 100
_BACKENDS = {"flit": ("flit_core", "flit_core.buildapi"), "poetry": ("poetry-core", "poetry.core.masonry.api")}
_PROJECT = """\
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"

[project]
name = "{name}"
version = "1.0.0"
description = "Published by {tool}"
requires-python = ">=3.11"
"""


class Tool:
    """One tool in its environment, with a project to publish to a stack as the machine of `acme`."""

    def __init__(self, tool: str, stack: Stack, folder: Path) -> None:
        self.tool = tool
        self.package = f"by_{tool}"
        self._stack = stack
        self._folder = folder
        try:
            self._bin = environment_of(LOCKS / f"{tool}.txt", Path(sys.executable)) / "bin"
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"{tool} cannot be installed: {error}")
        self.url = f"{stack.info.api_https_url}/upload/"
        self.token = stack.tokens.machine("acme")
        self.lay_out("VALUE = 1\n")

    def lay_out(self, code: str) -> None:
        """The project's files and its wheel; `code` is the package's."""
        requires, backend = _BACKENDS.get(self.tool, ("hatchling", "hatchling.build"))
        name = self.package.replace("_", "-")
        (self._folder / self.package).mkdir(exist_ok=True)
        (self._folder / self.package / "__init__.py").write_text(f'"""Published by {self.tool}."""\n{code}')
        project = _PROJECT.format(requires=requires, backend=backend, name=name, tool=self.tool)
        (self._folder / "pyproject.toml").write_text(project)
        self._build()

    def _build(self) -> None:
        """A wheel in dist/: with the backends of this run's environment, and with flit's and poetry's own."""
        if self.tool == "flit":
            return self.run_well("flit", "build", "--format", "wheel")
        if self.tool == "poetry":
            return self.run_well("poetry", "build", "--format", "wheel")
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(self._folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        return None

    def publish(self, *more: str) -> subprocess.CompletedProcess[str]:
        """As the tool's manual says, by its own options and variables; `more` are options of poetry's."""
        wheel = str(next((self._folder / "dist").glob("*.whl")))
        match self.tool:
            case "uv":
                return self.run("uv", "publish", "--publish-url", self.url, wheel, UV_PUBLISH_TOKEN=self.token)
            case "twine":
                login = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": self.token}
                return self.run("twine", "upload", "--non-interactive", "--repository-url", self.url, wheel, **login)
            case "flit":
                login = {"FLIT_USERNAME": "__token__", "FLIT_PASSWORD": self.token, "FLIT_INDEX_URL": self.url}
                return self.run("flit", "publish", "--format", "wheel", **login)
            case "poetry":
                login = {
                    "POETRY_REPOSITORIES_HUB_URL": self.url,
                    "POETRY_HTTP_BASIC_HUB_USERNAME": "__token__",
                    "POETRY_HTTP_BASIC_HUB_PASSWORD": self.token,
                    "POETRY_CERTIFICATES_HUB_CERT": self._stack.info.ca_file,
                }
                return self.run("poetry", "publish", "--repository", "hub", "--no-interaction", *more, **login)
            case _:
                login = {"HATCH_INDEX_USER": "__token__", "HATCH_INDEX_AUTH": self.token}
                options = ("--no-prompt", "--repo", self.url, "--ca-cert", self._stack.info.ca_file)
                return self.run("hatch", "publish", *options, wheel, **login)

    def run_well(self, *command: str) -> None:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tool's in its project."""
        return subprocess.run(
            [str(self._bin / command[0]), *command[1:]],
            cwd=self._folder,
            env={**self._machine(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def _machine(self) -> Mapping[str, str]:
        """A machine of its own, which trusts the stack's authority in the way that all these tools know."""
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        ca_file = self._stack.info.ca_file
        return {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(home),
            "SSL_CERT_FILE": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
            "no_proxy": "localhost",
            "NO_COLOR": "1",
            "SOURCE_DATE_EPOCH": "1735689600",
            "COLUMNS": "300",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Tool:
    return Tool(request.param, stack, tmp_path)


@pytest.mark.timeout(400)
def test_a_tool_publishes_its_wheel_twice_and_is_told_why_other_bytes_are_refused(tool: Tool, stack: Stack) -> None:
    name = tool.package.replace("_", "-")
    done = tool.publish()
    assert done.returncode == 0, done.stdout + done.stderr
    path = f"/providers/acme/{name}/versions/1.0.0"
    stored = wire.request(stack.info.api_url, "GET", path, stack.tokens.user("acme")).json
    assert (stored["status"], stored["package_name"]) == ("published", tool.package)
    again = tool.publish()
    assert again.returncode == 0, again.stdout + again.stderr
    tool.lay_out("VALUE = 2\n")
    refused = tool.publish()
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0, said
    assert "already exists with other bytes" in said, said
    assert tool.token not in said
    if tool.tool == "poetry":  # twine has the option for PyPI alone, and the others have none
        skipped = tool.publish("--skip-existing")
        assert skipped.returncode == 0, skipped.stdout + skipped.stderr
    assert wire.request(stack.info.api_url, "GET", path, stack.tokens.user("acme")).json == stored
