"""Takes the check-in token out of the environment before anything of the provider can look there.

Deleting the variable is not enough: `/proc/<pid>/environ` keeps showing a process, and its children, the
environment it was started with. That file is a window on the process's own memory, so the runtime overwrites the token
there. Where a sandbox does not let it, the runtime starts itself anew in place (same process id) without the variable,
and receives the token through a pipe that is read once and closed.

The token stays in this process's memory, and code that digs there finds it. It is worth little: with it
one can only say how this very installation and generation fares, which its provider may say anyway.

What this module imports may be loaded twice, so it imports little: not the settings.
"""

import os
import sys
from typing import NoReturn

from pragma_runtime.errors import SettingsError

TOKEN_VARIABLE = "PRAGMA_CHECK_IN_TOKEN"  # noqa: S105 - the variable's name

_PIPE_VARIABLE = "PRAGMA_CHECK_IN_TOKEN_FD"
_LONGEST = 4096  # what POSIX says is written to a pipe in one piece
_SHOWN, _MEMORY, _STATUS = "/proc/self/environ", "/proc/self/mem", "/proc/self/stat"
_ENV_START = 47  # in proc(5) the field 50, counted here from the one behind the program's name


def take_token() -> str:
    """The token, gone from the environment; "" where there was none. May start this process anew."""
    if token := os.environ.pop(TOKEN_VARIABLE, ""):
        if len(os.fsencode(token)) > _LONGEST:
            raise SettingsError(f"{TOKEN_VARIABLE} has {len(token)} characters; expected at most {_LONGEST} bytes.")
        if not _is_overwritten():
            _start_anew(token)
        return token
    descriptor = os.environ.pop(_PIPE_VARIABLE, None)
    if descriptor is None:
        return ""
    try:
        with os.fdopen(int(descriptor), "rb") as pipe:
            return pipe.read().decode()
    except (OSError, ValueError):
        raise SettingsError(f"{_PIPE_VARIABLE} is the runtime's own and must not be set.") from None


def _is_overwritten() -> bool:
    """Overwrites the variable where the kernel shows it; False unless it is seen to be gone afterwards."""
    name = f"{TOKEN_VARIABLE}=".encode()
    try:
        start = int(_read(_STATUS).rpartition(b")")[2].split()[_ENV_START])
        at = 0
        with open(_MEMORY, "r+b", buffering=0) as memory:  # noqa: PTH123 - as in `_read`
            for variable in _read(_SHOWN).split(b"\0"):
                if variable.startswith(name):
                    memory.seek(start + at)
                    memory.write(bytes(len(variable)))
                at += len(variable) + 1
        return name not in _read(_SHOWN)
    except (OSError, ValueError, IndexError):
        return False


def _read(path: str) -> bytes:
    # Not by pathlib, whose import would come before it is known whether this process starts anew.
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()


def _start_anew(token: str) -> NoReturn:
    reading, writing = os.pipe()
    os.write(writing, os.fsencode(token))
    os.close(writing)
    os.set_inheritable(reading, True)
    os.environ[_PIPE_VARIABLE] = str(reading)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line, no shell
