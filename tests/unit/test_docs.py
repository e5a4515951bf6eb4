"""Each page of docs/how-to lists the files to touch, few enough, and each of them exists."""

import re
from pathlib import Path

import pytest

from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.http.functions.installations import ProviderInstallation

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
LIMITS = {"add-a-setting": 4}
MOST = 5
# A numbered item begins with the file that it is about.
_ITEM = re.compile(r"^\d+\. `([^`]+)`", re.MULTILINE)
_NAMED = re.compile(r"`((?:\.?[\w<>*-]+/)+[\w.<>*-]+\.\w+|[\w-]+\.(?:md|toml|lock))`")


def files_of(page: Path) -> list[str]:
    """The files that a page says to touch: the numbered list beneath its heading `## Files`."""
    _, found, rest = page.read_text().partition("\n## Files\n")
    assert found, f"{page.name} has no heading `## Files`"
    return _ITEM.findall(rest.partition("\n## ")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_lists_few_files(page: Path) -> None:
    assert 0 < len(files_of(page)) <= LIMITS.get(page.stem, MOST)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """One with a placeholder, such as `functions/<name>/main.py`, stands for files of which there are some."""
    named = {*files_of(page), *_NAMED.findall(page.read_text())}
    assert [name for name in named if not any(ROOT.glob(re.sub(r"<\w+>", "*", name)))] == []


def test_every_test_that_the_security_page_names_exists() -> None:
    named = _NAMED.findall((ROOT / "SECURITY.md").read_text())
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_looked_at() -> None:
    assert {page.stem for page in PAGES} >= {"add-a-function", "add-a-setting"}


def test_the_contract_names_every_field_of_an_installation_and_of_its_wishes() -> None:
    text = (ROOT / "docs" / "contract.md").read_text()
    fields = {*InstallWish.model_fields, *SettingsWish.model_fields, *ProviderInstallation.model_fields}
    assert not {field for field in fields if f"`{field}`" not in text and f"{field}?" not in text}
