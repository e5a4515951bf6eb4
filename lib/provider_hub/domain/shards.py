"""Shards: what would hit one place of the database by its time or its name is spread evenly over several."""

from zlib import crc32


def shard_of(name: str, shards: int) -> int:
    """The shard of `name`, from 0 to `shards` - 1: the same in every process, as long as `shards` is the same."""
    return crc32(name.encode()) % shards
