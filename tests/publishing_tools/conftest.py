"""The stack to which the tools publish."""

from tests.shared_stack import index, stack

__all__ = ["index", "stack"]
