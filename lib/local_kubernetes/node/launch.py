"""Becomes a container's process: `launch.py NODE_PID EXECUTABLE ARGV…`, run as a bare script.

Asks the kernel to kill this process when the node dies, however it dies, and then executes the command. A
script of its own because code between fork and exec (`preexec_fn`) is unsafe in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_EXECUTE = 126


def _environment() -> dict[bytes, bytes]:
    # Not os.environ: Python may have added LC_CTYPE to it (PEP 538). The kernel's copy is as it was given.
    with open("/proc/self/environ", "rb") as kernel_copy:  # noqa: PTH123 - pathlib would double the start-up time
        entries = (entry.partition(b"=") for entry in kernel_copy.read().split(b"\0") if entry)
    return {name: value for name, _, value in entries}


def main() -> None:
    node, executable, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != node:
        # The node died before the kernel was asked: no signal will come any more.
        os._exit(_CANNOT_EXECUTE)
    try:
        os.execve(executable, argv, _environment())  # noqa: S606 - running this command is the purpose
    except OSError as error:
        sys.exit(f"{executable} cannot be executed: {error.strerror}")


if __name__ == "__main__":
    main()
