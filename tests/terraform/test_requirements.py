"""Each function's requirements.txt is what its code needs, as the lock has it."""

from pathlib import Path

import pytest
from terraform.tools import requirements
from terraform.tools.imports import reached_files, reached_imports

from local_stack.function_list import ALL, FUNCTIONS, FUNCTIONS_DIR

LIB = FUNCTIONS_DIR.parent / "lib"


def names_in(text: str) -> set[str]:
    return {line.partition("==")[0] for line in text.splitlines() if "==" in line}


def test_every_functions_requirements_are_up_to_date() -> None:
    assert requirements.main(["--check"]) == 0, f"run `{requirements.COMMAND}`"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_requirement_is_pinned_with_its_hashes(function: str) -> None:
    entries = requirements.read_lock(FUNCTIONS_DIR / function / "requirements.txt")
    assert "functions-framework" in entries
    assert all("--hash=sha256:" in entry for entry in entries.values())


def test_a_function_without_a_cluster_does_not_carry_its_client() -> None:
    texts = {name: (FUNCTIONS_DIR / name / "requirements.txt").read_text() for name in ("identity", "installer")}
    assert "kubernetes" in names_in(texts["installer"])
    assert not {"kubernetes", "google-cloud-tasks"} & names_in(texts["identity"])


def test_what_verifies_attestations_is_carried_by_the_functions_that_publish_alone() -> None:
    texts = {name: (FUNCTIONS_DIR / name / "requirements.txt").read_text() for name in ALL}
    assert {name for name, text in texts.items() if "sigstore" in names_in(text)} == {"publishing", "api"}


def test_what_serves_one_machine_is_never_reached() -> None:
    for name in FUNCTIONS:
        reached = reached_files(FUNCTIONS_DIR / name / "main.py", LIB)
        assert not [path for path in reached if path.is_relative_to(LIB / "provider_hub" / "local")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    package = tmp_path / "lib" / "provider_hub" / "deep"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text("import flask\n")
    (package / "leaf.py").write_text("def late():\n    import google.auth.transport\n")
    (tmp_path / "main.py").write_text(
        "import json\n"
        "from typing import TYPE_CHECKING\n"
        "from provider_hub.deep import leaf\n"
        "if TYPE_CHECKING:\n    import hypothesis\n"
    )
    return tmp_path


def test_imports_are_followed_through_packages_and_into_functions_but_not_for_types(source: Path) -> None:
    assert reached_imports(source / "main.py", source / "lib") == {"flask", "google.auth.transport"}


def test_a_module_in_a_namespace_belongs_to_who_brings_it() -> None:
    installed = requirements.read_installed()
    assert installed.bringing("google.cloud.firestore_v1.types.document.Document") == "google-cloud-firestore"
    assert installed.bringing("google.auth") == "google-auth"


def test_a_module_that_nothing_brings_is_named() -> None:
    with pytest.raises(requirements.RequirementsError, match=r"brings the module no_such_module: run make setup"):
        requirements.read_installed().bringing("no_such_module")


def test_an_extra_of_a_dependency_is_followed() -> None:
    """pyjwt alone verifies no RSA signature; with its extra it brings the library that does."""
    assert "cryptography" in names_in((FUNCTIONS_DIR / "identity" / "requirements.txt").read_text())


def test_an_unlocked_distribution_is_refused() -> None:
    installed, lock = requirements.read_installed(), requirements.read_lock()
    del lock["flask"]
    with pytest.raises(requirements.RequirementsError, match=r"flask are not in requirements.lock"):
        requirements.requirements_of(FUNCTIONS_DIR / "catalog" / "main.py", installed, lock)
