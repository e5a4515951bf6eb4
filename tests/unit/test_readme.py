"""The README's generated parts are what the code says. `UPDATE=1 pytest tests/unit/test_readme.py` writes them anew."""

import os
import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from provider_hub.domain.diagram import state_diagram
from provider_hub.settings import Settings, variable_name

README = Path(__file__).parents[2] / "README.md"


def settings_table() -> str:
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for field, info in Settings.model_fields.items():
        default = "required" if info.default is PydanticUndefined else _shown(info.default)
        rows.append(f"| `{variable_name(field)}` | {default} | {info.description} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    text = str(default)
    return f"`{text}`" if text not in ("", "()", "**********") else ""


@pytest.mark.parametrize(
    ("marker", "content"), [("settings", settings_table()), ("state machine", f"```mermaid\n{state_diagram()}\n```")]
)
def test_the_readme_shows_what_the_code_says(marker: str, content: str) -> None:
    text = README.read_text()
    block = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    expected = block.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)
    assert block.search(text), f"README.md has no block <!-- {marker} -->"
    if os.environ.get("UPDATE"):
        README.write_text(expected)
        text = expected
    assert text == expected, "run UPDATE=1 pytest tests/unit/test_readme.py"
