"""Reads a wheel: what it depends on, and which package in it is the provider."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from pragma_runtime.errors import PermanentError

_LARGEST_METADATA = 8 * 1024 * 1024
_PROVIDER_GROUP = re.compile(r"^\s*\[\s*pragma\.provider\s*\]\s*$", re.MULTILINE)
_DEEPEST = 30  # directories; no package is nested like this, but a hostile archive may be
_NOT_THE_PROVIDER = frozenset({"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmarks"})
_DATA_SCHEMES = frozenset({"purelib", "platlib"})
_ONLY_WITH_AN_EXTRA = re.compile(r"""[^;]*;(?!.*\bor\b).*\bextra\s*==\s*['"].*""")


@dataclass(frozen=True)
class Wheel:
    """What a wheel says of itself."""

    distribution: str
    requirements: tuple[str, ...]  # `Requires-Dist`, as written
    top_level: tuple[str, ...]  # setuptools' `top_level.txt`; () where there is none
    modules: tuple[PurePosixPath, ...]  # Python files and extension modules, relative to site-packages
    declares_provider: bool = False  # it has an entry point of the group `pragma.provider`

    @property
    def has_dependencies(self) -> bool:
        """Whether an install without extras brings other distributions, depending on nothing but the platform."""
        return not all(_ONLY_WITH_AN_EXTRA.fullmatch(requirement) for requirement in self.requirements)


def read_wheel(path: Path) -> Wheel:
    """Raises PermanentError where `path` is no zip archive or has no usable metadata."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError) as error:
        raise PermanentError(f"{path.name} is not a readable wheel: {error}.") from None


def find_package(wheel: Wheel) -> str:
    """The dotted name of the one importable package, or module, that is the provider.

    Namespace packages are descended to the first package with code in it. Of several candidates the one
    that is named as the distribution wins; raises PermanentError with all of them where none is.
    """
    candidates = sorted(_candidates(wheel))
    if len(candidates) == 1:
        return candidates[0]
    named_alike = [name for name in candidates if _normalised(name) == _normalised(wheel.distribution)]
    if len(named_alike) == 1:
        return named_alike[0]
    if not candidates:
        raise PermanentError(
            f"The wheel of {wheel.distribution} has no package to import; publish one that has, or give `package_name`."
        )
    raise PermanentError(
        f"The wheel of {wheel.distribution} has several packages: {', '.join(candidates)}. "
        "Publish the version with `package_name` to say which one is the provider."
    )


def _read(archive: zipfile.ZipFile) -> Wheel:
    names = archive.namelist()
    info = _dist_info(names)
    metadata = HeaderParser().parsestr(_text(archive, f"{info}/METADATA"))
    distribution = str(metadata.get("Name", "")).strip()
    if not distribution:
        raise PermanentError(f"The wheel's {info}/METADATA gives no Name.")
    top_level = f"{info}/top_level.txt"
    return Wheel(
        distribution=distribution,
        requirements=tuple(str(value) for value in metadata.get_all("Requires-Dist", [])),
        top_level=tuple(_text(archive, top_level).split()) if top_level in names else (),
        modules=tuple(_modules(names)),
        declares_provider=_declares_provider(archive, names, f"{info}/entry_points.txt"),
    )


def _declares_provider(archive: zipfile.ZipFile, names: Iterable[str], entry_points: str) -> bool:
    return entry_points in names and _PROVIDER_GROUP.search(_text(archive, entry_points)) is not None


def _dist_info(names: Iterable[str]) -> str:
    found = {name.split("/")[0] for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)}
    if len(found) != 1:
        raise PermanentError(f"The wheel has {len(found)} `*.dist-info/METADATA` files; a wheel has one.")
    return found.pop()


def _text(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        content = file.read(_LARGEST_METADATA + 1)
    if len(content) > _LARGEST_METADATA:
        raise PermanentError(f"The wheel's {name} is larger than {_LARGEST_METADATA // 1024**2} MiB.")
    return content.decode()


def _modules(names: Iterable[str]) -> Iterable[PurePosixPath]:
    for name in names:
        path = PurePosixPath(name)
        if path.parts[0].endswith(".data") and len(path.parts) > 2 and path.parts[1] in _DATA_SCHEMES:
            path = PurePosixPath(*path.parts[2:])
        if len(path.parts) > _DEEPEST or path.parts[0].endswith((".data", ".dist-info")):
            continue
        if path.suffix in {".py", ".so"}:
            yield path


def _candidates(wheel: Wheel) -> set[str]:
    tops = wheel.top_level or sorted({_module_name(path.parts[0]) for path in wheel.modules})
    return {name for top in tops if _may_be_provider(top) for name in _real_packages((top,), wheel.modules)}


def _real_packages(name: tuple[str, ...], modules: Sequence[PurePosixPath]) -> set[str]:
    """`name` where it holds code itself, else the packages with code below it."""
    depth = len(name)
    if any(len(path.parts) == depth and (*path.parts[:-1], _module_name(path.name)) == name for path in modules):
        return {".".join(name)}
    below = [path for path in modules if len(path.parts) > depth and path.parts[:depth] == name]
    if any(len(path.parts) == depth + 1 for path in below):
        return {".".join(name)}
    children = {path.parts[depth] for path in below}
    return {found for child in children if _may_be_provider(child) for found in _real_packages((*name, child), modules)}


def _module_name(file_or_directory: str) -> str:
    return file_or_directory.split(".", maxsplit=1)[0]


def _may_be_provider(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_") and name not in _NOT_THE_PROVIDER


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
