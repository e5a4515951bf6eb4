"""The largest wheel lies on a function's disk, which is memory in the cloud, and takes next to none beside that."""

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from provider_hub.actions.wheels import StoredUpload
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.domain.artifacts import MAX_BYTES, upload_name
from provider_hub.domain.names import ProviderName

FILE = "large-1.0.0-py3-none-any.whl"
INFO = "large-1.0.0.dist-info"
_MIB = 1024**2
_CHUNK = 256 * 1024


class StreamingBucket:
    """Hands over and takes an object piece by piece, as the real one does, and keeps none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getattr__(self, method: str) -> Callable[..., Any]:
        raise AssertionError(f"an upload needs no {method}")

    def size_of(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def url_of(self, name: str) -> str:
        return f"https://storage.example/{name}"

    def fetch(self, name: str, into: IO[bytes]) -> bool:
        with (self.folder / name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                into.write(chunk)
        return True

    def put(self, name: str, content: IO[bytes]) -> bool:
        content.seek(0)
        while content.read(_CHUNK):
            pass
        return True


def large_wheel(path: Path) -> int:
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("large/__init__.py", "")
        with archive.open("large/model.bin", "w") as file:
            for _ in range(255):
                file.write(bytes(_MIB))
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: large\nVersion: 1.0.0\n")
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{INFO}/RECORD", "")
    return path.stat().st_size


def test_the_largest_wheel_is_verified_and_kept_within_some_megabytes(tmp_path: Path) -> None:
    name = upload_name("01JZ", FILE)
    size = large_wheel(tmp_path / name)
    assert MAX_BYTES - _MIB < size <= MAX_BYTES
    wheels = VerifiedWheels(FetchPolicy(), StreamingBucket(tmp_path))
    tracemalloc.start()
    try:
        upload = StoredUpload(name, FILE, size)
        with wheels.fetch(upload, None, ProviderName("acme", "large"), "1.0.0") as delivery:
            charged: list[int] = []
            delivery.keep(charged.append)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        (tmp_path / name).unlink()
    assert delivery.wheel.size == size
    assert sum(charged) == delivery.kept_size > size, "METADATA lies beside it"
    assert peak < 8 * _MIB
