"""How a wheel gets onto the local host."""

import hashlib
from pathlib import Path

import pytest

from local_stack.errors import LocalError
from local_stack.wheelhost import add_wheel

NAME = "my_provider-1.0.0-py3-none-any.whl"
BASE = "https://localhost:1"


def wheel(directory: Path, content: bytes = b"bytes", name: str = NAME) -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_bytes(content)
    return file


def test_a_wheel_is_copied_and_its_url_and_digest_are_told(tmp_path: Path) -> None:
    added = add_wheel(wheel(tmp_path / "dist"), tmp_path / "wheels", BASE)
    assert added.url == f"{BASE}/{NAME}"
    assert added.sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert (tmp_path / "wheels" / NAME).read_bytes() == b"bytes"
    assert [file.name for file in (tmp_path / "wheels").iterdir()] == [NAME]


def test_the_same_wheel_again_is_the_same_wheel(tmp_path: Path) -> None:
    file = wheel(tmp_path / "dist")
    assert add_wheel(file, tmp_path / "wheels", BASE) == add_wheel(file, tmp_path / "wheels", BASE)


def test_other_bytes_under_a_name_are_refused_and_the_first_stay(tmp_path: Path) -> None:
    add_wheel(wheel(tmp_path / "dist"), tmp_path / "wheels", BASE)
    with pytest.raises(LocalError, match="never replaced: build it under a new version"):
        add_wheel(wheel(tmp_path / "dist", b"others"), tmp_path / "wheels", BASE)
    assert (tmp_path / "wheels" / NAME).read_bytes() == b"bytes"


@pytest.mark.parametrize("name", ["x.whl", "my_provider-1.0.0.tar.gz", ".hidden-1-py3-none-any.whl", "a-1-b-c d-e.whl"])
def test_what_is_no_wheel_by_its_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalError, match="is no wheel's file name"):
        add_wheel(wheel(tmp_path / "dist", name=name), tmp_path / "wheels", BASE)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot read .*: No such file or directory"):
        add_wheel(tmp_path / NAME, tmp_path / "wheels", BASE)
