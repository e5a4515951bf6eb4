"""The handlers, one module a function: from a validated call to one operation, and its result as a reply."""
