"""The generated parts of the documentation are what the code says, and its links lead somewhere.

`UPDATE=1 pytest tests/unit/test_generated_docs.py` writes the generated parts anew.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from provider_hub.domain.diagram import state_diagram
from provider_hub.domain.roles import ROLES
from provider_hub.http.route import Access
from provider_hub.http.table import ROUTES
from provider_hub.settings.everything import GROUPS, AllSettings, set_by, variable_name

CUSTOMERS = (Access.CUSTOMER, Access.TENANT)
ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# A file or folder of the repository that a page names in code style; a name with a placeholder is no path.
_PATH = re.compile(r"`((?:lib|functions|terraform|tests|docs|examples|\.github|\.gitlab|\.ci)/[\w./-]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def settings_table() -> str:
    rows = ["| variable | default | range | set by | what it is |", "|---|---|---|---|---|"]
    for group in GROUPS:
        module = f"lib/{group.__module__.replace('.', '/')}.py"
        rows.append(f"| **{group.__name__}** | | | | {group.__doc__} In `{module}`. |")
        for field in group.__annotations__:
            info = AllSettings.model_fields[field]
            default = "required" if info.is_required() else _shown(info.default)
            cells = (f"`{variable_name(field)}`", default, _range(info), set_by(field), info.description)
            rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)


def scopes_table() -> str:
    rows = ["| route | scope |", "|---|---|"]
    rows += [f"| `{route.method} {route.path}` | `{route.scope}` |" for route in ROUTES if route.scope]
    return "\n".join(rows)


def _range(field: Any) -> str:
    """What a number may be: `> 0`, `≥ 0, ≤ 100`, or `whole, ≥ 1`. Terraform reads it."""
    signs = {"gt": ">", "ge": "≥", "le": "≤"}
    bounds = [
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for name, sign in signs.items()
        if hasattr(bound, name)
    ]
    return ", ".join(["whole", *bounds] if field.annotation is int else bounds)


def _shown(default: object) -> str:
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if text not in ("", "{}", "**********") else ""


def roles_table() -> str:
    """Every route that a caller of the customer realm needs a right for, by role."""
    rows = [f"| route | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 1) + "|"]
    for route in sorted(ROUTES, key=lambda route: (route.path, route.method)):
        if route.access in CUSTOMERS:
            allowed = ["yes" if right.includes(route.right) else "" for right in ROLES.values()]
            rows.append(f"| `{route.method} {route.path}` | {' | '.join(allowed)} |")
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("page", "marker", "content"),
    [
        ("docs/settings.md", "settings", settings_table()),
        ("docs/roles.md", "routes by role", roles_table()),
        ("docs/contract.md", "console scopes", scopes_table()),
        ("README.md", "state machine", f"```mermaid\n{state_diagram()}\n```"),
    ],
)
def test_a_page_shows_what_the_code_says(page: str, marker: str, content: str) -> None:
    path = ROOT / page
    text = path.read_text()
    block = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    expected = block.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)
    assert block.search(text), f"{page} has no block <!-- {marker} -->"
    if os.environ.get("UPDATE"):
        path.write_text(expected)
        text = expected
    assert text == expected, "run UPDATE=1 pytest tests/unit/test_generated_docs.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_that_exists(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text()) if "://" not in target]
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("the changelog names what was there at its time")
    assert not [path for path in _PATH.findall(page.read_text()) if not (ROOT / path).exists()]
