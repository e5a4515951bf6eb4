"""`stack.json`: what a running stack on this machine says about itself."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from hub_cli.errors import NoStack
from provider_hub.domain.names import namespace_for, prefixed_namespace

DEFAULT_STATE_DIR = Path(".hub")
_STATE_DIR = "HUB_STATE_DIR"
STATE_DIR_DEFAULT = f"{_STATE_DIR}, or else {DEFAULT_STATE_DIR}"


def default_state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """The state folder of a command without `--state-dir`, as `STATE_DIR_DEFAULT` tells it to people."""
    return Path(environment.get(_STATE_DIR) or DEFAULT_STATE_DIR)


@dataclass(frozen=True)
class StackInfo:
    """Where everything of a running stack is. Paths are absolute; of the URLs only the console's ends in a slash.

    `cells` has the kubeconfigs of the cells beside the default one, whose kubeconfig is `kubeconfig`.
    """

    api_url: str
    wheels_url: str
    ca_file: str
    firestore_emulator_host: str
    pubsub_emulator_host: str
    kubeconfig: str
    project: str
    tasks_endpoint: str
    issuer_url: str
    logs_dir: str
    state_dir: str
    pid: int
    namespace_prefix: str = ""
    console_url: str = ""
    api_https_url: str = ""
    cells: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, state_dir: Path) -> Self:
        """The stack that runs in `state_dir`. Raises NoStack when none does, or it does not serve yet."""
        try:
            info = cls(**json.loads(stack_file(state_dir).read_text(encoding="utf-8")))
            # A killed stack leaves its file behind, and its tokens and URLs are worth nothing. Below 1 stand groups
            # of processes, one of which always lives.
            if info.pid < 1:
                raise ProcessLookupError
            os.kill(info.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            raise NoStack(
                f"no stack serves in {state_dir}: start one with `make up`, or name its folder with --state-dir "
                f"or {_STATE_DIR}."
            ) from None
        return info

    def namespace(self, slug: str) -> str:
        """The name that an organization's namespace has in the stack's cluster."""
        return prefixed_namespace(self.namespace_prefix, namespace_for(slug))

    def write(self) -> None:
        """Put it where `read` finds it, whole or not at all."""
        target = stack_file(Path(self.state_dir))
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n")
        partial.replace(target)


def stack_file(state_dir: Path) -> Path:
    """The path of a state folder's `stack.json`."""
    return state_dir / "stack.json"
