"""The tables of a module's README that list its inputs and outputs, as its .tf files declare them."""

import re
from pathlib import Path

from terraform.tools.configuration import HUB, Block, read

# An argument of a block from its name to the next one, or to the block's end.
_ARGUMENT = r"^  {name} += (.*?)(?=^  \w|^}})"


def interface_tables(module: Path = HUB) -> str:
    """Inputs and outputs of a module, as Markdown."""
    return f"### Inputs\n\n{inputs_table(module)}\n\n### Outputs\n\n{outputs_table(module)}"


def inputs_table(module: Path) -> str:
    """Each variable with its type and default."""
    rows = ["| name | what | type | default |", "|---|---|---|---|"]
    for block in sorted(read(module).of("variable"), key=_name):
        default = f"`{_written(block, 'default')}`" if "default" in block.body else "**required**"
        rows.append(f"| `{block.address}` | {_cell(block)} | `{_written(block, 'type')}` | {default} |")
    return "\n".join(rows)


def outputs_table(module: Path) -> str:
    """Each output."""
    rows = ["| name | what |", "|---|---|"]
    rows += [f"| `{block.address}` | {_cell(block)} |" for block in sorted(read(module).of("output"), key=_name)]
    return "\n".join(rows)


def _name(block: Block) -> str:
    return block.address


def _cell(block: Block) -> str:
    """The description, which a bar in it would end, and a pair of angles hide."""
    text = str(block.body["description"]).replace('\\"', '"')
    return text.replace("|", "\\|").replace("<", "&lt;")


def _written(block: Block, argument: str) -> str:
    """An argument as the file has it, on one line."""
    _, _, text = block.path.read_text().partition(f'\n{block.kind} "{block.address}" {{\n')
    if not text:  # the file's first block
        _, _, text = block.path.read_text().partition(f'{block.kind} "{block.address}" {{\n')
    found = re.search(_ARGUMENT.format(name=argument), text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"{block.path.name}: {block.address} has no {argument}")
    members = re.sub(r"\s*\n\s*", ", ", found[1].strip())
    together = re.sub(r"([({\[]), ", r"\1", re.sub(r", ([)}\]])", r"\1", members))
    return " ".join(together.split()).replace("|", "\\|")
