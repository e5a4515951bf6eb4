"""Imports the provider, apart from everything that is not its own, and finds its hooks."""

import importlib
import os
import site
import sys
from collections.abc import Iterator
from importlib.machinery import FileFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from pragma_runtime.errors import PermanentError
from pragma_runtime.hooks import EventLoop, Hook, plain
from pragma_runtime.log import one_line
from pragma_runtime.signals import Stopped

_LONGEST_REASON = 500


class Hooks(NamedTuple):
    """A provider's hooks, each a plain function; None where it has none."""

    start: Hook | None = None
    health: Hook | None = None
    active_resources: Hook | None = None
    stop: Hook | None = None


def isolate(directory: Path, scratch: Path) -> None:
    """From here on this process imports from the standard library and `directory`; so do its children first.

    The standard library keeps its place before `directory`, as it has it before any site-packages: a
    dependency that happens to be called `types` must not break everything else.
    """
    sys.path[:] = [entry for entry in sys.path if _is_standard_library(entry)]
    site.addsitedir(str(directory))
    os.environ["PYTHONPATH"] = str(directory)
    scratch.mkdir(exist_ok=True)
    os.environ.setdefault("TMPDIR", str(scratch))
    # multiprocessing's children import their parent's main module; they would not find ours.
    sys.modules["__main__"] = ModuleType("__main__")


def import_provider(name: str, directory: Path) -> ModuleType:
    """Raises PermanentError, with a one-line reason, where the import raises anything or is not the wheel's."""
    if not name:
        raise PermanentError(
            "The version names no package to import: it was published before the hub stored its package's name. "
            "Publish the wheel as a new version."
        )
    # `package_name` is often given as the distribution's name.
    name = name.replace("-", "_")
    if not all(part.isidentifier() for part in name.split(".")):
        raise PermanentError(f"The package name {name!r} cannot be imported; give `package_name` as `package.module`.")
    _forget_listings()
    try:
        module = importlib.import_module(name)
    except Stopped:
        raise
    except BaseException as error:
        _print(error)
        raise PermanentError(f"Importing {name} failed: {describe(error, directory)}") from None
    if not _is_below(module, directory):
        raise PermanentError(
            f"{name} is a module of Python itself, not of the wheel; rename the provider's package, "
            "or give the right `package_name`."
        )
    return module


def find_hooks(module: ModuleType, loop: EventLoop) -> Hooks:
    """Raises PermanentError where a hook's name is taken by something that cannot be called."""
    return Hooks(**{name: _hook(module, name, loop) for name in ("start", "health", "active_resources", "stop")})


def call_start(hooks: Hooks, directory: Path) -> None:
    """Raises PermanentError where start() raises anything."""
    if hooks.start is None:
        return
    try:
        hooks.start()
    except Stopped:
        raise
    except BaseException as error:
        _print(error)
        raise PermanentError(f"start() failed: {describe(error, directory)}") from None


def describe(error: BaseException, directory: Path) -> str:
    """`ImportError: No module named 'x' (weather/__init__.py:3)`: type, text, and the place in `directory`."""
    text = f"{type(error).__name__}: {_text(error)}".removesuffix(": ")
    place = _place(error, directory)
    return one_line(text, _LONGEST_REASON) + (f" ({place})" if place else "")


def _text(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg
    try:
        return str(error)
    except Exception as failure:
        return f"(its text cannot be had: {type(failure).__name__})"


def _print(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - only where something failed: every start would wait for its import

    traceback.print_exception(error)


def _place(error: BaseException, directory: Path) -> str:
    frames = list(_frames(error))
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    for filename, line in reversed(frames):
        if Path(filename).is_relative_to(directory):
            return f"{Path(filename).relative_to(directory)}:{line}"
    return ""


def _frames(error: BaseException) -> Iterator[tuple[str, int | None]]:
    """The files and lines that the error came through, the outermost first."""
    trace = error.__traceback__
    while trace:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _hook(module: ModuleType, name: str, loop: EventLoop) -> Hook | None:
    hook = getattr(module, name, None)
    # `weather/health.py` makes `health` a submodule: a common name, and no hook.
    if hook is None or isinstance(hook, ModuleType):
        return None
    if not callable(hook):
        raise PermanentError(
            f"{module.__name__}.{name} is {type(hook).__name__}; expected a function without arguments."
        )
    return plain(hook, loop)


def _forget_listings() -> None:
    """Has the import system look into each directory again.

    `importlib.invalidate_caches` does so too, and imports `importlib.metadata` to empty a cache there. Every start
    would wait for that.
    """
    for finder in sys.path_importer_cache.values():
        if isinstance(finder, FileFinder):
            finder.invalidate_caches()


def _is_standard_library(entry: str) -> bool:
    path = Path(entry)
    if {"site-packages", "dist-packages"} & set(path.parts):
        return False
    # As `sysconfig` would say it, which every start would load for this alone.
    library = Path(os.__file__).parent
    roots = {library, Path(sys.base_exec_prefix, sys.platlibdir, library.name)}
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    return path.name == archive or any(path.is_relative_to(root) for root in roots)


def _is_below(module: ModuleType, directory: Path) -> bool:
    places = [module.__file__] if getattr(module, "__file__", None) else list(getattr(module, "__path__", []))
    return any(place is not None and Path(place).is_relative_to(directory) for place in places)
