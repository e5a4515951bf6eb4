"""Request and response bodies (contract, sections 3 to 6), one module a function, so that each imports its own."""
