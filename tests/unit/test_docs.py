"""The pages of docs/how-to list every file to touch, few enough; what pages name exists, and their tables are whole."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from provider_hub.actions import dead_letters, idempotency, minting, register
from provider_hub.actions.resolution import Dependencies
from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.domain import artifacts, publishing_use
from provider_hub.domain.audit import KEPT as AUDIT_KEPT
from provider_hub.http.functions.installations import ProviderInstallation

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
FOLDERS = ("docs", "lib", "terraform", "examples", "tests")
EVERY_PAGE = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).glob("**/[!.]*.md"))])
# How many of the product's own files a change may touch. Tests, pages and what is generated come on top.
MOST = 5
LIMITS = {"add-a-setting": 4, "add-a-document": 7}
OWN = ("lib/", "functions/", "terraform/")
# A numbered item begins with the file that it is about, or with several of which a change touches one.
_ITEM = re.compile(r"^\d+\. (`[^:]+):", re.MULTILINE)
_NAMED = re.compile(r"`((?:\.?[\w<>*-]+/)+[\w.<>*-]+\.\w+|[\w-]+\.(?:md|toml|lock))`")
# A file, and in parentheses a name in it.
_SYMBOL = re.compile(r"`([\w/.]+\.py)` \(`(\w+)`\)")
_CELL = re.compile(r"(?<!\\)\|")
_DELIMITERS = re.compile(r"\|(\s*:?-+:?\s*\|)+")


def items_of(page: Path) -> list[list[str]]:
    """The files of each item of the numbered list beneath the heading `## Files`."""
    _, found, rest = page.read_text().partition("\n## Files\n")
    assert found, f"{page.name} has no heading `## Files`"
    return [_NAMED.findall(head) for head in _ITEM.findall(rest.partition("\n## ")[0])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_lists_few_files(page: Path) -> None:
    own = [item for item in items_of(page) if item[0].startswith(OWN)]
    assert 0 < len(own) <= LIMITS.get(page.stem, MOST)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_of_ours_that_a_page_names_is_in_its_list(page: Path) -> None:
    """Nothing in the prose is one more file to touch. What `make generate` writes is no work."""
    listed = {name for item in items_of(page) for name in item}
    named = {name for name in _NAMED.findall(page.read_text()) if name.startswith(OWN)}
    assert named - listed <= {"functions/<name>/requirements.txt", "terraform/README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """One with a placeholder, such as `functions/<name>/main.py`, stands for files of which there are some."""
    named = _NAMED.findall(page.read_text())
    assert [name for name in named if not any(ROOT.glob(re.sub(r"<\w+>", "*", name)))] == []


def test_what_the_architecture_page_says_is_in_a_file_is_there() -> None:
    named = _SYMBOL.findall((ROOT / "docs" / "architecture.md").read_text())
    assert len(named) > 5
    assert [(path, name) for path, name in named if name not in (ROOT / path).read_text()] == []


def test_every_test_that_the_security_page_names_exists() -> None:
    named = _NAMED.findall((ROOT / "SECURITY.md").read_text())
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_looked_at() -> None:
    assert {page.stem for page in PAGES} >= {"add-a-function", "add-a-setting"}
    assert {ROOT / "README.md", ROOT / "terraform" / "README.md", ROOT / "docs" / "contract.md"} <= {*EVERY_PAGE}


def tables_of(text: str) -> Iterator[list[tuple[int, str]]]:
    """Each run of lines that begin with a bar, with the lines' numbers; code is left out."""
    rows: list[tuple[int, str]] = []
    in_code = False
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        in_code ^= line.lstrip().startswith("```")
        if line.startswith("|") and not in_code:
            rows.append((number, line))
        elif rows:
            yield rows
            rows = []


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_has_the_cells_of_its_heading(page: Path) -> None:
    """A bar within a cell is written `\\|`, in code as well."""
    for (first, heading), *rest in tables_of(page.read_text()):
        assert rest, f"line {first} is a row without a table"
        assert _DELIMITERS.fullmatch(rest[0][1].strip()), f"line {first} is a row without a table"
        cells = len(_CELL.findall(heading))
        assert not [number for number, row in rest if len(_CELL.findall(row)) != cells]


def _words(duration: timedelta) -> str:
    """As pages write it: the largest unit that is whole."""
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")):
        if duration % timedelta(seconds=unit) == timedelta() and (count := duration // timedelta(seconds=unit)) > 1:
            return f"{count} {name}"
    raise ValueError(duration)


(RESOLVED_WITHIN,) = (field.default for field in fields(Dependencies) if field.name == "within")
FIGURES = [
    ("docs/documents.md", f"A lease that is not given back ends after {_words(publishing_use.LEASE)}"),
    ("docs/documents.md", f"A reservation that is not filled lapses after {_words(idempotency.LEASE)}"),
    ("docs/documents.md", f"up to {dead_letters.PAYLOAD_BYTES // 1024} KiB of payload"),
    ("docs/using.md", f"up to {artifacts.MAX_BYTES // 1024**2} MiB, in parts"),
    ("docs/contract.md", f"up to {artifacts.MAX_BYTES // 1024**2} MiB that was announced"),
    ("docs/contract.md", f"over {artifacts.MAX_BYTES // 1024**2} MiB, or whose metadata"),
    ("docs/contract.md", f"for {_words(minting.LIFETIME)}, for publishing"),
    ("docs/contract.md", f"within {idempotency.KEPT // timedelta(hours=1)} h"),
    ("docs/contract.md", f"over {RESOLVED_WITHIN // timedelta(seconds=1)} seconds, is 503"),
    ("docs/contract.md", f"The audit has, for {_words(AUDIT_KEPT)}"),
    ("docs/contract.md", f"`sent_at` is more than {register.SENT_WITHIN // timedelta(minutes=1)}\nminutes away"),
    ("SECURITY.md", f"kept for {_words(AUDIT_KEPT)}"),
]


@pytest.mark.parametrize(("page", "figure"), FIGURES)
def test_a_figure_in_prose_is_that_of_the_code(page: str, figure: str) -> None:
    assert figure in (ROOT / page).read_text()


def test_the_contract_names_every_field_of_an_installation_and_of_its_wishes() -> None:
    text = (ROOT / "docs" / "contract.md").read_text()
    fields = {*InstallWish.model_fields, *SettingsWish.model_fields, *ProviderInstallation.model_fields}
    assert not {field for field in fields if f"`{field}`" not in text and f"{field}?" not in text}
