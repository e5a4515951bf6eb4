"""The web console on one machine: the static files at `/app/`, as a bucket behind the load balancer serves them.

All files but the page and its config lie in a folder that is named by the digest of them all. So a browser keeps them
for ever, and a page never runs with the modules of two releases. `terraform/modules/hub/console.tf` names the folder
likewise.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

SOURCE = Path(__file__).resolve().parents[2] / "console"
_PAGE = "index.html"
_HEADERS = "headers.json"
# What the page calls the folder of the other files; its digest takes this name's place.
_FOLDER = "release/"
_ROOT = "/app/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_RELEASED = (".css", ".js", ".svg")
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASKED_AGAIN = {"Cache-Control": "no-cache"}


@dataclass(frozen=True)
class SignIn:
    """Where people sign in, as the console's `config.json` says it."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ()


class Console:
    """Answers requests under `/app/`, and leads `/` there. Files are read anew for each page: edit, then reload."""

    def __init__(self, sign_in: SignIn, source: Path = SOURCE) -> None:
        self._sign_in = sign_in
        self._source = source
        self._headers = security_headers(sign_in.issuer, source)
        self._release, self._files = "", dict[str, bytes]()

    def answer(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """The answer to a request for `path`; None for a path that is not the console's."""
        if path != _ROOT.rstrip("/") and path != "/" and not path.startswith(_ROOT):
            return None
        if request.method not in ("GET", "HEAD"):
            return self._refusal(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
        if not path.startswith(_ROOT):
            return web.Response(status=302, headers={"Location": _ROOT})
        return self._file(path.removeprefix(_ROOT))

    def _file(self, name: str) -> web.Response:
        if name in ("", _PAGE):
            self._release, self._files = read_release(self._source)
            page = (self._source / _PAGE).read_text().replace(_FOLDER, f"{self._release}/")
            return self._content(_PAGE, page.encode(), _ASKED_AGAIN)
        if name == "config.json":
            return self._content(name, json.dumps(asdict(self._sign_in)).encode(), _ASKED_AGAIN)
        release, _, file = name.partition("/")
        if release != self._release or file not in self._files:
            return self._refusal(404, "Not Found", {})
        return self._content(file, self._files[file], _KEPT)

    def _content(self, name: str, body: bytes, caching: Mapping[str, str]) -> web.Response:
        headers = {"Content-Type": _TYPES[Path(name).suffix], **caching, **self._headers}
        return web.Response(body=body, headers=headers)

    def _refusal(self, status: int, detail: str, headers: Mapping[str, str]) -> web.Response:
        body = json.dumps({"detail": detail}).encode()
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})


def read_release(source: Path = SOURCE) -> tuple[str, dict[str, bytes]]:
    """The digest of the files that the page loads, and the files by their paths."""
    paths = {path.relative_to(source).as_posix(): path for path in source.rglob("*") if path.suffix in _RELEASED}
    files = {name: path.read_bytes() for name, path in sorted(paths.items())}
    listed = "".join(f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in files.items())
    return hashlib.sha256(listed.encode()).hexdigest()[:16], files


def security_headers(issuer: str, source: Path = SOURCE) -> dict[str, str]:
    """The headers of every answer, from the file that Terraform reads too; the page may call the API and `issuer`."""
    parts = urlsplit(issuer)
    text = (source / _HEADERS).read_text().replace("ISSUER", f"{parts.scheme}://{parts.netloc}")
    headers: dict[str, str] = json.loads(text)
    return headers
