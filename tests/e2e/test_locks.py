"""Two tenants of one version run the same bytes, whatever becomes of the index and of the hosts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from local_stack.running import Stack
from local_stack.stack_file import wheels_dir
from tests.e2e.tenant import METADATA, Tenant
from tests.package_index import PackageIndex
from tests.runtime_harness import eventually, make_wheel

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sites_of(stack: Stack) -> list[Mapping[str, bytes]]:
    """What each pod installed that has the dependency: its files by their path, without what an import compiles."""
    folders = {found.parent for found in stack.state_dir.rglob("site-packages/lockmoon.py")}
    return [
        {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }
        for folder in sorted(folders)
    ]


def test_an_index_that_moves_or_goes_changes_nothing_of_what_is_published(
    stack: Stack, index: PackageIndex, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    moon = make_wheel(tmp_path, {"lockmoon.py": "PHASE = 'full'\n"}, name="lockmoon")
    index.offer(moon, LONG_AGO, url=stack.add_wheel(moon).url)
    wheel = sample.build_wheel("6.41.0", tmp_path, dependencies=["lockmoon>=1"])
    made = tenant.publish("weather", "6.41.0", wheel, metadata={**METADATA, "scope": "public"})
    assert made["lock_packages"] == 1
    tenant.install("weather")
    tenant.until_state("weather", "ready")

    hijacked = make_wheel(tmp_path, {"lockmoon.py": "raise SystemExit('hijacked')\n"}, name="lockmoon", version="9.0")
    index.offer(hijacked, LONG_AGO, url=stack.add_wheel(hijacked).url)
    other = Tenant(stack, "second-tenant-of-a-lock")
    other.call("POST", "/providers/install", {"provider_name": f"{tenant.slug}/weather"}, expect=201)
    path = f"/providers/installed/{tenant.slug}/weather"
    other.until_ready(path, "6.41.0")
    first, *others = sites_of(stack)
    assert others
    assert all(site == first for site in others)

    # The mirror has its copy by the next sweep. Then the index and every host of the wheels are gone.
    digest = index.digest_of(moon)
    eventually(lambda: [*stack.state_dir.glob(f"artifacts/**/{digest}/**/*")], "the copy of the mirror", 60)
    asked = len(index.requests)
    (wheels_dir(stack.state_dir) / moon.name).unlink()
    tenant.call("POST", tenant.path("weather", "/deploy"))
    again = tenant.until("weather", lambda row: row["generation"] == 2 and row["lifecycle_state"] == "ready")
    assert (again["health"], len(index.requests)) == ("healthy", asked)
    assert all(site == first for site in sites_of(stack))
