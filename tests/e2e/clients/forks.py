"""Runs commands in forks of one process, which has imported a client once; for scripts in a client's own environment.

Each line of standard input is one command, as JSON. It names files: `answer` is what a person types, `output` gets what
it prints, and `errors`, or `output` too, what it prints as errors. Each line of standard output is an exit status.
"""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn


def serve(run: Callable[[Mapping[str, Any]], Any], seconds: int) -> None:
    """Calls `run` with each command, in a fork that has so many seconds. It ends as an interpreter ends a program."""
    # The collector would write to every object that it walks, and each fork would then copy the page.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.alarm(seconds)
            _become(run, json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(run: Callable[[Mapping[str, Any]], Any], command: Mapping[str, Any]) -> NoReturn:
    answer, output = os.open(command["answer"], os.O_RDONLY), os.open(command["output"], os.O_WRONLY)
    errors = os.open(command["errors"], os.O_WRONLY) if "errors" in command else output
    for mine, standard in ((answer, 0), (output, 1), (errors, 2)):
        os.dup2(mine, standard)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the other one has read ahead
    code: Any = 1
    try:
        code = run(command)
    except SystemExit as end:
        code = end.code
    except BaseException:  # as the interpreter does it
        sys.excepthook(*sys.exc_info())
    finally:
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
