"""Identifiers that sort by time. They are made from a time and random bytes that the caller gives."""

from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_PATTERN = f"[{_ALPHABET}]{{26}}"
RANDOM_BYTES = 10


def ulid(now: datetime, randomness: bytes) -> str:
    """A ULID (github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, in Crockford's base 32."""
    milliseconds = int(now.timestamp() * 1000)
    number = (milliseconds << 80) | int.from_bytes(randomness[:RANDOM_BYTES], "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))
