"""Which package of a wheel is its provider: the one answer that `hub publish`, publishing and runtimes go by."""

import ast
import dataclasses
import keyword
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import field
from typing import Self

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.wheels.errors import WheelInvalid

ENTRY_POINT_GROUP = "pragma.provider"

# Directories; no package is nested like this, but a hostile archive may be.
_DEEPEST = 30
_MOST_NAMED = 20
_BESIDE_THE_PROVIDER = frozenset({"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmarks"})
_INSTALLED_AS_CODE = re.compile(r"\A[^/]+\.data/(?:purelib|platlib)/")
_MODULE = re.compile(r"([^/.]+)(?:\.py|\.pyc|(?:\.[^/.]+)?\.so)")
_NAMESPACE_MODULES = frozenset({"pkgutil", "pkg_resources", "__future__"})
_NAMESPACE_CALLS = frozenset({"extend_path", "declare_namespace"})


class PackageRefused(WheelInvalid):
    """The wheel has no package that a runtime could import as its provider."""


class PackageUnclear(PackageRefused):
    """The wheel has several packages, and nothing says which one is the provider."""

    def __init__(self, candidates: tuple[str, ...]) -> None:
        self.candidates = candidates
        super().__init__(
            f"the wheel has several packages ({_listed(candidates)}): say with package_name which one is the provider"
        )


@dataclass(frozen=True, slots=True)
class WheelLayout:
    """What a wheel installs.

    `files` are the paths in the archive, without folders. `top_level` and `namespaces` are the names in setuptools'
    `top_level.txt` and `namespace_packages.txt`. `entry_points` are the values of the group `pragma.provider`, as
    `package` or `package:attribute`. `read` gives the text of a file, None for one that is long or no text.
    """

    distribution: str
    files: tuple[str, ...]
    read: Callable[[str], str | None]
    top_level: tuple[str, ...] = ()
    namespaces: frozenset[str] = frozenset()
    entry_points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Packages:
    """What a wheel makes importable, by dotted names.

    `provider` is the package that is the provider where nobody names one, None where `refusal` says why there is
    none. `candidates` are the packages that may be named; `importable` has these and every module below.
    """

    candidates: tuple[str, ...]
    importable: frozenset[str]
    namespaces: frozenset[str] = frozenset()
    provider: str | None = None
    refusal: PackageRefused | None = None

    @classmethod
    def only(cls, name: str) -> Self:
        """Those of a wheel with one package."""
        return cls((name,), frozenset({name}), provider=name)

    def choose(self, named: str | None) -> str:
        """The package that a runtime imports: `named`, or the wheel's own choice where None or empty.

        Raises PackageUnclear or another PackageRefused, with what to do.
        """
        if named:
            return self.checked(imported_name(named))
        if self.provider is None:
            raise self.refusal or PackageRefused("the wheel has nothing to import")
        return self.provider

    def checked(self, name: str) -> str:
        """`name`, if a runtime can import it as a provider. Raises PackageRefused."""
        if name in self.namespaces:
            below = tuple(found for found in self.candidates if found.startswith(f"{name}."))
            raise PackageRefused(f"{name} is a namespace without code of its own: name {_listed(below)} instead")
        if name not in self.importable:
            remedy = f"name one that it has ({_listed(self.candidates)})" if self.candidates else "it has none"
            raise PackageRefused(f"the wheel has no package {name[:200]!a}: {remedy}")
        if _is_shadowed(name):
            raise _shadowed((name,))
        return name


@dataclasses.dataclass(slots=True)
class _Folder:
    """Modules by name, with the path of the file in the archive; and the folders with modules somewhere below."""

    modules: dict[str, str] = field(default_factory=dict)
    folders: dict[str, "_Folder"] = field(default_factory=dict)


def find_packages(layout: WheelLayout) -> Packages:
    """What the wheel makes importable, and which of it is the provider.

    An entry point of the group `pragma.provider` says so. Without one it is the only package, or the one named as the
    distribution. Namespaces (without `__init__`, in pkgutil's or in setuptools' style) are descended to the first
    packages with code and to modules. Tests, documentation and private modules beside the package do not count, unless
    the distribution has that name.

    A folder with modules that has no `__init__` is never chosen. It may be named, as some providers name it.
    """
    root = _tree(layout.files)
    walk = _Walk(layout, root)
    candidates = tuple(sorted(walk.candidates()))
    found = Packages(candidates, frozenset(_importable(root, ())), frozenset(walk.namespaces))
    try:
        provider = _provider(layout, found, walk.without_init)
    except PackageRefused as refusal:
        return Packages(found.candidates, found.importable, found.namespaces, refusal=refusal)
    return Packages(found.candidates, found.importable, found.namespaces, provider=provider)


def imported_name(named: str) -> str:
    """The dotted name that an author means: often the distribution's own is given, with hyphens."""
    return named.replace("-", "_")


