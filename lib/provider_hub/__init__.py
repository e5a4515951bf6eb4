"""Provider Hub: takes a Python wheel from CI to a healthy, running provider in a tenant's namespace."""

import gc

COLLECTOR_THRESHOLD = gc.get_threshold()
# An import makes 100,000 objects that stay for good, and the collector walks them again and again: a twelfth of a
# cold start. `wiring.Once` puts the threshold back.
gc.set_threshold(50_000)
