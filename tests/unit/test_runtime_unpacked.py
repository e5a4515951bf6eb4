"""What a wheel unpacks to is counted before anything is written, and no archive is believed."""

import os
import shutil
import struct
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from pragma_runtime import unpacked
from pragma_runtime.disk import Disk
from pragma_runtime.errors import PermanentError, TemporaryError
from pragma_runtime.unpacked import check_said, check_truth

_LOCAL_SIZE, _CENTRAL_SIZE = 22, 24  # where a header has the unpacked size of its file
_LOCAL_FLAGS, _CENTRAL_FLAGS = 6, 8


def archive(folder: Path, content: bytes, *, name: str = "moon-1.0-py3-none-any.whl", **options: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("moon.py", content, **options)
    return path


def saying(path: Path, size: int) -> Path:
    """The same archive, which says in both of its headers that its file has `size` bytes."""
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", _LOCAL_SIZE), (b"PK\x01\x02", _CENTRAL_SIZE)):
        struct.pack_into("<L", data, data.index(signature) + at, size)
    path.write_bytes(data)
    return path


def check_unpacked(paths: list[Path], tier: int = 0) -> None:
    """As it is done before an installer may write, in a volume of `tier` bytes."""
    check_said(paths, Disk(paths[0].parents[1], tier))
    check_truth(paths)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return tmp_path / "wheels"


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 5_000_000, os.urandom(3_000_000)], ids=len)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wheel_that_says_the_truth_passes_and_stays(wheels: Path, content: bytes, compression: int) -> None:
    path = archive(wheels, content, compress_type=compression)
    check_unpacked([path])
    assert path.exists()


@pytest.mark.parametrize("said", [0, 10, 19_999_999, 20_000_001, 1_000_000_000])
def test_a_wheel_that_says_another_size_is_refused_and_removed(wheels: Path, said: int) -> None:
    path = saying(archive(wheels, b"\0" * 20_000_000), said)
    with pytest.raises(PermanentError, match=r"moon-1\.0.* says that its 'moon\.py' has \d+ bytes"):
        check_unpacked([path])
    assert not wheels.exists()


def test_a_file_that_says_less_is_read_no_further_than_to_what_it_says(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read = saying(archive(wheels, b"\0" * 20_000_000), 10), list[int]()
    real = unpacked._inflated
    monkeypatch.setattr(unpacked, "_inflated", lambda *given: read.append(real(*given)) or read[-1])
    with pytest.raises(PermanentError):
        check_unpacked([path])
    assert read[0] <= unpacked._CHUNK, "one chunk is enough to see it"


def test_a_wheel_that_says_too_much_is_refused_before_it_is_read(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saying(archive(wheels, b"x"), 3 * 1024**3)
    monkeypatch.setattr(unpacked, "_inflated", lambda *_: pytest.fail("it was read"))
    with pytest.raises(PermanentError, match="unpacks to 1 files of 3221225472 bytes"):
        check_unpacked([path])
    assert not wheels.exists()


def test_wheels_that_fit_one_by_one_and_not_together_are_refused(wheels: Path) -> None:
    paths = [archive(wheels, b"\0" * 600, name=f"{name}-1.0-py3-none-any.whl") for name in ("moon", "tide")]
    check_unpacked(paths, tier=1200)
    with pytest.raises(PermanentError, match=r"unpack to 1200 bytes, and .* 1199 bytes, has room for 1199"):
        check_unpacked(paths, tier=1199)
    assert not wheels.exists()


def test_wheels_that_are_removed_after_the_install_fail_no_version_and_the_log_says_what_may_happen(
    wheels: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = archive(wheels, b"\0" * 600)
    together = path.stat().st_size + 600
    check_unpacked([path], together)
    assert not capfd.readouterr().err
    check_unpacked([path], together - 1)
    assert path.exists()
    told = capfd.readouterr().err
    assert f"the wheels as well, {together} bytes" in told
    assert f"{together - 1} bytes" in told


def test_what_else_lies_in_the_volume_has_its_room(wheels: Path) -> None:
    path = archive(wheels, b"\0" * 600)
    check_unpacked([path], 600)
    (wheels.parent / "pip.log").write_bytes(b"x")
    with pytest.raises(PermanentError, match="has room for 599 more: choose a larger resource_tier"):
        check_unpacked([path], 600)


def test_a_volume_that_is_over_full_has_room_for_nothing(wheels: Path) -> None:
    path = archive(wheels, b"\0" * 600)
    (wheels.parent / "pip.log").write_bytes(b"x" * 11)
    with pytest.raises(PermanentError, match="the disk of this resource tier, 10 bytes, has room for 0 more"):
        check_unpacked([path], tier=10)


def test_a_node_whose_disk_is_full_is_waited_for_and_blames_no_version(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(wheels, b"\0" * 600)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=599))
    with pytest.raises(TemporaryError, match="unpack to 600 bytes, and the node's disk has 599 bytes free"):
        check_unpacked([path], tier=10**6)
    assert path.exists(), "the next start need not fetch it again"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_counted_is_refused_before_any_of_it_is_read(wheels: Path, compression: int) -> None:
    path = archive(wheels, b"\0" * 1000, compress_type=compression)
    with pytest.raises(PermanentError, match=f"'moon.py' encrypted or compressed by method {compression}"):
        check_said([path], Disk(wheels))
    assert not wheels.exists()


def test_what_is_encrypted_is_refused(wheels: Path) -> None:
    path = archive(wheels, b"x")
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", _LOCAL_FLAGS), (b"PK\x01\x02", _CENTRAL_FLAGS)):
        data[data.index(signature) + at] |= 1
    path.write_bytes(data)
    with pytest.raises(PermanentError, match="encrypted or compressed by method"):
        check_said([path], Disk(wheels))


def test_what_is_no_archive_is_refused(wheels: Path) -> None:
    wheels.mkdir()
    path = wheels / "moon-1.0-py3-none-any.whl"
    path.write_bytes(b"no archive")
    with pytest.raises(PermanentError, match="is not a readable wheel"):
        check_unpacked([path])
