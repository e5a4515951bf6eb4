"""The local bucket: what the hub uses of Cloud Storage's XML API, with everything refused that Google refuses.

Signatures, expiry, preconditions, digests, lengths and the parts of resumable uploads are checked.
"""

import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from aiohttp import web

from local_stack.bucket_access import Access, AccessRefused
from local_stack.bucket_files import AlreadyThereError, BucketFiles, Session
from local_stack.own_machine import own_machine

_CHUNK_BYTES = 256 * 1024
_LARGEST_BYTES = 5 * 1024**4
_EXACT_LENGTH = re.compile(r"([0-9]+),([0-9]+)")
_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")
_STATUS_QUERY = re.compile(r"bytes \*/([0-9]+|\*)")
_RESUME_INCOMPLETE = 308

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class LocalBucket:
    """One bucket. `url` is where it is served, with the bucket's name and without a slash at its end."""

    name: str
    url: str
    files: BucketFiles
    access: Access

    def application(self, *, on_own_machine: bool = True) -> web.Application:
        """Serves the objects, and no list of them; under a name of this machine alone, unless told otherwise."""
        application = web.Application(middlewares=[own_machine, _refusals] if on_own_machine else [_refusals])
        path = f"/{self.name}/{{name:.+}}"
        for method, handler in (
            ("GET", self._get),
            ("HEAD", self._get),
            ("PUT", self._put),
            ("POST", self._begin),
        ):
            application.router.add_route(method, path, handler)
        return application

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.access.check(request, "storage.objects.get")
        path = self.files.find(request.match_info["name"])
        if path is None:
            # Who may not list is not told that nothing is there.
            self.access.check(request, "storage.objects.list")
            raise AccessRefused(404, "NoSuchKey", "the object does not exist")
        return web.FileResponse(path, chunk_size=_CHUNK_BYTES, headers={"Content-Type": "application/octet-stream"})

    async def _put(self, request: web.Request) -> web.StreamResponse:
        if session_id := request.query.get("upload_id"):
            return await self._receive(request, session_id)
        self.access.check(request, "storage.objects.create")
        self._check_absent(request)
        if request.content_length is None:
            raise AccessRefused(411, "MissingContentLength", "send the length of the body")
        written = self.files.new_file()
        try:
            received, md5 = await _written(request, written, 0)
        except BaseException:
            written.unlink()
            raise
        if received != request.content_length or request.headers.get("Content-MD5", md5) != md5:
            written.unlink()
            raise AccessRefused(400, "BadDigest", "the bytes are not those of Content-MD5 and Content-Length")
        self._keep(written, request.match_info["name"])
        return web.Response()

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        """Begin a resumable upload. The URL of its session lets its bearer send the bytes, and nothing else."""
        self.access.check(request, "storage.objects.create")
        if request.headers.get("x-goog-resumable") != "start":
            raise AccessRefused(400, "InvalidArgument", "a POST begins a resumable upload: x-goog-resumable: start")
        self._check_absent(request)
        length = _EXACT_LENGTH.fullmatch(request.headers.get("x-goog-content-length-range", ""))
        if not length or length[1] != length[2] or int(length[1]) > _LARGEST_BYTES:
            raise AccessRefused(400, "InvalidArgument", "x-goog-content-length-range must be one length, twice")
        self.files.prune()
        name = request.match_info["name"]
        session = self.files.begin(name, int(length[1]))
        location = f"{self.url}/{name}?upload_id={session.session_id}"
        return web.Response(status=201, headers={"Location": location})

    async def _receive(self, request: web.Request, session_id: str) -> web.StreamResponse:
        """The next part of a resumable upload, or the question of what has come."""
        session = self.files.session(session_id)
        if session is None or session.name != request.match_info["name"]:
            raise AccessRefused(404, "NoSuchUpload", "the upload does not exist, or has ended")
        part = self.files.part_of(session)
        given = request.headers.get("Content-Range", f"bytes 0-{session.size - 1}/{session.size}")
        if _STATUS_QUERY.fullmatch(given):
            return web.Response() if not part.exists() else _incomplete(part)
        if not part.exists():
            raise AccessRefused(410, "UploadFinished", "the upload is finished: its session takes no more bytes")
        await self._append(request, session, part, given)
        if part.stat().st_size < session.size:
            return _incomplete(part)
        self._keep(part, session.name)
        return web.Response()

    async def _append(self, request: web.Request, session: Session, part: Path, given: str) -> None:
        """Raises AccessRefused for a part that is not the next one, or is not as long as it says."""
        found = _RANGE.fullmatch(given)
        first, last, total = (int(number) for number in found.groups()) if found else (0, -1, -1)
        if total != session.size or not first <= last < total:
            raise AccessRefused(400, "InvalidArgument", f"the upload has {session.size} bytes, and no {given}")
        if first != part.stat().st_size:
            raise AccessRefused(400, "InvalidArgument", f"the next byte is {part.stat().st_size}, not {first}")
        if request.content_length != last - first + 1:
            raise AccessRefused(400, "InvalidArgument", "the body is not as long as its Content-Range says")
        # What came before a connection breaks is kept: the sender asks, and goes on from there.
        await _written(request, part, first)

    def _check_absent(self, request: web.Request) -> None:
        if request.headers.get("x-goog-if-generation-match") != "0":
            raise AccessRefused(400, "InvalidArgument", "here objects are written once: x-goog-if-generation-match: 0")
        if self.files.find(request.match_info["name"]):
            raise AccessRefused(412, "PreconditionFailed", "the object exists")

    def _keep(self, written: Path, name: str) -> None:
        try:
            self.files.keep(written, name)
        except AlreadyThereError:
            raise AccessRefused(412, "PreconditionFailed", "the object exists") from None


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AccessRefused as refused:
        error = f"<Error><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message></Error>"
        text = f"<?xml version='1.0'?>{error}"
        return web.Response(status=refused.status, text=text, content_type="application/xml")


def _incomplete(part: Path) -> web.Response:
    size = part.stat().st_size
    headers = {"Range": f"bytes=0-{size - 1}"} if size else {}
    return web.Response(status=_RESUME_INCOMPLETE, headers=headers)


async def _written(request: web.Request, path: Path, start: int) -> tuple[int, str]:
    """Write the body to `path` from `start` on; how many bytes came, and their MD5 as Content-MD5 writes it."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("r+b") as file:
        file.seek(start)
        async for chunk in _chunks(request):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        os.fsync(file.fileno())
    return size, base64.b64encode(digest.digest()).decode()


def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    return request.content.iter_chunked(_CHUNK_BYTES)
