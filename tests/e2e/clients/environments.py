"""Environments of published clients, which are of Python 3.13."""

import os
from functools import cache
from pathlib import Path

from local_stack.interpreters import find_interpreters
from tests import locked_environments

LOCKS = Path(__file__).parent / "locks"


class NoPython(Exception):
    """This machine has no interpreter that the clients run on."""


def environment_of(client: str) -> Path:
    """The folder of an environment with `client` in it. Raises NoPython, or CalledProcessError when pip fails."""
    return locked_environments.environment_of(LOCKS / f"{client}.txt", python_3_13())


@cache
def python_3_13() -> Path:
    """Raises NoPython."""
    for interpreter in find_interpreters(os.environ):
        if interpreter.release[:2] == (3, 13):
            return interpreter.executable
    raise NoPython("the published clients need Python 3.13 with pip; the PATH and pyenv's and uv's folders have none")
