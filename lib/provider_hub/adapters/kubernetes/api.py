"""The Kubernetes API as this system calls it: a few kinds, five verbs, errors that say what to do about them.

This uses the official client's configuration, credentials and transport, and not its typed classes: to
import those takes every function that needs a cluster most of a second.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from provider_hub.actions.cluster import Unanswered
from provider_hub.adapters.connections import callers_at_once
from provider_hub.adapters.kubernetes.credentials import Credentials, IamToken, KubeconfigUser
from provider_hub.adapters.kubernetes.silence import Silence
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.masking import mask

Object = dict[str, Any]

_CALL_SECONDS = 10
# Objects of one cluster that are applied side by side, whoever asks: their threads call as well as those that ask.
APPLIED_AT_ONCE = 8
_JSON = "application/json"
_ACCEPTED = f"{_JSON}, */*"  # a log is plain text, and so may be an error on the way
_APPLY = "application/apply-patch+yaml"
_TEMPORARY_STATUS = frozenset({0, 401, 408, 425, 429, 500, 502, 503, 504})
# A 403 that passes: the namespace is being deleted and will be made again; a quota is used up until something goes.
_PASSING_REFUSALS = (b"NamespaceTerminating", b"exceeded quota", b"failed quota")
_PATHS = {
    "Deployment": ("/apis/apps/v1", "deployments"),
    "LimitRange": ("/api/v1", "limitranges"),
    "Namespace": ("/api/v1", "namespaces"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Pod": ("/api/v1", "pods"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
}


class Gone(Exception):
    """404: neither temporary nor permanent until the caller says what it means here."""


class Conflicted(Exception):
    """409: somebody else was first."""


class Expired(Exception):
    """410: a list went on for too long, some five minutes.

    `following` is the token that continues it behind its last page, as things are now; "" where the server gave none.
    """

    def __init__(self, following: str = "") -> None:
        self.following = following


class NotStarted(Exception):
    """400 to a request for a log: there is no such run of the container (yet)."""


class KubernetesApi:
    """One cluster's API. Every call raises TemporaryError, PermanentError, Gone, Conflicted or Expired.

    `credentials` gives the `Authorization` header of each call; None sends none. `clock` gives seconds.
    """

    def __init__(
        self,
        configuration: client.Configuration,
        credentials: Credentials | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        configuration.connection_pool_maxsize = callers_at_once() + APPLIED_AT_ONCE
        configuration.retries = False  # a delivery is retried as a whole, by who can see what has changed meanwhile
        self._client = client.ApiClient(configuration)
        self._credentials = credentials
        self._silence = Silence(clock)

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """None where there is none."""
        try:
            return self._call("GET", _path(kind, namespace, name))
        except Gone:
            return None

    def list(self, kind: str, namespace: str | None, selector: str | None, **options: Any) -> Object:
        """The list object; a namespace of None is all of them."""
        return self._call("GET", _path(kind, namespace), {"labelSelector": selector, **options})

    def log(self, namespace: str, pod: str, **options: Any) -> bytes:
        """What a container of the pod printed. Raises NotStarted as well."""
        path = f"{_path('Pod', namespace, pod)}/log"
        status, content = self._authorized("GET", path, options, None, _JSON)
        if status == 400:
            raise NotStarted(mask(_message_of(content)))
        if not 200 <= status <= 299:
            raise _translated(status, content, "GET log")
        return content

    def apply(self, manifest: Object, manager: str) -> Object:
        """Server-side apply, taking back what others own; the object as it is then."""
        metadata = manifest["metadata"]
        path = _path(manifest["kind"], metadata.get("namespace"), metadata["name"])
        return self._call("PATCH", path, {"fieldManager": manager, "force": "true"}, manifest, _APPLY)

    def replace(self, kind: str, item: Object, manager: str) -> Object:
        """PUT the object, unless somebody wrote after its `resourceVersion`; the object as it is then."""
        metadata = item["metadata"]
        path = _path(kind, metadata.get("namespace"), metadata["name"])
        return self._call("PUT", path, {"fieldManager": manager}, item)

    def delete(self, kind: str, item: Object) -> None:
        """In the background, with the object's uid as a precondition: a successor of the same name is not ours."""
        metadata = item["metadata"]
        options = {"propagationPolicy": "Background", "preconditions": {"uid": metadata["uid"]}}
        try:
            self._call("DELETE", _path(kind, metadata.get("namespace"), metadata["name"]), body=options)
        except (Gone, Conflicted):
            return

    def _call(
        self,
        method: str,
        path: str,
        query: Object | None = None,
        body: Object | None = None,
        content_type: str = _JSON,
    ) -> Object:
        status, content = self._authorized(method, path, query, body, content_type)
        if not 200 <= status <= 299:
            raise _translated(status, content, f"{method} {path.rpartition('/')[2]}")
        try:
            answer: Object = json.loads(content)
        except ValueError as error:
            raise TemporaryError("the cluster answered with something that is not JSON") from error
        return answer

    def _authorized(self, method: str, path: str, *rest: Any) -> tuple[int, bytes]:
        """The answer's status and body. A 401 is tried once more with another token, where one can be had."""
        if self._credentials is None:
            return self._sent(None, method, path, *rest)
        header = self._credentials.header()
        status, content = self._sent(header, method, path, *rest)
        if status != 401 or not self._credentials.refused(header):
            return status, content
        return self._sent(self._credentials.header(), method, path, *rest)

    def _sent(
        self, authorization: str | None, method: str, path: str, query: Object | None, body: Object | None, kind: str
    ) -> tuple[int, bytes]:
        headers = {
            "Accept": _ACCEPTED,
            "Content-Type": kind,
            "User-Agent": self._client.user_agent,
            **({"Authorization": authorization} if authorization else {}),
        }
        # The client's own way to make a URL and a body walks through every value of a manifest: it is plain data here.
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = self._client.configuration.host + path + (f"?{urlencode(given, quote_via=quote)}" if given else "")
        self._silence.admit_call()
        try:
            response = self._client.call_api(method, url, headers, body, _request_timeout=_CALL_SECONDS)
            content: bytes = response.read()  # type: ignore[no-untyped-call]
        except ApiException as error:
            raise TemporaryError(f"the cluster did not answer: {error.reason}") from error
        except urllib3.exceptions.HTTPError as error:
            sentence = f"the cluster did not answer: {type(error).__name__}"
            if not _was_waited_for(error):
                raise TemporaryError(sentence) from error
            self._silence.unanswered()
            raise Unanswered(sentence) from error
        self._silence.answered()
        return response.status, content


