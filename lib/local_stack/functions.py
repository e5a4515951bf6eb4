"""The functions of the system as processes of this machine."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from local_stack.forking import ForkServer
from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.supervisor import Child, Stage, accepts_connections


@dataclass(frozen=True)
class LocalFunction:
    """A function whose folder exists, and the port that is its for the stack's life."""

    name: str
    source: Path
    port: ReservedPort = field(default_factory=ReservedPort)

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return self.port.url

    def child(self, environment: Mapping[str, str], fork_server: ForkServer) -> Child:
        """Its process: gunicorn with one worker, as in the cloud, ready once it listens."""
        entry_point = self.name.replace("-", "_")
        return Child(
            name=self.name,
            command=("local_stack.serve_function", str(self.source), entry_point, str(self.port.number)),
            stage=Stage.FUNCTION,
            # The `aud` of its callers' tokens is its own URL, as in the cloud.
            environment={**environment, "HUB_CALLER_AUDIENCE": self.url},
            probe=functools.partial(accepts_connections, LOOPBACK, self.port.number),
            start=fork_server.fork,
        )


def local_functions(directory: Path | None = None) -> Sequence[LocalFunction]:
    """The declared functions that `directory`, by default the repository's, has a `<name>/main.py` for."""
    sources = {name: (directory or FUNCTIONS_DIR) / name / "main.py" for name in FUNCTIONS}
    return [LocalFunction(name, source) for name, source in sources.items() if source.is_file()]


def public_urls(functions: Sequence[LocalFunction]) -> Mapping[str, URL]:
    """Where the gateway finds each HTTP function; the others are reachable by their callers alone."""
    return {function.name: URL(function.url) for function in functions if FUNCTIONS[function.name].is_public}
