"""The logs of pods that are gone: kept for a while, as a cluster's logging agent would have sent them away."""

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_kubernetes.node.logs import WrittenLine, written_lines
from local_kubernetes.node.objects import Json, labels_of, uid_of
from local_kubernetes.node.volumes import PodDirectories

MOST_PODS = 100
_ABOUT = "pod.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EndedPod:
    """A pod that is gone, and where its containers' logs are."""

    namespace: str
    name: str
    labels: dict[str, str]
    directory: Path

    def lines(self, container: str) -> list[WrittenLine]:
        """What the container printed in the runs that were kept, by time."""
        found: list[WrittenLine] = []
        for path in (self.directory / container).glob("*.*"):
            found += written_lines(path.read_bytes())
        return sorted(found, key=lambda line: line.at)


def ended_directory(state_dir: Path) -> Path:
    """Where a node with that state keeps them."""
    return state_dir / "ended"


def keep_logs(ended: Path, pod: Json, directories: PodDirectories) -> None:
    """Move the logs of a pod that is gone to `ended`, and forget the oldest pods there.

    A pod that never printed is not kept. A full disk costs the logs and nothing else.
    """
    logs = directories.root / "logs"
    if not logs.is_dir():
        return
    about = {key: pod["metadata"].get(key, "") for key in ("namespace", "name")} | {"labels": labels_of(pod)}
    target = ended / uid_of(pod)
    try:
        ended.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.move(logs, target)
        (target / _ABOUT).write_text(json.dumps(about))
        kept = sorted(ended.iterdir(), key=lambda path: path.stat().st_mtime)
    except OSError as error:
        log.warning("the logs of %s/%s are not kept: %s", about["namespace"], about["name"], error)
        return
    for oldest in kept[:-MOST_PODS]:
        shutil.rmtree(oldest, ignore_errors=True)


def ended_pods(ended: Path) -> Iterator[EndedPod]:
    """Those that are kept, in no particular order."""
    for path in ended.glob(f"*/{_ABOUT}"):
        try:
            about = json.loads(path.read_text())
        except (OSError, ValueError):
            continue  # It is being moved here, or away, right now.
        yield EndedPod(about["namespace"], about["name"], about["labels"], path.parent)
