"""Writes the root configuration's `main.tf`, `variables.tf` and `outputs.tf` from the module `modules/hub`.

The root adds providers, a backend and the addresses of older states to the module, and nothing else: each variable and
output of the module is one of the root, by the same name. The module alone checks what is given. With `--check` nothing
is written, and a file that is out of date makes it fail.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

from terraform.tools.configuration import HUB, TERRAFORM, Configuration, read

COMMAND = "python -m terraform.tools.root"
_MADE = f"# Made by `{COMMAND}` from modules/hub: change it there, and run `make generate`.\n"
_CHECK = re.compile(r"^  validation \{\n.*?^  \}\n", re.DOTALL | re.MULTILINE)


def files() -> Mapping[str, str]:
    """The text that each of the files should have, by its name."""
    hub = read(HUB)
    return {
        "main.tf": _MADE + _call(_names(hub, "variable")),
        "variables.tf": f"{_MADE}# What is given is checked there too.\n\n{_variables()}",
        "outputs.tf": f"{_MADE}\n{_outputs(hub)}",
    }


def _names(configuration: Configuration, kind: str) -> Sequence[str]:
    return sorted(block.address for block in configuration.of(kind))


def _call(names: Sequence[str]) -> str:
    width = max(map(len, names))
    arguments = "\n".join(f"  {name:<{width}} = var.{name}" for name in names)
    return f'module "hub" {{\n  source = "./modules/hub"\n\n{arguments}\n}}\n'


def _variables() -> str:
    return _CHECK.sub("", (HUB / "variables.tf").read_text())


def _outputs(hub: Configuration) -> str:
    blocks = sorted(hub.of("output"), key=lambda block: block.address)
    return "\n".join(
        f'output "{block.address}" {{\n  description = "{block.body["description"]}"\n'
        f"  value       = module.hub.{block.address}\n}}\n"
        for block in blocks
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not up to date")
    check = parser.parse_args(arguments).check
    stale = {name: text for name, text in files().items() if _found(name) != text}
    if check and stale:
        print(f"terraform/{', terraform/'.join(stale)} are out of date: run `{COMMAND}`", file=sys.stderr)
        return 1
    for name, text in stale.items():
        (TERRAFORM / name).write_text(text)
    return 0


def _found(name: str) -> str:
    path = TERRAFORM / name
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    raise SystemExit(main())
