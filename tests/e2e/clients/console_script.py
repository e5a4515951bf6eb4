"""Runs the commands of a console script, each in a fork of one process: `python console_script.py NAME`.

The script is imported once, as it is: that takes over two seconds of CPU, and a test has dozens of commands. A command
(see `forks`) has its `arguments`.
"""

import importlib
import sys
from importlib.metadata import entry_points

import forks

SECONDS = 120
_USED_FIRST_BY_A_COMMAND = ("anyio", "httpcore", "encodings.idna", "pydantic.type_adapter", "rich._emoji_codes")


def main() -> None:
    (name,) = sys.argv[1:]
    (script,) = entry_points(group="console_scripts", name=name)
    program = script.load()
    for module in _USED_FIRST_BY_A_COMMAND:
        importlib.import_module(module)

    def run(command):
        sys.argv = [name, *command["arguments"]]
        return program()

    forks.serve(run, SECONDS)


if __name__ == "__main__":
    main()
