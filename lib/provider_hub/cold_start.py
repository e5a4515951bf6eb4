"""Shortens a function's cold start. Every `main.py` imports this before anything else, and `wiring.Once` ends it.

Importing a function's libraries makes 140,000 to 190,000 objects that stay for good, and Python's collector walks them
again and again meanwhile: a twelfth of a cold start. So the collector waits until the function is wired. It waits for
more objects than that, and not for ever: a function whose wiring fails is asked again and again.

At the first validation pydantic would look for plugins of its own among all installed distributions, and read a file of
each: a quarter of a first request. The hub has none, so it is told not to look.

This concerns the whole process, which is why no other program imports this module.
"""

import gc
import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
_THRESHOLD = gc.get_threshold()
gc.set_threshold(250_000)


def end() -> None:
    """Let the collector work as before, and never look at what was made until now: it stays as long as the process."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLD)
