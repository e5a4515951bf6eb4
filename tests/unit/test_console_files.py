"""The web console's files: what is vendored is what was fetched, and nothing loads what the policy would refuse."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from local_stack.console import SOURCE, read_release, security_headers

VENDOR = SOURCE / "vendor"
PACKAGES = json.loads((VENDOR / "vendor.json").read_text())
MODULES = sorted(SOURCE.rglob("*.js"))
LONGEST_FILE = 250
_IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"']+)["']""")
_NEVER = (
    "innerHTML",
    "outerHTML",
    "dangerouslySetInnerHTML",
    "insertAdjacentHTML",
    "localStorage",
    "document.cookie",
    "eval(",
)


def test_every_vendored_file_has_its_digest_and_no_other_lies_there() -> None:
    digests = {name: digest for package in PACKAGES.values() for name, digest in package["sha256"].items()}
    there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.iterdir()}
    del there["vendor.json"]
    assert there == digests


@pytest.mark.parametrize("name", PACKAGES)
def test_a_vendored_package_has_its_licence_and_the_digest_of_its_archive(name: str) -> None:
    package = PACKAGES[name]
    assert package["licence"] in ("MIT", "Apache-2.0")
    assert any(file.endswith(".LICENSE") for file in package["files"])
    assert package["fetched"] == f"{name}@{package['version']}"
    assert package["integrity"].startswith("sha512-")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_module_imports_only_files_that_are_there(module: Path) -> None:
    for imported in _IMPORT.findall(module.read_text()):
        assert imported.startswith("."), f"{imported} is no relative import: no browser finds it without an import map"
        assert (module.parent / imported).is_file(), imported


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.parent != VENDOR], ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_a_module_of_ours_is_short_and_makes_no_html_of_text(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE, "split it by subject"
    assert not [word for word in _NEVER if word in text]


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (SOURCE / "index.html").read_text()
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="release/app.js">']
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)


def test_the_policy_lets_the_page_call_the_api_and_the_issuer_and_nothing_else() -> None:
    policy = security_headers("https://issuer.example/customer")["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["connect-src"] == "'self' https://issuer.example"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in policy


def test_a_change_of_any_file_gives_the_folder_another_name(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "app.js").write_text("1")
    (tmp_path / "pages" / "one.js").write_text("1")
    (tmp_path / "notes.md").write_text("not served")
    before, files = read_release(tmp_path)
    assert set(files) == {"app.js", "pages/one.js"}
    (tmp_path / "pages" / "one.js").write_text("2")
    assert read_release(tmp_path)[0] != before
