"""Installs the wheel and its dependencies with pip into a directory of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pragma_runtime.errors import PermanentError, TemporaryError
from pragma_runtime.log import one_line
from pragma_runtime.settings import Settings
from pragma_runtime.wheel import Wheel

_MARKER = ".pragma-runtime"
_QUIET = ("--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--quiet", "--no-color")
# What pip logs when an index or a file host could not be reached; it then goes on as if the index were empty.
_NETWORK_TROUBLE = re.compile(
    r"connection broken by|connection error|Max retries exceeded|Read timed out|timed out\.|HTTP error 5\d\d|"
    r"\b5\d\d Server Error|\b429 Client Error|too many 5\d\d error responses|IncompleteRead|Connection reset|"
    r"ConnectionResetError|NewConnectionError|NameResolutionError",
    re.IGNORECASE,
)


def install(settings: Settings, path: Path, wheel: Wheel) -> Path:
    """The directory to import from. One that an earlier start finished for the same digest is taken as it is.

    Raises PermanentError with pip's own reason, or TemporaryError where an index was out of reach.
    """
    site = settings.work_dir / "site"
    if _marker(site) == _stamp(settings):
        return site
    unfinished = settings.work_dir / "site.unfinished"
    for leftover in (unfinished, site):
        shutil.rmtree(leftover, ignore_errors=True)
    _run_pip(settings.work_dir, path, unfinished, resolve=wheel.has_dependencies)
    (unfinished / _MARKER).write_text(_stamp(settings))
    # Only a whole install ever bears the name: a start that is killed before this line leaves nothing to reuse.
    return unfinished.rename(site)


def _run_pip(work_dir: Path, path: Path, target: Path, *, resolve: bool) -> None:
    log = work_dir / "pip.log"
    log.unlink(missing_ok=True)
    # `--no-compile`: importing compiles what is used, and a large dependency is mostly not.
    command = [sys.executable, "-I", "-m", "pip", "install", "--target", str(target), "--no-compile", *_QUIET]
    # Nothing to resolve, nothing to look up: saves pip half of its time, and the index being reachable.
    command += ["--log", str(log)] if resolve else ["--no-deps", "--no-index"]
    process = subprocess.run(  # noqa: S603 - no shell; `path` has a wheel's name and begins with the work directory
        [*command, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_environment(work_dir),
        cwd=work_dir,
        check=False,
    )
    if process.returncode == 0:
        return
    told = process.stdout + (log.read_text(errors="replace") if log.is_file() else "")
    reason = _telling_line(process.stdout, process.returncode)
    if _NETWORK_TROUBLE.search(told):
        raise TemporaryError(f"pip could not reach a package index: {reason}")
    raise PermanentError(f"pip could not install {path.name}: {reason}")


def _environment(work_dir: Path) -> dict[str, str]:
    # On the same file system as the target, so that pip's last step is a rename; elsewhere is read-only anyway.
    scratch = work_dir / "tmp"
    scratch.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(scratch)}


def _telling_line(output: str, returncode: int) -> str:
    """The last of pip's errors, which names the cause; earlier ones tell how it got there."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    told = errors or lines or [f"it ended with exit code {returncode} and no word"]
    return one_line(told[-1], 500)


def _stamp(settings: Settings) -> str:
    return f"{settings.wheel_sha256} {sys.implementation.cache_tag}\n"


def _marker(site: Path) -> str | None:
    try:
        return (site / _MARKER).read_text()
    except OSError:
        return None
