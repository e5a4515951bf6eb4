"""The recipes for publishing from CI, typed line by line in one shell, as somebody does beside `make up`.

They are those of docs/using.md in which a shell, other people's tools and files that a line makes come together. The
commands of all other recipes are given to the parser, by `tests/unit/test_commands_in_pages.py`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.running import Stack
from tests.e2e.tenant import Tenant
from tests.page_scripts import scripts_of

PAGE = Path(__file__).parents[2] / "docs" / "using.md"
HEADING = "\n## From an empty repository"
# A block with one of these needs what this machine does not have: a hub in the cloud, or a remote repository.
ELSEWHERE = ("example.com", "git push")
_REFUSED = re.compile(r"^(?P<command>\S[^#\n]*) # refused$", re.MULTILINE)
_SECONDS = 100


def recipes() -> Iterator[str]:
    """The block that prepares a terminal, and the section's; a line with the comment `refused` has to fail."""
    before, _, section = PAGE.read_text().partition(HEADING)
    (prepare,) = (script for script in scripts_of(before) if "export PATH=" in script)
    yield prepare
    for script in scripts_of(section):
        if not any(word in script for word in ELSEWHERE):
            yield _REFUSED.sub(r"if \g<command>; then exit 99; fi", script)


@pytest.mark.timeout(_SECONDS + 60)
def test_every_recipe_for_publishing_from_ci_works_as_it_is_written(stack: Stack, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    (clone / ".hub").symlink_to(stack.state_dir)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "UV_"))}
    # The tests share the stack, and policies of `acme` would be in the way of others.
    script = "\n".join(recipes()).replace("acme", "recipes")
    done = subprocess.run(
        ["bash", "-e", "-v"],
        input=script,
        cwd=clone,
        env={**kept, "NO_PROXY": "localhost,127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    versions = Tenant(stack, "recipes").call("GET", "/providers/recipes/weather/versions")
    attested = {version["version"]: bool(version["attestations"]) for version in versions}
    assert attested == {"0.1.0": False, "0.2.0": True}
