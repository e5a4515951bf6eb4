"""Tells for which wheels it is certain that this interpreter can load them, by the tags in their names."""

import os
import re
import sys
from collections.abc import Sequence

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(x86_64|aarch64)")
_OLD_NAMES = {"manylinux1_": "manylinux_2_5_", "manylinux2010_": "manylinux_2_12_", "manylinux2014_": "manylinux_2_17_"}
_STABLE = re.compile(r"cp3(\d+)")


def runs_here(stem: str) -> bool:
    """Whether a wheel whose file name is `stem`.whl is one for this interpreter; False also where it is not certain.

    Certain are pure wheels for any Python 3, and those that were compiled for this CPython, or for its stable interface
    since this one or an older one, against a glibc that is not newer than this machine's.
    """
    pythons, abis, platforms = (part.split(".") for part in stem.split("-")[-3:])
    if (abis, platforms) == (["none"], ["any"]):
        return "py3" in pythons
    # A free-threaded or a debug build has flags, and takes other wheels.
    if sys.implementation.name != "cpython" or sys.abiflags or sys.maxsize <= 2**32:
        return False
    return _has_our_interface(pythons, abis) and any(map(_is_our_platform, platforms))


def _has_our_interface(pythons: Sequence[str], abis: Sequence[str]) -> bool:
    ours = f"cp{sys.version_info.major}{sys.version_info.minor}"
    if ours in abis:
        return ours in pythons
    since = [int(match[1]) for python in pythons if (match := _STABLE.fullmatch(python))]
    return "abi3" in abis and any(2 <= minor <= sys.version_info.minor for minor in since)


def _is_our_platform(tag: str) -> bool:
    for old, new in _OLD_NAMES.items():
        tag = tag.replace(old, new, 1) if tag.startswith(old) else tag
    match = _MANYLINUX.fullmatch(tag)
    return match is not None and match[3] == os.uname().machine and (int(match[1]), int(match[2])) <= _glibc()


def _glibc() -> tuple[int, ...]:
    """The version of the C library; (0, 0) where it is not glibc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        return tuple(map(int, version.split(".")[:2])) if name == "glibc" else (0, 0)
    except (ValueError, OSError):
        return (0, 0)
