"""No regular expression of ours takes long over any text: whoever chooses the text would stop every other thread.

Python's `re` backtracks and holds the interpreter's lock meanwhile. All modules are imported and every compiled
pattern in them is run, by the methods that its module calls, on 64 KiB of what is likely to be worst for it:
repetitions of its own words, of the separators around them, and of both, with ends that match and ends that do not.
"""

import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import hub_cli
import local_kubernetes
import local_stack
import pragma_runtime
import provider_hub

PACKAGES = (provider_hub, pragma_runtime, hub_cli, local_stack, local_kubernetes)
SIZES = (4 * 1024, 64 * 1024)
# Quadratic patterns take minutes. What is linear takes some milliseconds; a machine may be twenty times slower.
BOUND_SECONDS = 1.0
SEPARATORS = " =:/.-_a0\"'%@,\n\\&?#+[("
# What a pattern may begin with: letters, but no words of what it looks for.
BEGINNINGS = re.compile(r"\(\?=\[[^]]*\]\)")
METHODS = ("search", "match", "fullmatch", "sub", "findall", "finditer", "split")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith(("__main__", "image_entry")):
                yield importlib.import_module(found.name)


def patterns() -> dict[str, tuple[re.Pattern[str], tuple[str, ...]]]:
    """By where it stands: each text pattern, and the methods that its module calls on it."""
    found: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] = {}
    for module in modules():
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        owners = [module, *(each for each in classes if each.__module__ == module.__name__)]
        for name, value in itertools.chain.from_iterable(vars(owner).items() for owner in owners):
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                source = Path(str(module.__file__)).read_text()
                called = tuple(method for method in METHODS if re.search(rf"\b{name}\.{method}\b", source))
                found[f"{module.__name__}.{name}"] = (value, called or METHODS[1:3])
    return found


PATTERNS = patterns()


def worst_texts(pattern: str) -> Iterator[tuple[str, str, str]]:
    """A beginning, what is repeated, and an end."""
    words = list(dict.fromkeys(re.findall(r"[A-Za-z]{2,}(?:://)?", BEGINNINGS.sub("", pattern))))[:6]
    units = [*SEPARATORS, *words, *(word + mark for word in words[:3] for mark in " =:/\"'")]
    for unit, start, end in itertools.product(units, ("", *words[:2]), ("", "\0")):
        yield start, unit, end


def seconds(pattern: re.Pattern[str], method: str, text: str) -> float:
    begun = time.perf_counter()
    if method == "sub":
        pattern.sub("", text)
    elif method == "finditer":
        list(pattern.finditer(text))
    else:
        getattr(pattern, method)(text)
    return time.perf_counter() - begun


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_is_done_soon_with_its_worst_text(name: str) -> None:
    pattern, methods = PATTERNS[name]
    for method, (start, unit, end) in itertools.product(methods, worst_texts(pattern.pattern)):
        for size in SIZES:
            text = start + unit * (size // len(unit)) + end
            spent = seconds(pattern, method, text)
            if spent > BOUND_SECONDS / 2:
                spent = min(spent, seconds(pattern, method, text))  # the machine may have been busy
            assert spent < BOUND_SECONDS, f"{method}({start!r} + {unit!r} * … + {end!r}) of {size} took {spent:.2f} s"


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 20
    assert "provider_hub.domain.masking._LABELLED" in PATTERNS
