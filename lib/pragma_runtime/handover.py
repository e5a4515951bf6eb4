"""Takes the check-in token out of the environment before anything of the provider can look there.

Deleting the variable is not enough: `/proc/<pid>/environ` keeps showing a process, and its children, the
environment it was started with. So the runtime starts itself anew in place (same process id) without the
variable, and receives the token through a pipe that is read once and closed.

The token stays in this process's memory, and code that digs there finds it. It is worth little: with it
one can only say how this very installation and generation fares, which its provider may say anyway.

What this module imports is loaded twice, so it imports little: not the settings.
"""

import os
import sys
from typing import NoReturn

from pragma_runtime.errors import SettingsError

TOKEN_VARIABLE = "PRAGMA_CHECK_IN_TOKEN"  # noqa: S105 - the variable's name

_PIPE_VARIABLE = "PRAGMA_CHECK_IN_TOKEN_FD"
_LONGEST = 4096  # what POSIX says is written to a pipe in one piece


def take_token() -> str:
    """The token, gone from the environment; "" where there was none. May start this process anew."""
    if os.environ.get(TOKEN_VARIABLE):
        _start_anew()
    descriptor = os.environ.pop(_PIPE_VARIABLE, None)
    if descriptor is None:
        return ""
    try:
        with os.fdopen(int(descriptor), "rb") as pipe:
            return pipe.read().decode()
    except (OSError, ValueError):
        raise SettingsError(f"{_PIPE_VARIABLE} is the runtime's own and must not be set.") from None


def _start_anew() -> NoReturn:
    token = os.environ.pop(TOKEN_VARIABLE).encode()
    if len(token) > _LONGEST:
        raise SettingsError(f"{TOKEN_VARIABLE} has {len(token)} bytes; expected at most {_LONGEST}.")
    reading, writing = os.pipe()
    os.write(writing, token)
    os.close(writing)
    os.set_inheritable(reading, True)
    os.environ[_PIPE_VARIABLE] = str(reading)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line, no shell
