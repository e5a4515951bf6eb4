"""From the last object applied to READY, of providers from the public index, whose dependencies differ in weight.

The floor is what anybody has to do: `uv pip install` of the same lock into an empty folder, from a host as near as the
bucket, and then a fresh interpreter that imports the package.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from uv import find_uv_bin

from local_stack.running import Stack
from local_stack.wheelhost import AddedWheel
from provider_hub.domain.dependencies import DependencyLock
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import wait_until
from tests.bench.legs import Commits, commits_of, deployment_in
from tests.bench.tenants import Platform

ROUNDS = 5
# Each distribution with the package that is imported of it.
PROVIDERS = {"six": "six", "httpx": "httpx", "pragmatiks-github-provider": "github_provider"}
_BAR = Bar(1.3)


@dataclass(frozen=True, slots=True)
class Published:
    """A version of the platform's, and the files that its pods install: the wheel and those of its lock."""

    provider: str
    version: str
    package: str
    files: Sequence[AddedWheel]


def starts() -> Iterator[Figure]:
    """A line for each provider; one that this machine's index does not have is left out."""
    with TemporaryDirectory(prefix="provider-hub-bench-") as name, Stack("--sweep-seconds", "1", deadline=120) as stack:
        platform, folder = Platform(stack), Path(name)
        with commits_of(stack) as commits:
            for distribution, package in PROVIDERS.items():
                wheel = _downloaded(distribution, folder / distribution)
                if wheel is None:
                    print(f"{distribution} cannot be had from this machine's index: it is left out", file=sys.stderr)
                    continue
                published = _published(platform, wheel, package)
                # The first of each fills caches: of the file system on both sides, and of bytecode on neither.
                rounds = [_round(platform, commits, published, folder, number) for number in range(ROUNDS + 1)]
                ours, floor = zip(*rounds[1:], strict=True)
                title = f"last object applied → READY, {distribution}"
                yield Figure(title, "ms", Spread.of(ours), Spread.of(floor), _BAR)


def _round(
    platform: Platform, commits: Commits, published: Published, folder: Path, number: int
) -> tuple[float, float]:
    slug = f"{published.package.replace('_', '-')}-{number}"
    ours = _start(platform, commits, published, slug)
    return ours, _floor(platform.stack, published, folder / slug)


def _start(platform: Platform, commits: Commits, published: Published, slug: str) -> float:
    """Milliseconds from the Deployment to READY, of an install by a new organization."""
    organization_id = f"org_{slug}"
    with deployment_in(platform.stack, platform.stack.info.namespace(slug)) as appeared:
        platform.install(slug, published.version, published.provider)
        wait_until(lambda: (organization_id, "ready") in commits.at, f"{slug} is not READY")
    return (commits.at[organization_id, "ready"] - appeared[0]) * 1000


def _floor(stack: Stack, published: Published, target: Path) -> float:
    requirements = target.with_suffix(".txt")
    lines = (f"{_name_of(file)} @ {file.url} --hash=sha256:{file.sha256}\n" for file in published.files)
    requirements.write_text("".join(lines))
    install = [find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--no-cache", "--no-deps", "--no-index"]
    install += ["--python", sys.executable, "--require-hashes", "--target", str(target), "-r", str(requirements)]
    environment = {**os.environ, "SSL_CERT_FILE": stack.info.ca_file, "PYTHONPATH": str(target)}
    began = time.perf_counter()
    subprocess.run(install, check=True, env=environment)
    subprocess.run([sys.executable, "-c", f"import {published.package}"], check=True, env=environment)
    return (time.perf_counter() - began) * 1000


def _published(platform: Platform, wheel: Path, package: str) -> Published:
    """Published by the platform, with all of its wheels in the bucket, from where pods have them."""
    stack, version = platform.stack, wheel.name.split("-")[1]
    provider = f"platform/{package.replace('_', '-')}"
    own = stack.add_wheel(wheel)
    platform.publish_wheel(provider, version, own)
    lock = DependencyLock.parse(platform.text(f"/providers/{provider}/versions/{version}/lock"))
    return Published(provider, version, package, [own, *(_kept(stack, one.sha256) for one in lock.wheels)])


def _kept(stack: Stack, digest: str) -> AddedWheel:
    """A locked wheel from the bucket's folder, once the sweeper has copied it, on the wheel host too."""

    def found() -> list[Path]:
        return [path for path in stack.state_dir.glob(f"artifacts/**/{digest}/*.whl") if path.is_file()]

    wait_until(lambda: bool(found()), f"no sweep has copied {digest}")
    return stack.add_wheel(found()[0])


def _name_of(file: AddedWheel) -> str:
    return file.url.rpartition("/")[2].partition("-")[0]


def _downloaded(distribution: str, into: Path) -> Path | None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    completed = subprocess.run([*command, "--dest", str(into), distribution], check=False, capture_output=True)
    return next(into.glob("*.whl"), None) if completed.returncode == 0 else None
