"""When an emulator starts with an archive of its classes, and when it starts without."""

import zipfile
from pathlib import Path

import pytest

from local_stack import java as javas
from local_stack.emulators import Emulator
from local_stack.java import class_archive

JAVA_25_CLASS = b"\xca\xfe\xba\xbe" + (0).to_bytes(2) + (69).to_bytes(2)


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A JAVA_HOME whose `java` says that it is Java 25."""
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return program


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    jar = tmp_path / "emulator.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("com/example/Main.class", JAVA_25_CLASS)
    return Emulator("example", jar, "com.example.Main")


def archived(emulator: Emulator, java: Path) -> Path:
    archive = class_archive(str(java), emulator.jar)
    archive.parent.mkdir(parents=True)
    archive.touch()
    return archive


def test_an_emulator_starts_with_the_archive_of_its_jar_and_its_java(emulator: Emulator, java: Path) -> None:
    archive = archived(emulator, java)
    command = emulator.command(8000)
    assert command[0] == str(java)
    assert f"-XX:SharedArchiveFile={archive}" in command


def test_an_emulator_without_an_archive_starts_as_ever(emulator: Emulator, java: Path) -> None:
    command = emulator.command(8000)
    assert command[0] == str(java)
    assert not any("Archive" in option for option in command)


def test_an_archive_of_another_jar_is_left_alone(emulator: Emulator, java: Path) -> None:
    archived(emulator, java)
    with zipfile.ZipFile(emulator.jar, "a") as archive:
        archive.writestr("com/example/Other.class", b"newer")
    assert not any("Archive" in option for option in emulator.command(8000))


def test_an_archive_that_other_calls_made_is_left_alone(
    emulator: Emulator, java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(emulator, java)
    (tmp_path / "class_archives.py").write_text("# makes other calls\n")
    monkeypatch.setattr(javas, "_CALLS", tmp_path / "class_archives.py")
    assert not any("Archive" in option for option in emulator.command(8000))
