"""The Terraform configuration as data: its blocks, and the locals whose values are literals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

TERRAFORM = Path(__file__).resolve().parents[1]
# Where everything is provisioned; the root only calls it.
HUB = TERRAFORM / "modules" / "hub"
_OPTIONS = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
_LABELS = {"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}


@dataclass(frozen=True)
class Block:
    """One top-level block; an expression in `body` is a string `${…}`, a nested block a list of mappings."""

    path: Path
    kind: str
    labels: tuple[str, ...]
    body: dict[str, Any]

    @property
    def type(self) -> str:
        """What kind of resource or data source it is; "" for a block without labels."""
        return self.labels[0] if self.labels else ""

    @property
    def address(self) -> str:
        return ".".join(self.labels)

    @property
    def comment(self) -> str:
        """The comment right above it, in one line; "" where there is none."""
        head = " ".join([self.kind, *(f'"{label}"' for label in self.labels), "{"])
        lines = self.path.read_text().partition(f"\n{head}")[0].splitlines()
        above: list[str] = []
        while lines and lines[-1].startswith("#"):
            above.insert(0, lines.pop().removeprefix("#").strip())
        return " ".join(above)


@dataclass(frozen=True)
class Configuration:
    """One directory of .tf files: a module, or a root that calls one."""

    blocks: tuple[Block, ...]

    def of(self, kind: str, type_: str | None = None) -> tuple[Block, ...]:
        """The blocks of a kind, of one resource type if given."""
        return tuple(block for block in self.blocks if block.kind == kind and type_ in (None, block.type))

    def resource(self, address: str) -> Block:
        """The resource at `type.name`. Raises KeyError."""
        found = {block.address: block for block in self.of("resource")}
        return found[address]

    def local(self, name: str) -> Any:
        """A local's value as it is written. Raises KeyError."""
        values = {key: value for block in self.of("locals") for key, value in block.body.items()}
        return values[name]


def read(directory: Path = HUB) -> Configuration:
    """Parse the .tf files of one directory, the module `hub` unless another is given, not of those below it."""
    files = sorted(directory.glob("*.tf"))
    return Configuration(tuple(block for path in files for block in _blocks_of(path, path.read_text())))


@cache
def _blocks_of(path: Path, text: str) -> tuple[Block, ...]:
    """Kept by the text: the parser takes a tenth of a second for a file, and many readers ask for the same ones."""
    return tuple(_parsed(path, text))


def _parsed(path: Path, text: str) -> Iterator[Block]:
    for kind, entries in hcl2.loads(text, serialization_options=_OPTIONS).items():
        for entry in entries if isinstance(entries, list) else ():
            labels: tuple[str, ...] = ()
            body = entry
            for _ in range(_LABELS.get(kind, 0)):
                ((label, body),) = body.items()
                labels += (label.strip('"'),)
            yield Block(path, kind, labels, _plain(body))


def _plain(value: Any) -> Any:
    """With all keys unquoted."""
    if isinstance(value, dict):
        return {str(key).strip('"'): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
