"""Installs the wheel and its dependencies into an environment of their own.

With a lock nothing is resolved and no index is asked: the files were fetched, each by its digest. Plain wheels are
unpacked right here (`plain_wheels`); everything else is for an installer (`installers`).
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

from pragma_runtime.download import partial_wheels
from pragma_runtime.environment import INSTALLERS_FILES, SCRATCH, ProviderEnvironment
from pragma_runtime.errors import PermanentError
from pragma_runtime.log import say
from pragma_runtime.plain_wheels import only_to_unpack, unpack
from pragma_runtime.settings import Settings
from pragma_runtime.unpacked import check_truth
from pragma_runtime.wheel import Wheel

_RECORD = "provider.json"  # in the environment's prefix, written last
_WORKER = Path("pragma_sdk", "worker", "__main__.py")


class Installed(NamedTuple):
    """A provider that can be imported."""

    environment: ProviderEnvironment
    distribution: str  # the name in the wheel's metadata
    declares_provider: bool  # it has an entry point of the group `pragma.provider`

    @property
    def is_served(self) -> bool:
        """Whether the provider is written for a host: it declares itself to the SDK, whose worker is installed."""
        return self.declares_provider and (self.environment.packages / _WORKER).is_file()


def find_installed(settings: Settings) -> Installed | None:
    """What an earlier start of the same container finished for the same wheel and interpreter; None without one."""
    environment = _environment_of(settings)
    try:
        record = json.loads((environment.prefix / _RECORD).read_text())
    except (OSError, ValueError):
        return None
    if record.pop("stamp", None) != _stamp(settings):
        return None
    return Installed(environment, **record)


def forget_unfinished(settings: Settings) -> None:
    """Removes what an earlier start left on the disk, except for the whole wheels, which are fetched already.

    The rest would count against the tier's disk, and the version would be refused for good as too large for it.
    """
    for folder in (_environment_of(settings).prefix, settings.work_dir / SCRATCH):
        shutil.rmtree(folder, ignore_errors=True)
    of_installers = (settings.work_dir / name for name in INSTALLERS_FILES)
    for file in (*of_installers, *partial_wheels(settings)):
        file.unlink(missing_ok=True)


def install(settings: Settings, path: Path, wheel: Wheel, seconds: float) -> Installed:
    """Installs `wheel` from `path` within `seconds`, and then removes the folder that it is in: the disk is small.

    The wheels of the lock, if there is one, lie in the same folder, each with its digest verified. Raises
    PermanentError with the cause that pip names, or TemporaryError where an index was out of reach or slow.
    """
    environment = _environment_of(settings)
    environment.create_anew()
    locked = () if settings.lock is None else settings.lock.wheels
    is_whole = settings.lock is not None or not wheel.has_dependencies
    paths = [path, *(path.parent / one.file_name for one in locked)]
    if not (is_whole and _unpack(paths, environment)):
        _check_truth(paths, environment)
        # Imported where an installer is needed: most starts need none, and would wait for this.
        from pragma_runtime.installers import run_installer  # noqa: PLC0415

        run_installer(settings, path, environment, seconds, resolve=wheel.has_dependencies)
    facts: dict[str, Any] = {
        "distribution": wheel.distribution,
        "declares_provider": wheel.declares_provider,
    }
    # Only a whole install has a record: a start that is killed before this line leaves nothing to reuse.
    (environment.prefix / _RECORD).write_text(json.dumps({"stamp": _stamp(settings), **facts}))
    shutil.rmtree(path.parent, ignore_errors=True)
    return Installed(environment, **facts)


def _environment_of(settings: Settings) -> ProviderEnvironment:
    return ProviderEnvironment(settings.work_dir / "site")


def _check_truth(paths: Sequence[Path], environment: ProviderEnvironment) -> None:
    """Nobody but the runtime itself counts while it unpacks. Raises PermanentError, and leaves no file then."""
    try:
        check_truth(paths)
    except PermanentError:
        shutil.rmtree(environment.prefix, ignore_errors=True)
        raise


def _unpack(paths: Sequence[Path], environment: ProviderEnvironment) -> bool:
    """Whether the wheels are installed by unpacking them; if not, the environment is empty again."""
    wheels = only_to_unpack(paths)
    if not wheels:
        return False
    try:
        unpack(wheels, environment)
    except (PermanentError, OSError, BadZipFile) as error:
        say(f"The wheels are not unpacked, so an installer is asked: {error}")
        environment.create_anew()
        return False
    return True


def _stamp(settings: Settings) -> str:
    locked = f" {settings.lock.sha256}" if settings.lock else ""
    return f"{settings.wheel_sha256} {sys.implementation.cache_tag}{locked}"
