"""Kubernetes quantities: `500m`, `1.5Gi`, `2e3`; parsed exactly and written back in canonical form."""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_FORM = re.compile(
    r"([+-]?(?:[0-9]{1,99}(?:\.[0-9]{0,99})?|\.[0-9]{1,99}))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,9})?"
)
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_MOST_DIGITS = 99  # Of an exponent: beyond it a value is capped or rounded anyway.
_LARGEST = Decimal(2**63 - 1)  # What the API caps quantities at.
_EXPONENT = re.compile(r"[eE][+-]?[0-9]+")


@lru_cache(maxsize=4096)
def parse(text: str) -> Decimal:
    """The exact value; ValueError when `text` is not a quantity.

    As the API does, it rounds what is finer than nano up, and caps what is beyond 2^63-1.
    """
    number, suffix = _split(text)
    if suffix in _BINARY:
        value = Decimal(number) * _BINARY[suffix]
    elif _EXPONENT.fullmatch(suffix):
        value = Decimal(number) * Decimal(10) ** max(-_MOST_DIGITS, min(int(suffix[1:]), _MOST_DIGITS))
    else:
        value = Decimal(number).scaleb(_DECIMAL[suffix])
    value = max(-_LARGEST, min(value, _LARGEST))
    return value.quantize(Decimal("1e-9"), rounding=ROUND_CEILING) if value.adjusted() < 15 else value


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The same quantity as the API writes it: no fraction, the largest suffix that keeps it whole.

    `0.5` becomes `500m` and `1024Mi` becomes `1Gi`. ValueError when `text` is not a quantity.
    """
    _, suffix = _split(text)
    value = parse(text)
    if value == 0:
        return "0"
    if suffix in _BINARY and abs(value) >= 1024:
        return _in_binary(value)
    if _EXPONENT.fullmatch(suffix):
        return _in_steps(value, {f"e{power}" if power else "": power for power in _DECIMAL.values()})
    return _in_steps(value, _DECIMAL)


def show(value: Decimal, like: str = "") -> str:
    """A computed value in the notation of `like`, so that sums of `Mi` read as `Mi`."""
    if value == 0:
        return "0"
    _, suffix = _split(like or "0")
    if suffix in _BINARY and abs(value) >= 1024:
        return _in_binary(value)
    return _in_steps(value, _DECIMAL)


def _split(text: str) -> tuple[str, str]:
    matched = _FORM.fullmatch(text)
    if matched is None:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    return matched[1], matched[2] or ""


def _in_binary(value: Decimal) -> str:
    for suffix, factor in reversed(_BINARY.items()):
        if value % factor == 0:
            return f"{_whole(value / factor)}{suffix}"
    return _in_steps(value, _DECIMAL)


def _in_steps(value: Decimal, powers: dict[str, int]) -> str:
    for suffix, power in sorted(powers.items(), key=lambda item: -item[1]):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{_whole(scaled)}{suffix}"
    raise AssertionError(f"{value} is finer than nano, which parse() rounds away")


def _whole(value: Decimal) -> str:
    return format(value.to_integral_value(), "f")
