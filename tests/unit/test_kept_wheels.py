"""What a wheel puts into the bucket is charged as it is put: each object once, and METADATA too."""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

import pytest

from provider_hub.actions.wheels import Wheel
from provider_hub.adapters.wheels.verified import KeepableWheel
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.wheels import Packages


class Bucket:
    """Keeps names alone. It fails at the object of that number, counted from one."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.fails_at = 0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        raise AssertionError(f"to keep a wheel needs no {method}")

    def url_of(self, name: str) -> str:
        return f"https://storage.example/{name}"

    def put(self, name: str, _content: IO[bytes]) -> bool:
        self.fails_at -= 1
        if self.fails_at == 0:
            raise TemporaryError("the bucket is down")
        is_new = name not in self.names
        self.names.add(name)
        return is_new


def keepable(bucket: Bucket, digest: str, metadata: bytes) -> KeepableWheel:
    file_name = "weather-1.0.0-py3-none-any.whl"
    wheel = Wheel(digest * 64, "1.0.0", Packages.only("weather"), "weather", None, None, file_name, size=1000)
    return KeepableWheel(wheel, metadata, BytesIO(), bucket)


def charged(wheel: KeepableWheel) -> list[int]:
    told: list[int] = []
    wheel.keep(told.append)
    return told


def test_a_wheel_and_its_metadata_are_charged_where_they_are_new() -> None:
    bucket = Bucket()
    wheel = keepable(bucket, "a", b"x" * 300)
    assert wheel.kept_size == 1300
    assert charged(wheel) == [1000, 300]
    assert charged(wheel) == []
    assert charged(keepable(bucket, "b", b"x" * 300)) == [1000], "the same METADATA is kept already"
    assert charged(keepable(bucket, "a", b"y" * 200)) == [200]


def test_a_bucket_that_fails_in_between_leaves_what_it_took_charged() -> None:
    bucket, told = Bucket(), list[int]()
    bucket.fails_at = 2
    with pytest.raises(TemporaryError):
        keepable(bucket, "a", b"x").keep(told.append)
    assert told == [1000]
