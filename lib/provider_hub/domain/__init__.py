"""What Provider Hub is about, as pure code: no I/O, no clock, no randomness."""
