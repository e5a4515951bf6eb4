"""The HTTPS side: one table of routes that dispatches, validates, refuses and describes itself."""
