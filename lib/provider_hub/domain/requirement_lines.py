"""A Requires-Dist line that cannot be read, and what of it may be shown."""

# What packaging raises: KeyError for a name that no environment has, RecursionError for deep parentheses.
CANNOT_READ = (ValueError, KeyError, RecursionError)
_SHOWN_CHARACTERS = 200


def shown(line: str) -> str:
    """The line up to a URL in it, since a URL may carry a password."""
    before, _, _ = line.partition("://")
    return ascii(before[:_SHOWN_CHARACTERS])
