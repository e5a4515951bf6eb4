"""Hostile inputs against the running functions: each refused or harmless, cheap, and of no effect on another tenant."""
