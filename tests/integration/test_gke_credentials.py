"""Every call to the cluster proves who makes it, for as long as the process lives.

The API server here answers 401 to whatever carries no valid token, as GKE's does. The tokens come from a
metadata server as Cloud Run has one, by way of google.auth's own code.
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.auth import _helpers

from provider_hub.adapters.kubernetes.api import KubernetesApi, connected
from provider_hub.adapters.kubernetes.credentials import IamToken
from provider_hub.domain.errors import TemporaryError


class Google:
    """A metadata server that hands out tokens, and a control plane that takes only the last of them."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.refused = 0
        self.metadata_is_down = False
        self.lock = threading.Lock()
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/" or "/computeMetadata/" in self.path:
                    status, answer = google.metadata(self.path)
                else:
                    status, answer = google.pods(self.headers.get("Authorization"))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Metadata-Flavor", "Google")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def metadata(self, path: str) -> tuple[int, object]:
        if self.metadata_is_down:
            return 404, {}
        if "/token" not in path:
            return 200, {"email": "hub@project.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}
        with self.lock:
            self.tokens.append(f"token-{len(self.tokens) + 1}")
            return 200, {"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"}

    def pods(self, authorization: str | None) -> tuple[int, object]:
        if not self.tokens or authorization != f"Bearer {self.tokens[-1]}":
            self.refused += 1
            return 401, {"kind": "Status", "message": "Unauthorized"}
        return 200, {"kind": "PodList", "items": [], "metadata": {}}

    def revoke(self) -> None:
        """From now on no token is good that was handed out before."""
        with self.lock:
            self.tokens.append("a token that only the next holder gets")


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Google]:
    made = Google()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_IP", made.address)
    monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", made.address)
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def api(google: Google) -> KubernetesApi:
    return connected(f"http://{google.address}", IamToken())


def pass_time(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    real = _helpers.utcnow

    def later() -> datetime:
        return real() + by

    monkeypatch.setattr(_helpers, "utcnow", later)


def look(api: KubernetesApi) -> object:
    return api.list("Pod", "org-acme", "a=b")["items"]


def test_the_first_call_carries_a_token(google: Google, api: KubernetesApi) -> None:
    assert look(api) == []
    assert (google.tokens, google.refused) == (["token-1"], 0)


def test_a_token_is_kept_until_it_is_about_to_expire(
    google: Google, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(api)
    pass_time(monkeypatch, timedelta(minutes=50))
    look(api)
    assert google.tokens == ["token-1"]
    pass_time(monkeypatch, timedelta(minutes=8))
    look(api)
    assert (google.tokens, google.refused) == (["token-1", "token-2"], 0)


def test_threads_that_call_at_once_share_one_token(google: Google, api: KubernetesApi) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: look(api), range(64))) == [[]] * 64
    assert (google.tokens, google.refused) == (["token-1"], 0)


def test_a_token_that_is_refused_before_it_expires_is_replaced_once(google: Google, api: KubernetesApi) -> None:
    look(api)
    google.revoke()
    assert look(api) == []
    assert google.refused == 1


def test_while_the_metadata_server_is_down_a_token_that_is_about_to_expire_serves(
    google: Google, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(api)
    google.metadata_is_down = True
    pass_time(monkeypatch, timedelta(minutes=58))
    assert look(api) == []


def test_without_any_token_the_delivery_is_tried_again(
    google: Google, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(api)
    google.metadata_is_down = True
    pass_time(monkeypatch, timedelta(minutes=61))
    with pytest.raises(TemporaryError, match="no access token for the cluster"):
        look(api)


def kubeconfig(folder: Path, server: str, token_file: Path) -> str:
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"tokenFile": str(token_file)}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(written))
    return str(folder / "kubeconfig")


def test_a_kubeconfigs_token_that_was_rotated_is_read_again(google: Google, tmp_path: Path) -> None:
    google.tokens.append("first")
    token_file = tmp_path / "token"
    token_file.write_text("first")
    path = kubeconfig(tmp_path, f"http://{google.address}", token_file)
    api = connected(path, IamToken())
    assert look(api) == []
    google.tokens.append("second")
    with pytest.raises(TemporaryError, match="401"):
        look(api)
    token_file.write_text("second")
    assert look(api) == []
