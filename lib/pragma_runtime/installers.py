"""Has an installer install the wheel and its dependencies: uv, or pip.

With a lock the installer gets the files that were fetched, and the digest of each. The image's uv does it, in a
fraction of the time that pip takes to start; where there is no uv, or it fails, pip does it. What was published before
there were locks is resolved by pip, against the index that the machine's settings name.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pragma_runtime.children import run_to_end
from pragma_runtime.environment import (
    PIP_LOG,
    PIP_OUTPUT,
    REQUIREMENTS,
    SCRATCH,
    UV_OUTPUT,
    ProviderEnvironment,
)
from pragma_runtime.errors import PermanentError, SettingsError, TemporaryError
from pragma_runtime.lock import Lock
from pragma_runtime.log import say
from pragma_runtime.pip_output import cause, is_network_trouble
from pragma_runtime.pip_settings import pip_environment
from pragma_runtime.settings import Settings

_QUIET = ("--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--quiet", "--no-color")
# Its own settings and environments count for nothing, and what it reads is on the disk already.
_UV_ALONE = ("--no-config", "--offline", "--no-cache", "--no-python-downloads", "--quiet", "--color", "never")


def run_installer(
    settings: Settings, path: Path, environment: ProviderEnvironment, seconds: float, *, resolve: bool
) -> None:
    """Installs the wheel at `path`, and those of the lock, which lie beside it, into the empty `environment`.

    Without a lock, `resolve` asks an index for what the wheel depends on. Raises PermanentError with the cause that pip
    names, or TemporaryError where an index was out of reach or slow.
    """
    if settings.lock is None:
        _run_pip(settings.work_dir, path, environment, seconds, resolve=resolve)
    else:
        _install_locked(settings, settings.lock, path, environment, seconds)


def _run_pip(work_dir: Path, path: Path, environment: ProviderEnvironment, seconds: float, *, resolve: bool) -> None:
    variables = pip_environment(os.environ, Path(sys.prefix))
    if not resolve:
        # Nothing to look up: the index need not be reachable.
        _install_files(work_dir, path, environment, seconds, ["--no-deps", "--no-index", str(path)], variables)
        return
    log = work_dir / PIP_LOG
    log.unlink(missing_ok=True)
    _pip_install(work_dir, path, environment, seconds, ["--log", str(log), str(path)], variables)
    log.unlink(missing_ok=True)


def _install_locked(
    settings: Settings, lock: Lock, path: Path, environment: ProviderEnvironment, seconds: float
) -> None:
    """Installs the wheel and those of the lock, all by their digests, with none of the machine's settings for pip."""
    requirements = settings.work_dir / REQUIREMENTS
    own = "-".join(path.name.split("-")[:2]).replace("-", "==", 1)
    wanted = [(own, settings.wheel_sha256), *((f"{one.name}=={one.version}", one.sha256) for one in lock.wheels)]
    requirements.write_text("".join(f"{what} --hash=sha256:{digest}\n" for what, digest in wanted))
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    options = ["--no-deps", "--no-index", "--require-hashes", "--only-binary", ":all:"]
    options += ["--find-links", str(path.parent), "--requirement", str(requirements)]
    variables["PIP_CONFIG_FILE"] = os.devnull
    _install_files(settings.work_dir, path, environment, seconds, options, variables)
    requirements.unlink()


def _install_files(
    work_dir: Path,
    path: Path,
    environment: ProviderEnvironment,
    seconds: float,
    options: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    """Installs files that are there, with options that uv and pip have both. A failure is told in pip's words."""
    if _uv_install(work_dir, environment, seconds, options):
        return
    _pip_install(work_dir, path, environment, seconds, options, variables)


def _uv_install(work_dir: Path, environment: ProviderEnvironment, seconds: float, options: Sequence[str]) -> bool:
    """Whether uv did it; if not, the environment is empty again."""
    uv = shutil.which("uv")
    if uv is None:
        return False
    output, scratch = work_dir / UV_OUTPUT, work_dir / SCRATCH
    scratch.mkdir(exist_ok=True)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    command = [uv, "pip", "install", "--python", str(environment.python), *_UV_ALONE, *options]
    code: int | str
    try:
        code = run_to_end(
            command,
            # On the same file system as the target: what is unpacked there becomes the target by a hard link.
            # uv would note when it was given the wheel: two installs of one lock are to be the same, byte for byte.
            environment={**variables, "TMPDIR": str(scratch), "UV_NO_INSTALLER_METADATA": "1"},
            directory=work_dir,
            output=output,
            seconds=seconds,
        )
    except (TimeoutError, OSError) as error:
        code = repr(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if code:
        say(f"uv did not install the wheels, so pip does: {_read(output)} ({code})")
        environment.create_anew()
    output.unlink(missing_ok=True)
    return not code


def _pip_install(
    work_dir: Path,
    path: Path,
    environment: ProviderEnvironment,
    seconds: float,
    options: Sequence[str],
    variables: Mapping[str, str],
) -> None:
    output, log, scratch = work_dir / PIP_OUTPUT, work_dir / PIP_LOG, work_dir / SCRATCH
    scratch.mkdir(exist_ok=True)
    # `--no-compile`: importing compiles what is used, and a large dependency is mostly not. `--no-cache-dir`: the cache
    # would be on the provider's own disk, for an install that happens once.
    command = [str(environment.python), "-I", _pip(), "install", "--no-user", "--no-compile", "--no-cache-dir", *_QUIET]
    # On the same file system as the target, so that pip's last step is a rename; elsewhere is read-only anyway.
    variables = {**variables, "TMPDIR": str(scratch)}
    try:
        code = run_to_end(
            [*command, *options], environment=variables, directory=work_dir, output=output, seconds=seconds
        )
    except TimeoutError:
        raise TemporaryError(
            f"pip has not installed {path.name} and its dependencies within {seconds:.0f} s; "
            "the package index or this machine is slow."
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if code:
        _raise_failure(path.name, output.read_text(errors="replace"), _read(log), code)
    output.unlink()


def _raise_failure(name: str, output: str, log: str, code: int) -> None:
    reason = cause(output, log, code, sys.version.split()[0])
    if is_network_trouble(output, log):
        raise TemporaryError(f"pip could not reach a package index: {reason}")
    raise PermanentError(f"pip could not install {name}: {reason}")


def _pip() -> str:
    """The script by which pip runs under another interpreter than its own.

    `pip --python` starts the same script, after an interpreter has started for it to say so.
    """
    found = importlib.util.find_spec("pip")
    if not found or not found.submodule_search_locations:
        raise SettingsError(f"The runtime's interpreter, {sys.executable}, has no pip to install the provider with.")
    return str(Path(found.submodule_search_locations[0], "__pip-runner__.py"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
