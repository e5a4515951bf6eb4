"""Finds an import that can only fail: the wheel declares no dependency, and neither it nor Python has the module."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass

_MOST_MODULES = 30
# Modules that some Python on which a runtime may run has, and this one perhaps not.
_SOME_PYTHON = frozenset({
    "aifc", "annotationlib", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "compression", "crypt",
    "distutils", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd",
    "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
})  # fmt: skip
# What an environment or a runtime may have without being asked.
_PERHAPS_THERE = frozenset({"pip", "pkg_resources", "pragma_runtime", "pragma_sdk", "setuptools", "wheel"})
# Whoever changes these finds modules in ways that cannot be read off the source.
_FINDS_MODULES_ITSELF = ("sys.path", "sys.modules", "sys.meta_path", "__path__", "site.addsitedir")


@dataclass(frozen=True, slots=True)
class Sources:
    """A wheel's modules: the path of each by its dotted name (`package.__init__` for a package), and their texts.

    `read` gives the text of a file, None for one that is long or no text. `tops` are the names that the wheel makes
    importable from the top.
    """

    paths: Mapping[str, str]
    tops: Set[str]
    read: Callable[[str], str | None]


def import_that_fails(package: str, sources: Sources) -> str | None:
    """The first module that importing `package` always asks for and that is nowhere; None where none is certain.

    Follows the import statements that stand by themselves in a module: one within `try`, `if` or a function may be
    guarded. Of a module whose source cannot be read, or that finds modules by itself, nothing is certain.
    """
    waiting, seen = [*_with_parents(package)], set[str]()
    while waiting and len(seen) < _MOST_MODULES:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for imported in _imports_of(name, sources):
            top = imported.partition(".")[0]
            if top in sources.tops:
                waiting += _with_parents(imported)
            elif not _is_known(top):
                return imported
    return None


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: length + 1]) for length in range(len(parts)))


def _imports_of(name: str, sources: Sources) -> Iterator[str]:
    is_package = f"{name}.__init__" in sources.paths
    path = sources.paths.get(f"{name}.__init__" if is_package else name, "")
    source = sources.read(path) if path.endswith(".py") else None
    if source is None or any(word in source for word in _FINDS_MODULES_ITSELF):
        return
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in body:
        yield from _imported_by(statement, name if is_package else name.rpartition(".")[0])


def _imported_by(statement: ast.stmt, package: str) -> Iterator[str]:
    """What a statement imports in a module of `package`; a name of a package may be a module of its own."""
    match statement:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=0) if module:
            yield module
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            parts = package.split(".")
            kept = parts[: max(0, len(parts) - level + 1)]
            if not any(kept):
                return
            base = ".".join([*kept, *([module] if module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in names)


def _is_known(top: str) -> bool:
    return top in sys.stdlib_module_names or top in _SOME_PYTHON or top in _PERHAPS_THERE or not top
