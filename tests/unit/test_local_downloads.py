"""The pinned downloads: whole and verified, or not there at all."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.serving import in_a_thread

from local_stack.downloads import Download, cache_dir, fetch, unpack
from local_stack.errors import LocalError

CONTENT = b"jar" * 1000


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that has `emulator.jar`."""
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "emulator.jar").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(directory)))
    with in_a_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_download_is_verified_kept_and_not_fetched_again(source: str, tmp_path: Path) -> None:
    download = Download(f"{source}/emulator.jar", hashlib.sha256(CONTENT).hexdigest())
    file = fetch(download, tmp_path / "cache")
    assert file.read_bytes() == CONTENT
    (tmp_path / "source" / "emulator.jar").unlink()
    assert fetch(download, tmp_path / "cache") == file
    assert [kept.name for kept in file.parent.iterdir()] == ["emulator.jar"]


def test_other_bytes_than_the_pinned_ones_are_refused_and_nothing_is_kept(source: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=f"and not the pinned {'0' * 64}"):
        fetch(Download(f"{source}/emulator.jar", "0" * 64), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_cannot_be_downloaded_is_one_sentence_with_the_remedy(source: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.jar \(File not found\): check the connection, or install"):
        fetch(Download(f"{source}/none.jar", "0" * 64), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_two_processes_may_fetch_the_same_file(source: str, tmp_path: Path) -> None:
    download = Download(f"{source}/emulator.jar", hashlib.sha256(CONTENT).hexdigest())
    threads = [threading.Thread(target=fetch, args=(download, tmp_path / "cache")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [kept.name for kept in (tmp_path / "cache").iterdir()] == ["emulator.jar"]
    assert (tmp_path / "cache" / "emulator.jar").read_bytes() == CONTENT


def test_the_one_wanted_file_is_taken_out_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "emulator.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("pubsub/lib/emulator-1-all.jar", CONTENT)
        opened.writestr("pubsub/README", b"")
    assert unpack(archive, "emulator-*-all.jar").read_bytes() == CONTENT
    with pytest.raises(LocalError, match=r"holds 0 files named other\*\.jar"):
        unpack(archive, "other*.jar")


def test_the_cache_is_where_the_desktop_s_convention_puts_it() -> None:
    assert cache_dir({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/provider-hub")
    assert cache_dir({}) == Path.home() / ".cache" / "provider-hub"
