"""Tenants of one version run the same bytes, whatever becomes of the index and of the hosts."""

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


def sites_of(stack: Stack, version: str) -> list[Mapping[str, bytes]]:
    """What each pod of that version installed: its files by their path, without what an import compiles."""
    found = stack.state_dir.rglob(f"site-packages/weather_provider-{version}.dist-info")
    folders = [info.parent for info in sorted(found) if (info.parent / "lockmoon.py").exists()]
    return [
        {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }
        for folder in folders
    ]


def test_an_index_that_moves_or_goes_changes_nothing_of_what_is_published(
    stack: Stack, index: PackageIndex, tenant: Tenant, sample: ModuleType, tmp_path: Path
) -> None:
    """Install, upgrade, rollback and another pod: with an index that moved, and with no host but the hub's own."""
    moon = make_wheel(tmp_path, {"lockmoon.py": "PHASE = 'full'\n"}, name="lockmoon")
    index.offer(moon, LONG_AGO, url=stack.add_wheel(moon).url)
    wheels = {text: sample.build_wheel(text, tmp_path, dependencies=["lockmoon>=1"]) for text in ("6.41.0", "6.42.0")}
    for text, wheel in wheels.items():
        made = tenant.publish("weather", text, wheel, metadata={**METADATA, "scope": "public"})
        assert made["lock_packages"] == 1
    name, path = f"{tenant.slug}/weather", f"/providers/installed/{tenant.slug}/weather"
    wish = {"provider_name": name, "version": "6.41.0"}
    tenant.call("POST", "/providers/install", wish, expect=201)
    tenant.until_ready(path, "6.41.0")
    (first,) = sites_of(stack, "6.41.0")

    hijacked = make_wheel(tmp_path, {"lockmoon.py": "raise SystemExit('hijacked')\n"}, name="lockmoon", version="9.0")
    index.offer(hijacked, LONG_AGO, url=stack.add_wheel(hijacked).url)
    other = Tenant(stack, "second-tenant-of-a-lock")
    other.call("POST", "/providers/install", wish, expect=201)
    other.until_ready(path, "6.41.0")
    both = sites_of(stack, "6.41.0")
    assert len(both) == 2
    assert all(site == first for site in both)

    # The mirror has its copy by the next sweep. Then the index and every host of the wheels are gone.
    digest = index.digest_of(moon)
    eventually(lambda: [*stack.state_dir.glob(f"artifacts/**/{digest}/**/*")], "the copy of the mirror", 60)
    asked = len(index.requests)
    index.down = True
    for wheel in (moon, hijacked, *wheels.values()):
        (wheels_dir(stack.state_dir) / wheel.name).unlink()
    try:
        for one in (tenant, other):
            one.call("POST", f"{path}/upgrade", {"version": "6.42.0"})
        for one in (tenant, other):
            one.until_ready(path, "6.42.0")
        upgraded = sites_of(stack, "6.42.0")
        assert len(upgraded) == 2
        assert upgraded[0] == upgraded[1]
        third = Tenant(stack, "third-tenant-of-a-lock")
        third.call("POST", "/providers/install", {**wish, "version": "6.42.0"}, expect=201)
        tenant.call("POST", f"{path}/downgrade", {"target_version": "6.41.0"})
        other.call("POST", f"{path}/deploy")
        third.until_ready(path, "6.42.0")
        tenant.until_ready(path, "6.41.0")
        redeployed = other.until_ready(path, "6.42.0")
        assert redeployed["generation"] == 3
        assert all(site == first for site in sites_of(stack, "6.41.0"))
        assert all(site == upgraded[0] for site in sites_of(stack, "6.42.0"))
        assert len(index.requests) == asked
    finally:
        index.down = False
