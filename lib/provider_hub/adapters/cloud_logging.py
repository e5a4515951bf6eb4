"""Cloud Logging: where GKE keeps what pods printed, for as long as the log bucket's retention lasts.

One `entries:list` a read, and never a live tail: a project has ten of those. The project may be asked some sixty times
a minute, which is why `actions.read_logs` gives each organization a share.
"""

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from provider_hub.actions.read_logs import ArchiveQuery
from provider_hub.adapters.connections import callers_at_once
from provider_hub.adapters.kubernetes.credentials import Credentials, IamToken
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.manifests import CONTAINER, INSTALLATION_ID
from provider_hub.domain.names import prefixed_namespace
from provider_hub.domain.observed import mapping, mappings, moment, text
from provider_hub.domain.pod_output import LogLine
from provider_hub.settings.logs import Logs

_SECONDS = 10.0
_MOST_BYTES = 8 * 1024 * 1024
_TEMPORARY_STATUS = frozenset({401, 408, 429, 500, 502, 503, 504})


class CloudLogging:
    """The entries of one log view, of the pods of this hub; the port is `actions.read_logs.LogArchive`."""

    def __init__(self, settings: Logs, namespace_prefix: str, credentials: Credentials | None) -> None:
        """`credentials` None sends none: the endpoint of one machine knows its caller by its path."""
        self._url = f"{settings.logs_endpoint}/v2/entries:list"
        self._view = settings.logs_view
        self._namespace_prefix = namespace_prefix
        self._credentials = credentials
        self._pool = urllib3.PoolManager(maxsize=callers_at_once(), timeout=_SECONDS, retries=False)

    def read(self, query: ArchiveQuery) -> list[LogLine]:
        """The entries by time. Raises TemporaryError or PermanentError, without what the endpoint says."""
        namespace = prefixed_namespace(self._namespace_prefix, query.namespace)
        body = {
            "resourceNames": [self._view],
            "filter": log_filter(query, namespace),
            "orderBy": f"timestamp {'desc' if query.newest else 'asc'}",
            "pageSize": query.limit,
        }
        entries = [line for entry in mappings(self._listed(body).get("entries")) if (line := _line(entry))]
        return sorted(entries, key=lambda line: line.at)

    def _listed(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._credentials and (authorization := self._credentials.header()):
            headers["Authorization"] = authorization
        try:
            response = self._pool.request(
                "POST", self._url, body=json.dumps(body), headers=headers, preload_content=False
            )
            with response:
                content = response.read(_MOST_BYTES + 1)
        except urllib3.exceptions.HTTPError as error:
            raise TemporaryError(f"Cloud Logging does not answer: {type(error).__name__}") from error
        if response.status != 200:
            kind = TemporaryError if response.status in _TEMPORARY_STATUS else PermanentError
            raise kind(f"Cloud Logging refused to list entries ({response.status})")
        try:
            return mapping(json.loads(content))
        except ValueError as error:
            raise TemporaryError("Cloud Logging answered with more than 8 MiB, or no JSON") from error


def connect(settings: Logs, namespace_prefix: str) -> CloudLogging | None:
    """The archive that the settings name; None where they name none. Nothing is called yet."""
    if not settings.logs_view:
        return None
    # An access token goes over TLS alone.
    credentials = IamToken() if settings.logs_endpoint.startswith("https://") else None
    return CloudLogging(settings, namespace_prefix, credentials)


def log_filter(query: ArchiveQuery, namespace: str) -> str:
    """In Cloud Logging's query language; the lines of it are joined by AND. GKE adds a pod's labels to its entries."""
    terms = [
        'resource.type="k8s_container"',
        f"resource.labels.namespace_name={_quoted(namespace)}",
        f"resource.labels.container_name={_quoted(CONTAINER)}",
        f'labels."k8s-pod/{INSTALLATION_ID}"={_quoted(query.installation_id)}',
        f"timestamp>={_quoted(query.since.isoformat())}",
        *(f"resource.labels.pod_name!={_quoted(pod)}" for pod in query.without),
    ]
    return "\n".join(terms)


def _quoted(value: str) -> str:
    return json.dumps(value)


def _line(entry: Mapping[str, Any]) -> LogLine | None:
    """An entry as the line that was printed. GKE reads a line of JSON into a payload; it is written as JSON again."""
    at = moment(entry.get("timestamp"))
    pod = text(mapping(mapping(entry.get("resource")).get("labels")).get("pod_name"))
    if at is None or not pod:
        return None
    payload = entry.get("jsonPayload")
    printed = json.dumps(payload, ensure_ascii=False) if payload is not None else text(entry.get("textPayload"))
    return LogLine(at, pod, printed.rstrip("\n"))
