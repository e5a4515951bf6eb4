"""Makes each function's zip under terraform/.build: its main.py and requirements.txt, and the hub's own package.

The same sources give the same bytes: a zip's digest is part of its object's name, and a new name is a new deployment.
"""

import argparse
import json
import zipfile
from collections.abc import Mapping
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
    own = {name: FUNCTIONS / function / name for name in ("main.py", "requirements.txt")}
    modules = {
        str(path.relative_to(LIB)): path
        for path in sorted((LIB / PACKAGE).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return own | modules


def make(function: str, into: Path) -> Path:
    """Write the zip of `function` into the folder `into`; gives its path."""
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{function}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, source in contents(function).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE
            archive.writestr(entry, source.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m terraform.tools.package", description=__doc__)
    parser.add_argument("--into", type=Path, default=BUILD, help=f"the folder of the zips (default: {BUILD.name})")
    into = parser.parse_args(arguments).into
    for function in json.loads((FUNCTIONS / "functions.json").read_text()):
        make(function, into)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
