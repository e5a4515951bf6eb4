"""Hands the container over to the version's own entrypoint, once the wheel is verified and installed."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from pragma_runtime.errors import PermanentError
from pragma_runtime.handover import TOKEN_VARIABLE
from pragma_runtime.install import Installed


def execute(entrypoint: Sequence[str], installed: Installed, token: str) -> NoReturn:
    """Becomes `entrypoint`, under this process's id. Raises PermanentError where there is no such program.

    From there on the version checks in by itself, so it is given the token back.
    """
    environment = {**entrypoint_environment(os.environ, installed), TOKEN_VARIABLE: token}
    sys.stdout.flush()
    try:
        os.execvpe(entrypoint[0], [*entrypoint], environment)  # noqa: S606 - running this command is the purpose
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PermanentError(
            f"The version's entrypoint cannot be started: {entrypoint[0]!r}: {reason}. It is looked for in the image "
            f"and among the scripts of the wheel and its dependencies ({', '.join(_scripts(installed)) or 'none'})."
        ) from None


def entrypoint_environment(given: Mapping[str, str], installed: Installed) -> dict[str, str]:
    """`given`, in which Python finds the provider's packages and the shell its scripts.

    The image's own programs keep their place: `python` stays the one that also has `pragma_runtime`.
    """
    environment = installed.environment
    return {
        **given,
        "PATH": f"{given.get('PATH', os.defpath)}{os.pathsep}{environment.scripts}",
        "PYTHONPATH": str(environment.packages),
    }


def _scripts(installed: Installed) -> list[str]:
    """Those that are not part of every environment."""
    usual = ("python",)
    return sorted(
        path.name for path in Path(installed.environment.scripts).iterdir() if not path.name.startswith(usual)
    )[:20]
