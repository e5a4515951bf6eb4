"""How many requests this process handles at a time, which functions-framework decides."""

import os


def request_threads() -> int:
    """The threads that gunicorn has for requests: what THREADS says, else functions-framework's own default."""
    return int(os.environ.get("THREADS") or (os.cpu_count() or 1) * 4)
