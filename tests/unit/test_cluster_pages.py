"""A list of the cluster that goes on for longer than its server remembers is continued, not begun anew."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes import client

from provider_hub.adapters.kubernetes.api import KubernetesApi
from provider_hub.adapters.kubernetes.cluster import Kubernetes
from provider_hub.domain.manifests import INSTALLATION_ID, ORGANIZATION_ID, PROVIDER

LEFT = {
    "metadata": {
        "namespace": "org-acme",
        "name": "p-acme-weather",
        "annotations": {ORGANIZATION_ID: "org_acme", PROVIDER: "acme/weather", INSTALLATION_ID: "01A"},
    }
}


class Answer:
    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self._body = json.dumps(body).encode()

    def read(self) -> bytes:
        return self._body


class ForgetfulServer:
    """Continues no token but `fresh`, as a server does once it has compacted what the others stand for."""

    def __init__(self, fresh: str | None) -> None:
        self.configuration = client.Configuration(host="http://cluster")
        self.user_agent = "provider-hub"
        self.fresh = fresh
        self.asked: list[str | None] = []

    def call_api(self, _method: str, url: str, *_: Any, **_options: Any) -> Answer:
        token = dict(parse_qsl(urlsplit(url).query)).get("continue")
        self.asked.append(token)
        if token in (None, self.fresh):
            return Answer(200, {"metadata": {}, "items": [LEFT]})
        metadata = {} if self.fresh is None else {"continue": self.fresh}
        return Answer(410, {"kind": "Status", "reason": "Expired", "message": "too old", "metadata": metadata})


def walked(server: ForgetfulServer) -> Kubernetes:
    api = KubernetesApi(client.Configuration(host="http://cluster"))
    api._client = server  # type: ignore[assignment]
    return Kubernetes(api)


def test_an_expired_list_goes_on_behind_its_last_page() -> None:
    server = ForgetfulServer(fresh="inconsistent")
    cluster = walked(server)
    found, place = cluster.object_owners("Secret old", 100)
    assert (found, place) == ([], "Secret inconsistent")
    found, place = cluster.object_owners(place, 100)
    assert [owner.installation_id for owner in found] == ["01A"]
    assert place == "Service"
    assert server.asked == ["old", "inconsistent"]


def test_an_expired_list_whose_server_gives_no_token_begins_anew() -> None:
    cluster = walked(ForgetfulServer(fresh=None))
    assert cluster.object_owners("Secret old", 100) == ([], "Secret")
