"""What we build on is named exactly: the lock's bill of materials is whole, and CI's actions are pinned by commit."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from terraform.tools import sbom

ROOT = Path(__file__).parents[2]
ACTIONS = [*(ROOT / ".github").rglob("*.yml"), *(ROOT / ".github").rglob("*.yaml")]
OURS = {"provider-hub", "pip", "setuptools"}


def test_the_bill_of_materials_names_everything_that_is_installed() -> None:
    bill = sbom.bill(sbom.locked(sbom.LOCK.read_text()))
    named = {(canonicalize_name(part["name"]), part["version"]) for part in bill["components"]}
    installed = {(canonicalize_name(found.metadata["Name"]), found.version) for found in distributions()}
    assert {found for found in installed if found[0] not in OURS} <= named
    assert all(part["hashes"] for part in bill["components"])


def test_a_lock_with_a_distribution_that_has_no_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="thing has no digest"):
        list(sbom.locked("thing==1.0\n"))


def test_every_action_of_others_is_pinned_by_commit() -> None:
    used = [found for file in ACTIONS for found in re.findall(r"uses:\s*(\S+)", file.read_text())]
    foreign = [found for found in used if not found.startswith("./")]
    assert foreign
    assert [found for found in foreign if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", found)] == []
