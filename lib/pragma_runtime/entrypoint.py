"""`python -m pragma_runtime.entrypoint [-- COMMAND ARGUMENT…]`: the process in a provider's pod.

With a COMMAND, a version's own entrypoint, the process becomes that command once the wheel is verified and installed.

Exit codes: 0 after SIGTERM; 1 the provider cannot be started (told to the control plane); 75 a network or
server was unavailable, a restart may succeed; 78 a setting is missing or malformed. The reason is the last
line on stderr, which is what the cluster keeps.
"""

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from pragma_runtime.errors import StartError
from pragma_runtime.handover import take_token
from pragma_runtime.log import say


def main() -> int:
    """Run the runtime to its end; returns the exit code of the process."""
    try:
        token = take_token()
    except StartError as failure:
        say(str(failure))
        return failure.exit_code
    # What an import makes stays: a collector that looks for garbage in it finds none, now and later.
    gc.disable()
    # Not before the token is taken, which may start this process anew and would load everything twice.
    from pragma_runtime.lifecycle import run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a provider's prints belong in the log when they happen
    return run(token, entrypoint_of(sys.argv[1:]))


def entrypoint_of(arguments: Sequence[str]) -> Sequence[str]:
    """The command behind `--`; () where there is none."""
    return arguments[1:] if arguments[:1] == ["--"] else ()


if __name__ == "__main__":
    code = main()
    if code:
        # A failed provider's threads and atexit handlers must neither keep the process nor write after the reason.
        os._exit(code)
    sys.exit(code)
