"""The Terraform configuration as data: its blocks, and the locals whose values are literals."""

import re
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
# As `terraform fmt` writes it: a block begins and ends at the beginning of a line.
_BLOCK = re.compile(r'^(\w+)((?: "[^"\n]+")*) \{(?:[^\n]*\}|\n.*?^\})$', re.MULTILINE | re.DOTALL)
_OPTIONS = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)


@dataclass(frozen=True)
class Block:
    """One top-level block, `text` as its file has it."""

    path: Path
    kind: str
    labels: tuple[str, ...]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """What the block says: an expression is a string `${…}`, a nested block a list of mappings."""
        return _body_of(self.text, len(self.labels))

    def sets(self, name: str) -> bool:
        """Whether the block itself, and not only one within it, gives a value to the argument."""
        written = re.search(rf"(?:^  |\{{ ){re.escape(name)} +=", self.text, re.MULTILINE)
        return written is not None and name in self.body

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
        values = [block.body[name] for block in self.of("locals") if block.sets(name)]
        if not values:
            raise KeyError(name)
        return values[-1]


def read(directory: Path = HUB) -> Configuration:
    """The .tf files of one directory, the module `hub` unless another is given, not of those below it.

    Raises ValueError for a file that is not formatted as `terraform fmt` does it.
    """
    files = sorted(directory.glob("*.tf"))
    return Configuration(tuple(block for path in files for block in _blocks_of(path, path.read_text())))


def _blocks_of(path: Path, text: str) -> Iterator[Block]:
    """The blocks are found by the lines that they begin and end at: few readers look into more than a few of them."""
    beside = [line for line in _BLOCK.sub("", text).splitlines() if line and not line.startswith("#")]
    if beside:
        raise ValueError(f"{path}: {beside[0]!r} is in no block; run terraform fmt -recursive terraform")
    for found in _BLOCK.finditer(text):
        yield Block(path, found[1], tuple(re.findall('"(.+?)"', found[2])), found[0])


@cache
def _body_of(text: str, labels: int) -> dict[str, Any]:
    """Kept by the text: the parser takes milliseconds for a line, and many readers ask for the same blocks."""
    ((entry,),) = hcl2.loads(f"{text}\n", serialization_options=_OPTIONS).values()
    for _ in range(labels):
        (entry,) = entry.values()
    body: dict[str, Any] = _plain(entry)
    return body


def _plain(value: Any) -> Any:
    """With all keys unquoted."""
    if isinstance(value, dict):
        return {str(key).strip('"'): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
