"""What a function's code reaches, read from its source and not by running it."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_OURS = "provider_hub"


def reached_imports(main: Path, lib: Path) -> set[str]:
    """The dotted names imported by `main` and by every module of ours that it reaches, ours and Python's left out.

    An import inside a function counts; one that is for type checkers alone does not. The last part of a name may
    be an attribute of a module.
    """
    return {name for path in reached_files(main, lib) for name in _imports_of(path) if not _is_known(name)}


def reached_files(main: Path, lib: Path) -> set[Path]:
    """`main` and every file of ours that it imports, directly or not."""
    waiting, seen = [main], set[Path]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        waiting.extend(_files_imported_by(path, lib))
    return seen


@cache
def _files_imported_by(path: Path, lib: Path) -> frozenset[Path]:
    """The files of ours that a file's own imports load; every function reaches the same ones by many ways."""
    ours = {name for name in _imports_of(path) if name.partition(".")[0] == _OURS}
    return frozenset(file for name in ours for file in _files_of(name, lib))


@cache
def _imports_of(path: Path) -> tuple[str, ...]:
    nodes = _runtime_nodes(ast.parse(path.read_text(), str(path)))
    return tuple(name for node in nodes for name in _names_in(node))


def _names_in(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _runtime_nodes(child)


def _files_of(name: str, lib: Path) -> Iterator[Path]:
    """The files that importing a dotted name of ours loads: its packages' own, and its module's."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = lib.joinpath(*parts[:end])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


def _is_known(name: str) -> bool:
    first = name.partition(".")[0]
    return first in {_OURS, "__future__"} or first in sys.stdlib_module_names