def declares_namespace(source: str) -> bool:
    """Whether an `__init__.py` does nothing but make its package a namespace, by pkgutil or pkg_resources."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _only_of_namespaces(body) and any(_names_call(node) for node in ast.walk(ast.Module(body, [])))


class _Walk:
    """Goes through the tree for packages that may be the provider, and notes the namespaces that it went through.

    `namespaces` are those that say so or have no module of their own. `without_init` are folders with modules and
    without `__init__`: Python takes them for namespaces too, and their import runs nothing.
    """

    def __init__(self, layout: WheelLayout, root: _Folder) -> None:
        self._layout = layout
        self._root = root
        self.namespaces: set[str] = set()
        self.without_init: set[str] = set()

    def candidates(self) -> set[str]:
        here = set(self._root.modules) | set(self._root.folders)
        # Some lists name what the wheel does not have; a list of nothing else says nothing.
        tops = here & set(self._layout.top_level) or here
        usual = {top for top in tops if _is_usual(top)}
        alike = {top for top in tops if _same_name(top, self._layout.distribution) and _is_name(top)}
        return {name for top in usual or alike for name in self._below(top)}

    def _below(self, top: str) -> Iterator[str]:
        folder = self._root.folders.get(top)
        if folder is None:
            yield from [top] if top in self._root.modules else []
            return
        yield from self._packages((top,), folder)

    def _packages(self, name: tuple[str, ...], folder: _Folder) -> Iterator[str]:
        dotted = ".".join(name)
        has_init = "__init__" in folder.modules
        if has_init and not self._is_declared(dotted, folder):
            yield dotted
            return
        if folder.modules and not has_init and dotted not in self._layout.namespaces:
            self.without_init.add(dotted)
        else:
            self.namespaces.add(dotted)
        yield from (f"{dotted}.{module}" for module in folder.modules if _is_usual(module))
        for child, below in folder.folders.items():
            if _is_usual(child):
                yield from self._packages((*name, child), below)

    def _is_declared(self, dotted: str, folder: _Folder) -> bool:
        """Whether the folder's `__init__`, or setuptools' list, makes it a namespace."""
        if dotted in self._layout.namespaces:
            return True
        path = folder.modules["__init__"]
        source = self._layout.read(path) if path.endswith(".py") else None
        return source is not None and declares_namespace(source)


def _provider(layout: WheelLayout, found: Packages, without_init: Collection[str]) -> str:
    named = sorted({value.partition(":")[0].partition("[")[0].strip() for value in layout.entry_points})
    if len(named) > 1:
        raise PackageUnclear(tuple(named))
    if named:
        return found.checked(named[0])
    if not found.candidates and without_init:
        raise PackageRefused(
            f"the wheel's {_listed(tuple(sorted(without_init)))} has no __init__.py, so an import of it runs nothing: "
            "add __init__.py and build the wheel again"
        )
    if not found.candidates:
        raise PackageRefused(f"the wheel has nothing to import, {_what_it_has(layout.files)}")
    reachable = tuple(name for name in found.candidates if not _is_shadowed(name))
    if not reachable:
        raise _shadowed(found.candidates)
    if len(reachable) == 1:
        return reachable[0]
    alike = [name for name in reachable if _same_name(name, layout.distribution)]
    if len(alike) != 1:
        raise PackageUnclear(reachable)
    return alike[0]


def _tree(files: Iterable[str]) -> _Folder:
    root = _Folder()
    for file in files:
        *folders, name = _INSTALLED_AS_CODE.sub("", file, count=1).split("/")
        match = _MODULE.fullmatch(name)
        if not match or len(folders) > _DEEPEST or not all(map(str.isidentifier, (*folders, match[1]))):
            continue
        folder = root
        for part in folders:
            folder = folder.folders.setdefault(part, _Folder())
        folder.modules[match[1]] = file
    return root


def _importable(folder: _Folder, name: tuple[str, ...]) -> Iterator[str]:
    yield from (".".join((*name, module)) for module in folder.modules if module != "__init__")
    for child, below in folder.folders.items():
        yield ".".join((*name, child))
        yield from _importable(below, (*name, child))


def _only_of_namespaces(body: Iterable[ast.stmt]) -> bool:
    return all(_is_of_namespaces(statement) for statement in body)


def _is_of_namespaces(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            known = True
        case ast.Expr(value=ast.Call() as call):
            known = _names_call(call)
        case ast.Import(names=names):
            known = all(alias.name in _NAMESPACE_MODULES for alias in names)
        case ast.ImportFrom(module=module):
            known = module in _NAMESPACE_MODULES
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            known = name == "__path__" or (name.startswith("__") and isinstance(value, ast.Constant))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            parts = (body, orelse, finalbody, *(handler.body for handler in handlers))
            known = all(_only_of_namespaces(part) for part in parts)
        case _:
            known = False
    return known


def _names_call(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in _NAMESPACE_CALLS
    return False


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _is_usual(name: str) -> bool:
    return _is_name(name) and not name.startswith("_") and name not in _BESIDE_THE_PROVIDER


def _is_shadowed(name: str) -> bool:
    """Whether an import of it finds the standard library's module of that name first."""
    return name.partition(".")[0] in sys.stdlib_module_names


def _shadowed(names: tuple[str, ...]) -> PackageRefused:
    return PackageRefused(
        f"{_listed(names)} cannot be imported from the wheel, since Python's own module of that name comes first: "
        "rename the package"
    )


def _same_name(package: str, distribution: str) -> bool:
    return re.sub(r"[-_.]+", "-", package).lower() == re.sub(r"[-_.]+", "-", distribution).lower()


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _what_it_has(files: Iterable[str]) -> str:
    """What a wheel without packages has instead, and what to publish."""
    theirs = [file for file in files if not file.partition("/")[0].endswith(".dist-info")]
    right_one = "publish the wheel that has the provider's package"
    if not theirs:
        return f"only metadata and dependencies: {right_one}"
    if any(file.endswith(".pth") for file in theirs):
        return "only a .pth file, as an editable install has it: build a regular wheel"
    if any(file.endswith(".pyi") for file in theirs):
        return f"only type stubs: {right_one}"
    if all(re.match(r"[^/]+\.data/scripts/", file) for file in theirs):
        return f"only scripts: {right_one}"
    if any(_MODULE.fullmatch(file.rpartition("/")[2]) for file in theirs):
        return "only tests, documentation, private modules or folders that are no Python names: add a package"
    return f"only data files: {right_one}"
