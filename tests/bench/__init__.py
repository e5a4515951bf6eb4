"""The benchmarks: every figure beside the floor that the platform sets, taken in turns in one run."""
