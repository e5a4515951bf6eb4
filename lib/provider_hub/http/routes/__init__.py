"""The routes, one module a function, so that each imports its own; `table` has them all."""
