"""Reads a plan as `terraform show -json` prints it: refuses what would lose data or leave tenants without a cluster.

    terraform show -json plan.out | python -m terraform.tools.plan guard --allow module.hub.google_kms_key_ring.this
    terraform show -json plan.out | python -m terraform.tools.plan output build image
    terraform show -json plan.out | python -m terraform.tools.plan opened

`guard` ends with 1 where the plan destroys or replaces something that holds what cannot be made again, and that
`--allow` does not name. A database that is protected from deletion is *abandoned* by such a plan: Terraform reports
success, makes an empty database of the new name, and points the functions there.

It ends with 1 as well where the plan adds a cell that takes organizations at once: the functions would use its cluster
before `deploy.sh` has granted them anything there. `opened` prints the endpoints of the cells that take organizations
from this plan on, where the roles have to be before it is applied. `output` prints an output's planned value.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What is lost with each; a resource whose address has the name after the dot in `_DISPOSABLE` is not meant.
_KEPT: Mapping[str, str] = {
    "google_firestore_database": "every organization, provider and installation",
    "google_container_cluster": "every running installation",
    "google_storage_bucket": "the objects in it",
    "google_artifact_registry_repository": "the images that pods and functions run",
    "google_secret_manager_secret": "a key that running installations sign their check-ins with",
    "google_kms_crypto_key": "all that was encrypted with it",
    "google_kms_key_ring": "all that was encrypted with its keys",
}
_DISPOSABLE = frozenset({"google_storage_bucket.samples", "google_storage_bucket.console"})
DEFAULT_CELL = "default"
_FUNCTION = "google_cloud_run_v2_service"
_INDEX = re.compile(r"\[[^]]*]")


@dataclass(frozen=True)
class Loss:
    """One resource that a plan takes away; `changes` are the arguments that force a replacement."""

    address: str
    lost: str
    replaced: bool
    changes: tuple[str, ...]

    def __str__(self) -> str:
        how = "replaced" if self.replaced else "destroyed"
        why = f", since {' and '.join(self.changes)} changes" if self.changes else ""
        return f"{self.address} would be {how}{why}: {self.lost} would be lost"


def losses(plan: Mapping[str, Any]) -> Iterator[Loss]:
    """What a plan destroys or replaces of that which cannot be made again."""
    for resource in plan.get("resource_changes", ()):
        change, kind = resource["change"], resource["type"]
        if "delete" not in change["actions"] or resource["mode"] != "managed" or kind not in _KEPT:
            continue
        if f"{kind}.{resource['name']}" in _DISPOSABLE:
            continue
        replaced = "create" in change["actions"]
        yield Loss(resource["address"], _KEPT[kind], replaced, tuple(_reasons(change)) if replaced else ())


def _reasons(change: Mapping[str, Any]) -> Iterator[str]:
    for path in change.get("replace_paths", ()):
        before, after = (_at(change[side], path) for side in ("before", "after"))
        yield f"{'.'.join(map(str, path))} ({before!r} → {after!r})"


def _at(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def is_allowed(loss: Loss, allowed: Sequence[str]) -> bool:
    """Whether it is named, with or without the index of one among several."""
    return loss.address in allowed or _INDEX.sub("", loss.address) in allowed


def planned_output(plan: Mapping[str, Any], path: Sequence[str]) -> str:
    """The planned value of an output, or of one of its attributes; "" where it is null or not known yet."""
    value = plan["planned_values"].get("outputs", {}).get(path[0], {}).get("value")
    found = _at(value, path[1:])
    return "" if found is None else str(found)


def opened_cells(plan: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The cells that take new organizations from this plan on; each with its endpoint, None where it is made only now.

    None where there are no functions yet, and so no organizations, nor where IAM alone decides what functions may do.
    """
    outputs = plan.get("output_changes", {})
    before, after = (outputs.get("cells", {}).get(side) or {} for side in ("before", "after"))
    if not _has_functions(plan) or not plan["planned_values"].get("outputs", {}).get("cluster_access", {}).get("value"):
        return {}
    # The output of the release before had no weights: whatever it names was open, or is granted by now.
    open_before = {DEFAULT_CELL, *(cell for cell, told in before.items() if float(told.get("weight", 1)) > 0)}
    opened = [cell for cell, told in after.items() if float(told.get("weight", 0)) > 0 and cell not in open_before]
    return {cell: before[cell]["endpoint"] if cell in before else None for cell in sorted(opened)}


def _has_functions(plan: Mapping[str, Any]) -> bool:
    """Whether there are any before the plan is applied. After a first apply that failed, other things may be there."""
    changes = (one["change"] for one in plan.get("resource_changes", ()) if one["type"] == _FUNCTION)
    return any(change.get("before") for change in changes)


def _guard(plan: Mapping[str, Any], allowed: Sequence[str]) -> int:
    return max(_guard_cells(plan), _guard_data(plan, allowed))


def _guard_cells(plan: Mapping[str, Any]) -> int:
    new = [cell for cell, endpoint in opened_cells(plan).items() if endpoint is None]
    for cell in new:
        print(
            f"refused: the new cell {cell} would take organizations before the functions may work in its cluster. "
            f"Give it weight = 0 in cells, deploy, then give it its weight and deploy again.",
            file=sys.stderr,
        )
    return 1 if new else 0


def _guard_data(plan: Mapping[str, Any], allowed: Sequence[str]) -> int:
    refused = [loss for loss in losses(plan) if not is_allowed(loss, allowed)]
    for loss in refused:
        print(f"refused: {loss}", file=sys.stderr)
    if not refused:
        return 0
    names = " ".join(sorted({_INDEX.sub("", loss.address) for loss in refused}))
    print(
        f"If that is what you want, name it: ALLOW_LOSS='{names}'. Otherwise look for a changed name.", file=sys.stderr
    )
    return 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m terraform.tools.plan", description="Reads a plan's JSON.")
    commands = parser.add_subparsers(dest="command", required=True)
    guard = commands.add_parser("guard", help="refuse a plan that loses data, or opens a cell too early")
    guard.add_argument("--allow", nargs="*", default=[], metavar="ADDRESS", help="what may be lost")
    commands.add_parser("opened", help="print the endpoints of cells that take organizations from now on")
    commands.add_parser("output", help="print an output's planned value").add_argument("path", nargs="+")
    given = parser.parse_args(arguments)
    plan = json.load(sys.stdin)
    if given.command == "guard":
        return _guard(plan, given.allow)
    if given.command == "opened":
        print(" ".join(filter(None, opened_cells(plan).values())))
        return 0
    print(planned_output(plan, given.path))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
