"""Makes each function's zip under terraform/.build: its main.py and requirements.txt, and the hub's own package.

The same sources give the same bytes: a zip's digest is part of its object's name, and a new name is a new deployment.
"""

import argparse
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

TERRAFORM = Path(__file__).resolve().parents[1]
FUNCTIONS = TERRAFORM.parent / "functions"
LIB = TERRAFORM.parent / "lib"
PACKAGE = "provider_hub"
BUILD = TERRAFORM / ".build"

# Zip knows no time before 1980, and any fixed one makes the archive a function of its content.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def contents(function: str) -> Mapping[str, Path]:
    """What goes into the zip of `function`, by its name there."""
    return {**_library(), **_own(function)}


def make(functions: Iterable[str], into: Path) -> Mapping[str, Path]:
    """Write the zip of each function into the folder `into`; gives their paths by the functions' names.

    The library is in all of them and compressed once: each zip begins as a copy of the library's archive.
    """
    into.mkdir(parents=True, exist_ok=True)
    library = _added(b"", _library())
    made = {function: into / f"{function}.zip" for function in functions}
    for function, path in made.items():
        path.write_bytes(_added(library, _own(function)))
    return made


def _own(function: str) -> Mapping[str, Path]:
    return {name: FUNCTIONS / function / name for name in ("main.py", "requirements.txt")}


def _library() -> Mapping[str, Path]:
    return {
        str(path.relative_to(LIB)): path
        for path in sorted((LIB / PACKAGE).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _added(archive: bytes, files: Mapping[str, Path]) -> bytes:
    """The bytes of a zip with more files at its end; of an empty one, those of a zip with these files alone."""
    content = io.BytesIO(archive)
    with zipfile.ZipFile(content, "a") as opened:
        for name, source in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE
            opened.writestr(entry, source.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m terraform.tools.package", description=__doc__)
    parser.add_argument("--into", type=Path, default=BUILD, help=f"the folder of the zips (default: {BUILD.name})")
    into = parser.parse_args(arguments).into
    make(json.loads((FUNCTIONS / "functions.json").read_text()), into)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
