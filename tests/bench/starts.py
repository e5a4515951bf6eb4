"""From the last object applied to READY, of providers from the public index, whose dependencies differ in weight.

Each is downloaded once, with its dependencies; an index and a host of this machine serve them, so that no figure
depends on the network. The floor is what anybody has to do: `uv pip install` of the same lock into an empty folder, and
then a fresh interpreter that imports the package.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
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
from tests.package_index import PackageIndex
from tests.runtime_harness import serving

# Each distribution with the package that is imported of it. Starts of a tenth of a second differ most from each other.
PROVIDERS = {"six": "six", "httpx": "httpx", "pragmatiks-github-provider": "github_provider"}
ROUNDS = {"six": 15, "httpx": 9, "pragmatiks-github-provider": 5}
_BAR = Bar(1.3)
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Published:
    """A version of the platform's, and the files that its pods install: the wheel and those of its lock."""

    provider: str
    version: str
    package: str
    files: Sequence[AddedWheel]


def starts() -> Iterator[Figure]:
    """A line for each provider; one that this machine's index does not have is left out."""
    index = PackageIndex()
    with ExitStack() as exits:
        folder = Path(exits.enter_context(TemporaryDirectory(prefix="provider-hub-bench-")))
        index.url = exits.enter_context(serving(index.answer))
        asks = {"HUB_INDEX_URLS": index.simple_url}
        stack = exits.enter_context(Stack("--sweep-seconds", "1", environment=asks, deadline=120))
        commits = exits.enter_context(commits_of(stack))
        for distribution, package in PROVIDERS.items():
            wheels = _downloaded(distribution, folder / distribution)
            if not wheels:
                print(f"{distribution} cannot be had from this machine's index: it is left out", file=sys.stderr)
                continue
            for wheel in wheels:
                index.offer(wheel, _LONG_AGO, url=stack.add_wheel(wheel).url)
            yield _figure(Platform(stack), commits, distribution, package, folder)


def _figure(platform: Platform, commits: Commits, distribution: str, package: str, folder: Path) -> Figure:
    own = f"{distribution.replace('-', '_')}-*.whl"
    published = _published(platform, next((folder / distribution).glob(own)), package)
    # The first round fills caches: of the file system on both sides, and of bytecode on neither.
    rounds = [_round(platform, commits, published, folder, number) for number in range(ROUNDS[distribution] + 1)]
    ours, floor = zip(*rounds[1:], strict=True)
    return Figure(f"last object applied → READY, {distribution}", "ms", Spread.of(ours), Spread.of(floor), _BAR)


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


def _downloaded(distribution: str, into: Path) -> list[Path]:
    """Its wheel and those of its dependencies; none where one cannot be had."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", str(into)]
    completed = subprocess.run([*command, distribution], check=False, capture_output=True)
    return sorted(into.glob("*.whl")) if completed.returncode == 0 else []
