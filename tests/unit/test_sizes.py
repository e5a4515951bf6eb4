"""A file and a function of the packages stay small enough to be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "lib"
FILES = sorted(LIBRARY.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 50


def lengths_of_functions(source: str) -> list[tuple[str, int]]:
    """Each function's name and its lines, from `def` to its last line."""
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in statements(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Those within `node`, at every depth. No expression has any, and most nodes are expressions."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, part, ()):
            yield inner
            yield from statements(inner)


def test_every_package_is_measured() -> None:
    packages = {file.relative_to(LIBRARY).parts[0] for file in FILES}
    assert packages >= {"hub_cli", "local_kubernetes", "local_stack", "pragma_runtime", "provider_hub"}


def test_the_lines_of_a_nested_function_count_for_both() -> None:
    source = "def outer():\n    def inner():\n        return 1\n    return inner\n"
    assert lengths_of_functions(source) == [("outer", 4), ("inner", 2)]


def test_no_file_is_too_long() -> None:
    counted = {str(file.relative_to(LIBRARY)): len(file.read_text().splitlines()) for file in FILES}
    long = {name: lines for name, lines in counted.items() if lines > LONGEST_FILE}
    assert not long, f"split these by subject, to at most {LONGEST_FILE} lines each: {long}"


def test_no_function_is_too_long() -> None:
    long = {
        f"{file.relative_to(LIBRARY)}:{name}": lines
        for file in FILES
        for name, lines in lengths_of_functions(file.read_text())
        if lines > LONGEST_FUNCTION
    }
    assert not long, f"split these, to at most {LONGEST_FUNCTION} lines each: {long}"
