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
_ANOTHER = f"start one with `make up`, or name its folder with --state-dir or {_STATE_DIR}."
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
        """The stack that runs in `state_dir`.

        Raises NoStack when none does, it does not serve yet, or it is another user's or another release's.
        """
        file = stack_file(state_dir)
        try:
            info = cls(**json.loads(file.read_text(encoding="utf-8")))
            lives = _lives(info.pid)
        except FileNotFoundError:
            lives = False
        except PermissionError:
            raise NoStack(f"the stack in {state_dir} is another user's: {_ANOTHER}") from None
        except OSError as error:
            raise NoStack(f"cannot read {file}: {error.strerror}.") from error
        except (ValueError, TypeError, OverflowError) as error:
            what = "stop the stack of the other release that wrote it"
            raise NoStack(f"{file} is not as this release writes it: {what}, then {_ANOTHER}") from error
        if not lives:
            raise NoStack(f"no stack serves in {state_dir}: {_ANOTHER}")
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


def _lives(pid: int) -> bool:
    """A killed stack leaves its file behind, and its tokens and URLs are worth nothing.

    Raises PermissionError for another user's process, TypeError or OverflowError for what is no id of a process.
    """
    # Below 1 stand groups of processes, one of which always lives.
    if pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stack_file(state_dir: Path) -> Path:
    """The path of a state folder's `stack.json`."""
    return state_dir / "stack.json"
