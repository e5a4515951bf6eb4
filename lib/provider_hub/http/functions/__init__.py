"""The routes of the public functions: one module for each function, with its name and its `routes`."""
