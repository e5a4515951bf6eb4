"""Wheels, their METADATA, and schemas: what a publisher's own host and CI choose."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile.inputs import REFUSED, Ground, Hostile

FILE = "hostile-1.0.0-py3-none-any.whl"
INFO = "hostile-1.0.0.dist-info"
HEAD = "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0.0\n"
# Such a wheel is sound but for what it is tried with, and may be published.
HARMLESS = REFUSED | {200, 201}


def wheel(metadata: str | bytes = HEAD, compression: int = zipfile.ZIP_DEFLATED, **files: str | bytes) -> bytes:
    """A wheel with these further files; a name's `__` stands for a slash."""
    content: dict[str, str | bytes] = {
        "hostile/__init__.py": "",
        f"{INFO}/METADATA": metadata,
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/RECORD": "",
    }
    return archive(content | {name.replace("__", "/", 1): text for name, text in files.items()}, compression)


def archive(content: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written:
        for name, text in content.items():
            written.writestr(name, text)
    return buffer.getvalue()


def wheels() -> Iterator[Hostile]:
    """Archives that are none, are many, or are bombs."""
    for name, make in _WHEELS.items():
        yield Hostile("wheel", name, "publishing", _hosted(make), HARMLESS if name in _SOUND else REFUSED)


def metadata() -> Iterator[Hostile]:
    """METADATA of very many, very long or very strange headers."""
    for name, text in _METADATA.items():
        expected = HARMLESS if name in _SOUND else REFUSED
        yield Hostile("metadata", name, "publishing", _hosted(lambda text=text: wheel(text())), expected)


def schemas() -> Iterator[Hostile]:
    """Schemas that are slow to check, slow to apply, or none."""
    for number, schema in enumerate(_SCHEMAS):
        yield Hostile("schema", f"config-{number}", "publishing", _with_schema(schema, "config_schema"))
    for number, schema in enumerate(_SCHEMAS[:12]):
        yield Hostile("schema", f"resource-{number}", "publishing", _with_resource(schema))


def slow_wheel() -> bytes:
    """The dearest to read of those here: a directory that takes its child's whole time."""
    return _WHEELS["directory-of-zeros"]()


def _hosted(make: Callable[[], bytes]) -> Callable[[Ground], int]:
    def attempt(ground: Ground) -> int:
        return ground.publish(ground.host(make(), FILE), name="acme/hostile", version="1.0.0")

    return attempt


def _with_schema(schema: Callable[[], Any], field: str) -> Callable[[Ground], int]:
    return lambda ground: ground.publish(**{field: schema()})


def _with_resource(schema: Callable[[], Any]) -> Callable[[Ground], int]:
    return lambda ground: ground.publish(schemas={"thing": {"config_schema": schema()}})


def _end(entries: int, length: int, start: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, length, start, len(comment)) + comment


def _patched(place: int, replacement: bytes) -> bytes:
    data = bytearray(wheel())
    data[place : place + len(replacement)] = replacement
    return bytes(data)


def _many(count: int) -> bytes:
    return wheel(**{f"hostile__m{number}.py": "" for number in range(count)})


def _nested() -> bytes:
    return wheel(**{"hostile__" + "/".join(["a"] * 2000) + ".py": ""})


def _entry_points(*lines: str) -> bytes:
    return wheel(**{f"{INFO}__entry_points.txt": "".join(lines)})


_NAMESPACE = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
_WHEELS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"not a wheel" * 1000,
    "half": lambda: wheel()[: len(wheel()) // 2],
    "without-end": lambda: wheel()[:-22],
    "prefixed": lambda: b"#!/bin/sh\n" + wheel(),
    "suffixed": lambda: wheel() + b"x" * 1000,
    "commented": lambda: wheel()[:-2] + b"\x05\x00hello",
    "end-alone": lambda: b"PK\x03\x04" + _end(0, 0, 4),
    "many-announced": lambda: b"PK\x03\x04" + _end(65535, 0, 4),
    "long-directory": lambda: b"PK\x03\x04" + b"\0" * 1000 + _end(50_000, 2**31, 4),
    "directory-of-zeros": lambda: b"PK\x03\x04" + b"\0" * 4_000_000 + _end(40_000, 4_000_000, 4),
    "random-directory": lambda: b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000 + _end(40_000, 4_000_000, 4),
    "bomb-metadata": lambda: wheel("x" * 50_000_000),
    "bomb-record": lambda: wheel(**{f"{INFO}__RECORD2": "y", "hostile__bomb.py": b"\0" * 100_000_000}),
    "bomb-wheel-file": lambda: archive({f"{INFO}/WHEEL": b"a" * 20_000_000, f"{INFO}/METADATA": HEAD}),
    "30000-files": lambda: _many(30_000),
    "60000-files": lambda: _many(60_000),
    "nested": _nested,
    "deep-init": lambda: wheel(**{"other____init__.py": "(" * 60_000}),
    "deep-minus": lambda: wheel(**{"other____init__.py": "-" * 60_000 + "1"}),
    "deep-attribute": lambda: wheel(**{"other____init__.py": "a" + ".a" * 30_000}),
    "nul-init": lambda: wheel(**{"other____init__.py": "\0" * 1000}),
    "many-entry-points": lambda: _entry_points("[pragma.provider]\n", *(f"a{n} = hostile\n" for n in range(50_000))),
    "entry-points-folded": lambda: _entry_points("[pragma.provider]\na = b\n", " c\n" * 200_000),
    "entry-points-sections": lambda: _entry_points(*(f"[s{n}]\n" for n in range(60_000))),
    "many-namespaces": lambda: wheel(**{f"n{n}____init__.py": _NAMESPACE for n in range(2000)}),
    "lzma": lambda: wheel(compression=zipfile.ZIP_LZMA),
    "bzip2": lambda: wheel(compression=zipfile.ZIP_BZIP2),
    "damaged-data": lambda: _patched(40, b"\xff" * 30),
    "damaged-name": lambda: _patched(30, b"\xff\xfe\xff"),
    "traversal": lambda: archive({"../../etc/passwd": "x"}),
    "absolute": lambda: archive({"/etc/passwd": "x"}),
    "backslash": lambda: archive({"a\\..\\b": "x"}),
    "drive": lambda: archive({"C:/x": "x"}),
    "no-dist-info": lambda: archive({"hostile/__init__.py": ""}),
    "two-dist-infos": lambda: wheel(**{"other-1.0.0.dist-info__METADATA": HEAD}),
    "foreign-dist-info": lambda: archive({"other-1.0.0.dist-info/METADATA": HEAD}),
    "long-names": lambda: wheel(**{f"hostile__{'m' * 30_000}{n}.py": "" for n in range(60)}),
    "stdlib-package": lambda: archive({"os/__init__.py": "", f"{INFO}/METADATA": HEAD}),
    "unicode-names": lambda: wheel(**{f"hostile__\u202e{n}.py": "" for n in range(100)}),
}  # fmt: skip
_METADATA: dict[str, Callable[[], str | bytes]] = {
    "2001-headers": lambda: HEAD + "".join(f"X-{n}: y\n" for n in range(2001)),
    "30000-headers": lambda: HEAD + "".join(f"X-{n}: y\n" for n in range(30_000)),
    "180000-headers": lambda: HEAD + "".join(f"{n:x}:\n" for n in range(150_000)),
    "150000-classifiers": lambda: HEAD + "Keywords:\n" * 90_000,
    "folded": lambda: HEAD + "Summary: a\n" + " b\n" * 300_000,
    "carriage-returns": lambda: HEAD + "\r" * 900_000,
    "returned-headers": lambda: HEAD + "X: y\r" * 150_000,
    "one-line": lambda: HEAD + "X: " + "y" * 1_000_000,
    "long-summary": lambda: HEAD + "Summary: " + "y" * 900_000 + "\n",
    "long-name": lambda: f"Metadata-Version: 2.1\nName: {'a' * 900_000}\nVersion: 1.0.0\n",
    "long-version": lambda: f"Metadata-Version: 2.1\nName: hostile\nVersion: {'1.' * 450_000}0\n",
    "epoch": lambda: f"Metadata-Version: 2.1\nName: hostile\nVersion: {'9' * 4000}!1\n",
    "requires-python-list": lambda: HEAD + "Requires-Python: " + ",".join([">=3.8"] * 100_000) + "\n",
    "requires-python-words": lambda: HEAD + "Requires-Python: " + "=" * 100_000 + "\n",
    "requires-dist-1001": lambda: HEAD + "Requires-Dist: a\n" * 1001,
    "requires-dist-extras": lambda: HEAD + "Requires-Dist: a[" + ",".join(["b"] * 100_000) + "]\n",
    "requires-dist-marker": lambda: HEAD + "Requires-Dist: a; " + "(" * 50_000 + "\n",
    "requires-dist-compared": lambda: HEAD + "Requires-Dist: a; sys_platform ~= 'linux'\n",
    "requires-dist-ands": lambda: HEAD + "Requires-Dist: a; " + " and ".join(["os_name=='a'"] * 30_000) + "\n",
    "requires-dist-specifiers": lambda: HEAD + "Requires-Dist: a" + ",".join([">1"] * 100_000) + "\n",
    "requires-dist-url": lambda: HEAD + "Requires-Dist: a @ https://evil.example/a.tar.gz\n",
    "requires-dist-folded": lambda: (
        HEAD + "Requires-Dist: a; sys_platform != 'b\n --index-url https://evil.example/\n '\n"
    ),
    "requires-dist-git": lambda: HEAD + "Requires-Dist: a @ git+https://evil.example/a\n",
    "nul": lambda: HEAD + "\0" * 900_000,
    "latin": lambda: HEAD.encode() + b"Summary: \xe9\n",
    "two-names": lambda: HEAD + "Name: other\n",
    "other-version": lambda: HEAD.replace("1.0.0", "2.0.0"),
    "encoded-words": lambda: HEAD + "Summary: " + "=?utf-8?b?eA==?= " * 30_000 + "\n",
    "no-headers": lambda: "\n" + HEAD,
    "colons": lambda: ":" * 900_000,
    "spaces": lambda: " " * 900_000,
    "body-megabyte": lambda: HEAD + "\n" + "x" * 2_000_000,
}  # fmt: skip
# Sound wheels with much in them: the first of them is published, and then they are the same version with other bytes.
_SOUND = frozenset({
    "30000-files", "bomb-record", "deep-init", "deep-minus", "deep-attribute", "nul-init", "many-namespaces", "nested",
    "entry-points-sections", "unicode-names", "long-names", "long-summary", "one-line", "encoded-words",
    "many-entry-points",
    "entry-points-folded",
})  # fmt: skip


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


_SCHEMAS: tuple[Callable[[], Any], ...] = (
    lambda: {"$schema": "http://json-schema.org/draft-04/schema#", "enum": [{"x": n} for n in range(8000)]},
    lambda: {"$schema": "http://json-schema.org/draft-07/schema#"},
    lambda: {"$schema": "https://evil.example/schema"},
    lambda: {"$schema": {}},
    lambda: {"enum": [{"x": n} for n in range(15_000)]},
    lambda: {"properties": {f"p{n}": {"type": "nonsense"} for n in range(8000)}},
    lambda: {"properties": {f"p{n}": {"$ref": "#"} for n in range(10_000)}},
    lambda: {"allOf": [{}] * 60_000},
    lambda: {"anyOf": [{"not": {}} for _ in range(10_000)]},
    lambda: _deep(180),
    lambda: {"pattern": "(" * 100_000},
    lambda: {"pattern": "(a+)+" * 1000 + "("},
    lambda: {"pattern": "a{1,65535}" * 400},
    lambda: {"patternProperties": {"[": {}}},
    lambda: {"patternProperties": {f"({n}": {} for n in range(5000)}},
    lambda: {"required": ["a"] * 60_000},
    lambda: {"required": [["a"]] * 60_000},
    lambda: {"$ref": "https://evil.example/x"},
    lambda: {"$ref": "file:///etc/passwd"},
    lambda: {"$dynamicRef": "http://169.254.169.254/"},
    lambda: {"$id": "https://evil.example/#x"},
    lambda: {"type": ["string"] * 60_000},
    lambda: {"multipleOf": 0},
    lambda: {"multipleOf": -1e-300},
    lambda: {"minLength": -1},
    lambda: {"maxLength": 1.5},
    lambda: {"items": [{}]},
    lambda: {"dependentRequired": {"a": [1]}},
    lambda: {"$defs": []},
    lambda: {"description": "x" * 300_000},
    lambda: {"title": ["x"]},
    list,
    lambda: "schema",
    lambda: 5,
)
