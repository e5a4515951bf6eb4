"""Bearer tokens of the customer and console realms, verified into principals, and those of Google's own callers."""
