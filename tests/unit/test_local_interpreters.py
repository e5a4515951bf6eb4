"""Which Pythons of a machine become runtime versions, and what a container of their images gets."""

import platform
import shutil
import sys
from pathlib import Path

import pytest

from local_kubernetes.node.images import is_valid_reference, local_images
from local_stack.interpreters import Interpreter, find_interpreters, own_interpreter, probed

BASE = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}").resolve()


def program(path: Path, content: bytes = b"\x7fELF and so on") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def found(environment: dict[str, str], versions: dict[Path, str]) -> list[Interpreter]:
    def probe(path: Path) -> Interpreter | None:
        return Interpreter(path, versions[path]) if path in versions else None

    return [one for one in find_interpreters(environment, probe) if one != own_interpreter()]


def test_interpreters_are_found_on_the_path_and_in_the_folders_of_pyenv_and_uv(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "python3.12")
    pyenv = program(tmp_path / "home" / ".pyenv" / "versions" / "3.14.1" / "bin" / "python3")
    uv = program(tmp_path / "home" / ".local" / "share" / "uv" / "python" / "cpython-3.13.9-linux" / "bin" / "python3")
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}

    interpreters = found(environment, {on_path: "3.12.10", pyenv: "3.14.1", uv: "3.13.9"})

    assert interpreters == [Interpreter(pyenv, "3.14.1"), Interpreter(uv, "3.13.9"), Interpreter(on_path, "3.12.10")]


def test_the_variables_of_pyenv_and_uv_name_their_folders(tmp_path: Path) -> None:
    pyenv = program(tmp_path / "pyenv" / "versions" / "3.14.1" / "bin" / "python3")
    uv = program(tmp_path / "uv" / "cpython-3.13.9-linux" / "bin" / "python3")
    environment = {"PATH": "", "PYENV_ROOT": str(tmp_path / "pyenv"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv")}
    assert [one.executable for one in found(environment, {pyenv: "3.14.1", uv: "3.13.9"})] == [pyenv, uv]


def test_several_names_of_one_program_are_one_interpreter(tmp_path: Path) -> None:
    real = program(tmp_path / "opt" / "python3.12")
    (tmp_path / "bin").mkdir()
    for name in ("python3", "python3.12"):
        (tmp_path / "bin" / name).symlink_to(real)
    assert found({"PATH": str(tmp_path / "bin")}, {real: "3.12.10"}) == [Interpreter(real, "3.12.10")]


def test_scripts_dangling_links_and_other_programs_are_never_started(tmp_path: Path) -> None:
    directory = tmp_path / "bin"
    shim = program(directory / "python3.12", b"#!/bin/sh\nexec pyenv exec python3.12\n")
    other = program(directory / "python3-config")
    (directory / "python3.13").symlink_to(tmp_path / "gone")
    assert found({"PATH": str(directory)}, {shim: "3.12.1", other: "3.12.1"}) == []


def test_the_interpreter_of_this_process_is_there_once_though_its_environment_has_a_copy_of_it(tmp_path: Path) -> None:
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "python3").symlink_to(BASE)
    assert find_interpreters({"PATH": str(directory)}) == [own_interpreter()]


def test_an_interpreter_says_its_version_and_whether_it_can_run_pods() -> None:
    interpreter = probed(BASE)
    assert interpreter is not None
    assert interpreter.version == platform.python_version()


@pytest.mark.parametrize("name", ["true", "false"])
def test_a_program_that_is_no_python_is_left_out(name: str) -> None:
    path = shutil.which(name)
    assert path
    assert probed(Path(path)) is None


def test_an_interpreter_and_release_is_one_image_with_a_name_that_a_cluster_takes() -> None:
    image = Interpreter(Path("/opt/bin/python3.13"), "3.13.2").image
    assert is_valid_reference(image)
    assert image.startswith("provider-hub/pragma-runtime-python3.13@sha256:")
    assert image == Interpreter(Path("/opt/bin/python3.13"), "3.13.2").image
    assert image != Interpreter(Path("/opt/bin/python3.13"), "3.13.3").image
    assert image != Interpreter(Path("/usr/bin/python3.13"), "3.13.2").image


def test_a_container_gets_the_interpreter_of_its_image_and_the_first_one_for_an_unknown_image() -> None:
    known = {"runtime:3.13": Path("/opt/3.13/bin/python3"), "runtime:3.12": Path("/opt/3.12/bin/python3")}
    images = local_images(known, Path("/venv/bin/python"), Path("/srv/lib"), {})
    assert images.of("runtime:3.12").interpreter == Path("/opt/3.12/bin/python3")
    assert images.of("runtime:3.12").environment["PATH"].startswith("/opt/3.12/bin:")
    assert images.of("runtime:3.12").environment["PYTHONPATH"] == "/srv/lib"
    assert images.of("anything").interpreter == Path("/opt/3.13/bin/python3")


def test_a_node_without_named_images_runs_every_image_with_its_own_interpreter() -> None:
    image = local_images({}, Path("/venv/bin/python"), None, {}).of("anything")
    assert image.interpreter == Path("/venv/bin/python")
    assert "PYTHONPATH" not in image.environment
