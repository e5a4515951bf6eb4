"""Runs the commands of a console script, each in a fork of one process: `python console_script.py NAME`.

The script is imported once, as it is: that takes over two seconds of CPU, and a test has dozens of commands.

Each line of standard input is one command, as JSON: its `arguments`, and the files `answer`, which is what a person
types, and `output`, which gets all that it prints. Each line of standard output is a command's exit status.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, NoReturn

SECONDS = 120
_USED_FIRST_BY_A_COMMAND = ("anyio", "httpcore")


def main() -> None:
    (name,) = sys.argv[1:]
    (script,) = entry_points(group="console_scripts", name=name)
    program = script.load()
    for module in _USED_FIRST_BY_A_COMMAND:
        importlib.import_module(module)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(program, name, json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(program: Callable[[], Any], name: str, command: Mapping[str, Any]) -> NoReturn:
    signal.alarm(SECONDS)
    answer, output = os.open(command["answer"], os.O_RDONLY), os.open(command["output"], os.O_WRONLY)
    for mine, standard in ((answer, 0), (output, 1), (output, 2)):
        os.dup2(mine, standard)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the other one has read ahead
    sys.argv = [name, *command["arguments"]]
    code: Any = 1
    try:
        code = program()
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


if __name__ == "__main__":
    main()
