"""`hub up` with every function counted; takes the options that `Stack` gives."""

import argparse
from pathlib import Path

from local_stack.commands import routes_of_the_hub
from local_stack.function_list import FUNCTIONS
from local_stack.options import StackOptions
from local_stack.up import run_up

_MAIN = """from tests.bench.counting.function import counted

{name} = counted("{name}")
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--state-dir", type=Path)
    options = parser.parse_args()
    functions = options.state_dir / "functions"
    for name in FUNCTIONS:
        (functions / name).mkdir(parents=True)
        (functions / name / "main.py").write_text(_MAIN.format(name=name))
    # A sweep would be counted into whatever is under way.
    run_up(
        StackOptions(options.port, options.state_dir, sweep_seconds=86_400, functions_dir=functions), routes_of_the_hub
    )


if __name__ == "__main__":
    main()
