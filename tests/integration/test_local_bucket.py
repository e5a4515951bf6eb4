"""The hub's bucket against its local stand-in: what is kept, what is refused, and that signatures mean something."""

import asyncio
import hashlib
import io
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from hub_cli import upload
from hub_cli.errors import Refused, Unavailable
from local_stack import workloads
from local_stack.bucket_files import DAY_SECONDS, BucketFiles
from local_stack.servers import BUCKET, BucketHost, ca_file, local_tls, start_bucket
from provider_hub.adapters.artifacts import Bucket
from provider_hub.adapters.artifacts.signers import LOCAL_ACCOUNT, KeyFileSigner
from provider_hub.adapters.artifacts.signing import Asked, signed_url
from provider_hub.domain.artifacts import kept_name, upload_name
from provider_hub.domain.errors import TemporaryError

CONTENT = os.urandom(700_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = kept_name(DIGEST, "weather-1.0.0-py3-none-any.whl")
UPLOAD = upload_name("01JZ", "weather-1.0.0-py3-none-any.whl")
AN_HOUR = timedelta(hours=1)


class Host:
    """One folder, served whenever a test wants it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.http = urllib3.PoolManager(retries=False)

    @contextmanager
    def serving(self) -> Iterator[Bucket]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        exits = AsyncExitStack()

        def run(work: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=30)

        async def start() -> BucketHost:
            return await start_bucket(exits, self.state_dir, local_tls(self.state_dir))

        try:
            self.bucket = run(start())
            trusting = ssl.create_default_context(cafile=str(ca_file(self.state_dir)))
            self.http = urllib3.PoolManager(retries=False, ssl_context=trusting)
            yield self.client()
        finally:
            # TLS waits for the client's own goodbye, and the event loop ends with this block.
            self.http.clear()
            run(asyncio.sleep(0.02))
            run(exits.aclose())
            run(asyncio.sleep(0.02))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def client(self, **changes: Any) -> Bucket:
        given = {"signer": KeyFileSigner(str(self.bucket.key_file)), **changes}
        url = f"{self.bucket.endpoint}/{BUCKET}"
        return Bucket(url, given.pop("signer"), ca_file=str(ca_file(self.state_dir)), **given)

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, url, body=body, headers=named, redirect=False)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("bucket"))
    with made.serving():
        yield made


@pytest.fixture
def bucket(host: Host) -> Bucket:
    return host.client()


def content_of(bucket: Bucket, name: str) -> bytes:
    whole = io.BytesIO()
    assert bucket.fetch(name, whole)
    return whole.getvalue()


def test_an_object_is_kept_once_and_read_whole(bucket: Bucket) -> None:
    assert bucket.size_of(NAME) is None
    assert not bucket.fetch(NAME, io.BytesIO())
    assert bucket.put(NAME, io.BytesIO(CONTENT)) is True
    assert bucket.put(NAME, io.BytesIO(b"other bytes")) is False
    assert content_of(bucket, NAME) == CONTENT
    assert bucket.size_of(NAME) == len(CONTENT)


def test_a_signed_url_is_for_one_object_one_method_and_a_while(host: Host, bucket: Bucket) -> None:
    name = kept_name("1" * 64, "a.whl")
    bucket.put(name, io.BytesIO(b"bytes"))
    url = bucket.signed_url(name, AN_HOUR)
    assert host.send("GET", url).data == b"bytes"
    assert host.send("GET", url, Range="bytes=1-2").data == b"yt"
    other = url.replace("a.whl", "b.whl")
    for method, changed in (("GET", other), ("PUT", url), ("HEAD", url), ("GET", url[:-1] + "g")):
        assert host.send(method, changed).status == 403
    assert host.send("GET", url.replace("Expires=3600", "Expires=7200")).status == 403
    assert host.send("GET", url.partition("?")[0]).status == 401


def test_who_may_not_list_is_not_told_that_an_object_is_missing(host: Host, bucket: Bucket) -> None:
    missing = host.send("GET", bucket.signed_url(kept_name("5" * 64, "a.whl"), AN_HOUR))
    assert (missing.status, b"storage.objects.list" in missing.data) == (403, True)


def test_an_account_without_the_grant_is_no_missing_object(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "_MAY", {LOCAL_ACCOUNT: frozenset()})
    with pytest.raises(TemporaryError, match="may not be read"):
        host.client().size_of(NAME)


def test_a_url_that_has_expired_or_is_not_good_yet_or_for_too_long_is_refused(host: Host) -> None:
    now = datetime.now(UTC)
    for moment in (now - timedelta(hours=2), now + timedelta(hours=2)):
        url = host.client(clock=lambda moment=moment: moment).signed_url(NAME, AN_HOUR)
        assert host.send("GET", url).status == 400
    with pytest.raises(ValueError, match="7 days"):
        host.client().signed_url(NAME, timedelta(days=8))


def test_another_key_signs_for_nobody(host: Host, tmp_path: Path) -> None:
    from local_stack.issuer import private_key  # noqa: PLC0415 - this test alone makes one

    private_key(tmp_path / "other.pem")
    stranger = host.client(signer=KeyFileSigner(str(tmp_path / "other.pem")))
    with pytest.raises(TemporaryError, match="answers PUT with 403"):
        stranger.put(kept_name("2" * 64, "a.whl"), io.BytesIO(b"x"))


def test_a_header_that_storage_obeys_must_be_signed(host: Host) -> None:
    signer = KeyFileSigner(str(host.bucket.key_file))
    target = f"{host.bucket.endpoint}/{BUCKET}/{kept_name('3' * 64, 'a.whl')}"
    plain = signed_url(Asked("PUT", target), signer, datetime.now(UTC), AN_HOUR)
    assert host.send("PUT", plain, b"x", x_goog_if_generation_match="0").status == 403
    assert host.send("PUT", plain, b"x").status == 400
    conditional = Asked("PUT", target, {"x-goog-if-generation-match": "0"})
    signed = signed_url(conditional, signer, datetime.now(UTC), AN_HOUR)
    assert host.send("PUT", signed, b"x").status == 403
    assert host.send("PUT", signed, b"x", x_goog_if_generation_match="0", Content_MD5="AAAA").status == 400
    assert host.send("PUT", signed, b"x", x_goog_if_generation_match="0").status == 200
    assert host.send("PUT", signed, b"x", x_goog_if_generation_match="0").status == 412


def test_an_upload_comes_in_parts_and_goes_on_where_it_broke_off(host: Host, bucket: Bucket) -> None:
    session = bucket.begin_upload(UPLOAD, len(CONTENT))
    assert bucket.size_of(UPLOAD) is None
    asked = f"bytes */{len(CONTENT)}"
    empty = host.send("PUT", session.url, Content_Range=asked)
    assert (empty.status, empty.headers.get("Range")) == (308, None)
    first = host.send("PUT", session.url, CONTENT[:300_000], Content_Range=f"bytes 0-299999/{len(CONTENT)}")
    assert (first.status, first.headers["Range"]) == (308, "bytes=0-299999")
    assert host.send("PUT", session.url, Content_Range=asked).headers["Range"] == "bytes=0-299999"
    rest = f"bytes 300000-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert host.send("PUT", session.url, CONTENT[300_000:], Content_Range=rest).status == 200
    assert host.send("PUT", session.url, Content_Range=asked).status == 200
    found = io.BytesIO()
    assert bucket.fetch(UPLOAD, found)
    assert found.getvalue() == CONTENT
    assert host.send("PUT", session.url, CONTENT[300_000:], Content_Range=rest).status == 410


@pytest.mark.parametrize(
    ("given", "length"),
    [("bytes 0-9/20", 10), ("bytes 5-9/10", 5), ("bytes 0-9/10", 4), ("bytes 0-19/20", 20), ("nonsense", 10)],
)
def test_an_upload_takes_no_other_length_and_no_part_but_the_next(
    host: Host, bucket: Bucket, given: str, length: int
) -> None:
    name = upload_name(f"refused{abs(hash((given, length)))}", "a.whl")
    session = bucket.begin_upload(name, 10)
    assert host.send("PUT", session.url, b"x" * length, Content_Range=given).status == 400
    assert host.send("PUT", session.url, b"x" * 11).status == 400
    assert bucket.size_of(name) is None


def test_a_session_is_for_its_own_object_alone(host: Host, bucket: Bucket) -> None:
    session = bucket.begin_upload(upload_name("own", "a.whl"), 1)
    other = session.url.replace("uploads/own/", "uploads/other/")
    assert host.send("PUT", other, b"x").status == 404
    assert host.send("PUT", session.url.replace("upload_id=", "upload_id=0"), b"x").status == 404


def test_a_pod_gets_an_object_by_its_token_and_may_do_nothing_else(host: Host, bucket: Bucket) -> None:
    name = kept_name("4" * 64, "a.whl")
    bucket.put(name, io.BytesIO(b"for pods"))
    url = f"http://{host.bucket.metadata_host}/computeMetadata/v1/instance/service-accounts/default/token"
    assert host.send("GET", url).status == 403
    token = host.send("GET", url, Metadata_Flavor="Google").json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert host.send("GET", bucket.url_of(name), **bearer).data == b"for pods"
    assert host.send("PUT", bucket.url_of(name), b"x", **bearer).status == 403
    assert host.send("GET", f"{host.bucket.endpoint}/{BUCKET}/", **bearer).status == 404
    assert host.send("GET", bucket.url_of(name), Authorization="Bearer local.guessed").status == 401


@pytest.mark.parametrize("name", ["../../ca.pem", "..%2F..%2Fca.pem", "sha256/%2e%2e/x", "a//b", "a/%00"])
def test_no_name_leads_out_of_the_buckets_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "ca.pem").write_text("secret")
    files = BucketFiles(tmp_path / "bucket")
    assert files.find(name.replace("%2F", "/").replace("%2e", ".").replace("%00", "\0")) is None


class Breaking:
    """Connections that break in the middle of every second part, once half of it has arrived."""

    def __init__(self, http: urllib3.PoolManager) -> None:
        self._http = http
        self.parts = 0

    def request(self, method: str, url: str, body: bytes, headers: dict[str, str], redirect: bool) -> Any:
        self.parts += bool(body)
        if not body or self.parts % 2:
            return self._http.request(method, url, body=body, headers=headers, redirect=redirect)
        first, total = int(headers["Content-Range"].split()[1].split("-")[0]), headers["Content-Range"].split("/")[1]
        half = body[: len(body) // 2]
        arrived = {"Content-Range": f"bytes {first}-{first + len(half) - 1}/{total}"}
        self._http.request(method, url, body=half, headers=arrived, redirect=redirect)
        raise urllib3.exceptions.ProtocolError("broken off")


def test_the_command_goes_on_where_a_connection_broke(
    host: Host, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = upload_name("command", "a.whl")
    session = bucket.begin_upload(name, len(CONTENT))
    breaking, shown, slept = Breaking(host.http), list[int](), list[float]()
    monkeypatch.setattr(upload, "PART_BYTES", 256 * 1024)
    monkeypatch.setattr(upload, "pool", lambda *_, **__: breaking)
    to = upload.Destination(session.url, session.headers, None)
    upload.upload(io.BytesIO(CONTENT), len(CONTENT), to, shown.append, slept.append)
    assert content_of(bucket, name) == CONTENT
    assert shown == sorted(shown)
    assert shown[-1] == len(CONTENT)
    assert len(slept) == breaking.parts // 2


def test_the_command_gives_up_on_a_host_that_never_answers_without_showing_the_url() -> None:
    slept = list[float]()
    to = upload.Destination("https://localhost:1/secret?upload_id=secret", {}, None)
    with pytest.raises(Unavailable, match="does not get on, 6 times in a row: the connection is refused") as failure:
        upload.upload(io.BytesIO(b"x"), 1, to, lambda _: None, slept.append)
    assert "secret" not in str(failure.value)
    assert slept == sorted(slept)


def test_the_command_says_that_an_upload_has_ended(host: Host, bucket: Bucket) -> None:
    session = bucket.begin_upload(upload_name("ended", "a.whl"), 1)
    to = upload.Destination(session.url + "0", {}, str(ca_file(host.state_dir)))
    with pytest.raises(Refused, match="refused with 404: it may have ended the upload"):
        upload.upload(io.BytesIO(b"x"), 1, to, lambda _: None)


def test_what_is_kept_and_what_is_on_its_way_survive_a_restart(tmp_path: Path) -> None:
    host = Host(tmp_path)
    with host.serving() as bucket:
        bucket.put(NAME, io.BytesIO(CONTENT))
        session = bucket.begin_upload(UPLOAD, 4)
        host.send("PUT", session.url, b"ab", Content_Range="bytes 0-1/4")
        before = host.bucket.endpoint
    with host.serving() as bucket:
        assert bucket.size_of(NAME) == len(CONTENT)
        moved = session.url.replace(before, host.bucket.endpoint)
        assert host.send("PUT", moved, b"cd", Content_Range="bytes 2-3/4").status == 200
        assert content_of(bucket, UPLOAD) == b"abcd"


def test_an_upload_that_nobody_published_ends_after_a_day(tmp_path: Path) -> None:
    now = [0.0]
    files = BucketFiles(tmp_path, clock=lambda: now[0])
    for name in (NAME, UPLOAD):
        written = files.new_file()
        files.keep(written, name)
    session = files.begin(upload_name("02", "a.whl"), 5)
    now[0] = max(path.stat().st_mtime for path in tmp_path.rglob("*")) + DAY_SECONDS - 60
    files.prune()
    assert files.find(UPLOAD)
    assert files.session(session.session_id)
    now[0] += 120
    files.prune()
    assert files.find(NAME)
    assert files.find(UPLOAD) is None
    assert files.session(session.session_id) is None


def test_a_bucket_that_cannot_be_reached_is_a_temporary_error_without_a_signature(host: Host) -> None:
    gone = Bucket("https://localhost:1/artifacts", KeyFileSigner(str(host.bucket.key_file)))
    with pytest.raises(TemporaryError, match="does not answer GET: ConnectionError") as failure:
        gone.size_of(NAME)
    assert "Signature" not in str(failure.value)
