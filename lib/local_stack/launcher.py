"""Run as a script: turns into the command it is given, and dies with the process that started it.

`launcher.py PARENT_PID COMMAND…`. It exists so that a `kill -9` of the parent, which runs no clean-up,
leaves nothing behind. Doing this in a `preexec_fn` instead would run Python between fork and exec, which
can deadlock in a parent that has threads. It imports nothing of this package, to start in milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to SIGKILL this process once `parent`, which must be its parent, is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have died between the fork and the call above: then no signal will ever come.
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Replace this process with the command in `sys.argv`."""
    parent, *command = sys.argv[1:]
    die_with_parent(int(parent))
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
