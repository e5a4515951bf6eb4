"""The last lines of a pod that failed: what a person would look up first, kept with the failure itself."""

import logging

from provider_hub.actions.cluster import Clusters, LogRequest, PodLogs
from provider_hub.actions.read_logs import redacted
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import namespace_for
from provider_hub.domain.pod_output import LogLine, parse_output

log = logging.getLogger(__name__)

LINES = 20
# All of them together: they are stored in the row, in its timeline too.
LENGTH = 2000


def last_lines(clusters: Clusters[PodLogs], row: Installation) -> tuple[str, ...]:
    """What the newest pod of the row's generation printed last, masked; nothing where that cannot be told.

    Never raises for the cluster: the failure itself is the news, and waits for nothing.
    """
    try:
        return _read(clusters.of(row), row)
    except (TemporaryError, PermanentError) as error:
        log.info("%s: the last lines of its pod cannot be read: %s", row.installation_id, error)
        return ()


def _read(cluster: PodLogs, row: Installation) -> tuple[str, ...]:
    namespace = namespace_for(row.organization_slug)
    pods = [pod for pod in cluster.pods(namespace, row.installation_id) if pod.generation == row.generation]
    if not pods:
        return ()
    # The present run first: when the pod restarts meanwhile, the run that failed is the previous one by then. The list
    # of pods cannot tell, since a restart may come after it.
    present, previous = (
        _printed(cluster, namespace, LogRequest(pods[-1].name, previous=is_previous, tail=LINES))
        for is_previous in (False, True)
    )
    # By their time: after two restarts between both reads, what was the present run is the one before the previous.
    lines = sorted([*previous, *(line for line in present if line not in previous)], key=lambda line: line.at)
    texts = [_printable(line.text) for line in redacted(row, lines) if line.text.strip()]
    return _bounded(texts[-LINES:])


def _printed(cluster: PodLogs, namespace: str, request: LogRequest) -> list[LogLine]:
    """The lines of one run; none where there is no such run."""
    (output,) = cluster.read_logs(namespace, [request])
    return list(parse_output(output.content, request.pod, has_ended=True))


def _printable(text: str) -> str:
    """The text without characters that a terminal obeys: clients print failures as they are."""
    return "".join(character if character.isprintable() else " " for character in text).rstrip()


def _bounded(texts: list[str]) -> tuple[str, ...]:
    """The last lines that fit; if the last one alone is too long, its beginning."""
    kept: list[str] = []
    left = LENGTH
    for text in reversed(texts):
        if len(text) >= left:
            if not kept:
                kept.append(f"{text[: LENGTH - 1]}…")
            break
        kept.append(text)
        left -= len(text) + 1
    return tuple(reversed(kept))
