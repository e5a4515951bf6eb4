"""Becomes the command that it is given, and dies with the process that started it.

`launcher.py PARENT_PID EXECUTABLE ARGV…`, run as a bare script (`python -I -S`). An executable without a slash is
looked up in the PATH of its own environment. The launcher exists so that a `kill -9` of the parent, which runs no
clean-up, leaves no process behind. A `preexec_fn` would run Python between fork and exec instead, which can deadlock in
a parent that has threads. It imports nothing of this package, to start in milliseconds.
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


def _environment() -> dict[bytes, bytes]:
    # Not os.environ: Python may have added LC_CTYPE to it (PEP 538). The kernel's copy is as it was given.
    with open("/proc/self/environ", "rb") as kernel_copy:  # noqa: PTH123 - pathlib would double the start-up time
        entries = (entry.partition(b"=") for entry in kernel_copy.read().split(b"\0") if entry)
    return {name: value for name, _, value in entries}


def main() -> None:
    """Replace this process with the command in `sys.argv`."""
    parent, executable, *argv = sys.argv[1:]
    die_with_parent(int(parent))
    try:
        os.execvpe(executable, argv, _environment())  # noqa: S606 - running this command is the purpose
    except OSError as error:
        sys.exit(f"cannot run {executable}: {error.strerror}")


if __name__ == "__main__":
    main()
