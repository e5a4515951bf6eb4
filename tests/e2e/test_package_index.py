"""pip and uv install from the hub's index, unmodified, over HTTPS, with the options that their manuals name."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from uv import find_uv_bin

from local_stack.running import Stack
from local_stack.stack_file import artifacts_dir
from tests.e2e.tenant import Tenant
from tests.package_index import PackageIndex
from tests.runtime_harness import make_wheel

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_SECONDS = 60
PIP = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
UV = (find_uv_bin(), "--no-config", "--no-cache")


@dataclass
class Installer:
    """A person's machine that trusts the stack's authority, with a login for the index in its URL."""

    stack: Stack
    folder: Path

    def url(self, slug: str | None, path: str = "/simple/") -> str:
        """The index's URL, with the login of the organization's machine."""
        host = self.stack.info.api_https_url.removeprefix("https://")
        login = "" if slug is None else f"any-name:{self.stack.tokens.machine(slug)}@"
        return f"https://{login}{host}{path}"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self._machine(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def run_well(self, *command: str) -> str:
        """What it printed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _machine(self) -> Mapping[str, str]:
        ca_file = self.stack.info.ca_file
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SSL_CERT_FILE": ca_file,
            "PIP_CERT": ca_file,
            "no_proxy": "localhost,127.0.0.1",
            "NO_COLOR": "1",
        }


@pytest.fixture(scope="module")
def published(stack: Stack, index: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Tenant:
    """A tenant with `tool-sun` 1.0.0 and a yanked 1.1.0, which need `tool-moon`."""
    folder = tmp_path_factory.mktemp("wheels")
    tenant = Tenant(stack, "indexer")
    moon = make_wheel(folder, {"tool_moon.py": "PHASE = 1\n"}, name="tool_moon")
    index.offer(moon, LONG_AGO, url=stack.add_wheel(moon).url)
    tenant.publish("moon", "1.0.0", moon)
    for text in ("1.0.0", "1.1.0"):
        files = {"tool_sun.py": f"VERSION = '{text}'\n"}
        wheel = make_wheel(folder, files, name="tool_sun", version=text, metadata=["Requires-Dist: tool-moon>=1"])
        tenant.publish("sun", text, wheel)
    tenant.call("POST", "/providers/indexer/sun/versions/1.1.0/yank", {"reason": "sets in the east"})
    return tenant


@pytest.fixture
def installer(stack: Stack, tmp_path: Path) -> Installer:
    return Installer(stack, tmp_path)


def test_pip_installs_what_is_not_yanked_with_what_it_needs(installer: Installer, published: Tenant) -> None:
    target = installer.folder / "site"
    options = ("--index-url", installer.url(published.slug), "--target", str(target))
    installer.run_well(*PIP, "install", *options, "tool-sun")
    assert (target / "tool_sun.py").read_text() == "VERSION = '1.0.0'\n"
    assert (target / "tool_moon.py").exists()


def test_pip_downloads_a_yanked_version_that_is_asked_for_and_tells_why_it_is_yanked(
    installer: Installer, published: Tenant
) -> None:
    options = ("--index-url", installer.url(published.slug), "--no-deps", "--dest", str(installer.folder))
    printed = installer.run_well(*PIP, "download", *options, "Tool.Sun==1.1.0")
    assert "sets in the east" in printed
    assert (installer.folder / "tool_sun-1.1.0-py3-none-any.whl").exists()


def test_uv_installs_what_is_not_yanked_with_what_it_needs(installer: Installer, published: Tenant) -> None:
    target = installer.folder / "site"
    options = ("--python", sys.executable, "--index-url", installer.url(published.slug), "--target", str(target))
    installer.run_well(*UV, "pip", "install", *options, "tool_sun")
    assert (target / "tool_sun.py").read_text() == "VERSION = '1.0.0'\n"
    assert (target / "tool_moon.py").exists()


def test_uv_resolves_by_metadata_alone(installer: Installer, published: Tenant, stack: Stack) -> None:
    """With hashes, by upload times, and though no wheel can be read: uv asks for nothing but the METADATA."""
    objects = artifacts_dir(stack.state_dir) / "objects" / "sha256"
    wheels = [path for path in objects.rglob("tool_*.whl") if path.is_file()]
    assert len(wheels) == 3
    for wheel in wheels:
        wheel.rename(wheel.with_suffix(".away"))
    try:
        wanted = installer.folder / "wanted.in"
        wanted.write_text("tool-sun\n")
        options = ("--python", sys.executable, "--index-url", installer.url(published.slug), "--generate-hashes")
        printed = installer.run_well(*UV, "pip", "compile", *options, "--exclude-newer", "2100-01-01", str(wanted))
    finally:
        for wheel in wheels:
            wheel.with_suffix(".away").rename(wheel)
    assert "tool-sun==1.0.0" in printed
    assert "tool-moon==1.0.0" in printed
    assert printed.count("--hash=sha256:") == 2


@pytest.mark.parametrize("slug", ["another-indexer", None])
def test_another_organization_finds_none_of_it(installer: Installer, published: Tenant, slug: str | None) -> None:
    for path in ("/simple/", f"/simple/org/{published.slug}/"):
        options = ("--index-url", installer.url(slug, path), "--dest", str(installer.folder))
        refused = installer.run(*PIP, "download", *options, "tool-moon")
        assert refused.returncode != 0
        assert "No matching distribution found for tool-moon" in refused.stderr