def connected(cluster: str, iam: IamToken) -> KubernetesApi:
    """The API at an endpoint, as the function's own identity `iam`, or that of a kubeconfig file and its user.

    Nothing is called yet. GKE's DNS-based endpoint shows a public certificate, so the system's authorities verify it.
    """
    if "://" in cluster:
        return KubernetesApi(client.Configuration(host=cluster), iam)
    user = KubeconfigUser(cluster)
    return KubernetesApi(user.configuration, user)


def _was_waited_for(error: urllib3.exceptions.HTTPError) -> bool:
    """Whether the call's whole time went by. A refused connection, which urllib3 has among the timeouts, takes none."""
    is_refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    return isinstance(error, urllib3.exceptions.TimeoutError) and not is_refused


def _path(kind: str, namespace: str | None, name: str | None = None) -> str:
    base, plural = _PATHS[kind]
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{within}/{plural}" + (f"/{name}" if name else "")


def _translated(status: int, content: bytes, call: str) -> Exception:
    special: dict[int, Callable[[], Exception]] = {
        404: Gone,
        409: Conflicted,
        410: lambda: Expired(_following_of(content)),
    }
    if status in special:
        return special[status]()
    passes = status in _TEMPORARY_STATUS or any(cause in content for cause in _PASSING_REFUSALS)
    kind = TemporaryError if passes else PermanentError
    return kind(f"the cluster refused to {call} ({status}): {mask(_message_of(content))}")


def _message_of(content: bytes) -> str:
    """The Status object's own sentence, where the answer is one."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def _following_of(content: bytes) -> str:
    """The token in the Status object of a list that expired."""
    try:
        return str(json.loads(content)["metadata"].get("continue", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
