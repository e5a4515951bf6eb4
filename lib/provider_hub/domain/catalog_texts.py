"""What people read of a provider in the catalog: how long it may be, and what it is if its author says nothing."""

import re

# In characters.
LONGEST_DISPLAY_NAME = 100
LONGEST_DESCRIPTION = 500


def display_name_of(distribution: str) -> str:
    """What a new provider is called if its author does not say: made from the name of its wheel's distribution."""
    return re.sub(r"[-_.]+", " ", distribution).title()[:LONGEST_DISPLAY_NAME]


def description_of(summary: str | None) -> str:
    """What a new provider is described by if its author does not say: the wheel's summary, "" if it has none."""
    return (summary or "").replace("\0", "")[:LONGEST_DESCRIPTION]
