"""Chaos: the whole stack under load while its processes die and what it depends on fails; `make chaos`."""
