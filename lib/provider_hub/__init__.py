"""Provider Hub: takes a Python wheel from CI to a healthy, running provider in a tenant's namespace."""

import gc

# An import makes 100,000 objects that stay for good, and by default the collector walks them again and again: a tenth
# of a cold start. Requests leave few cycles behind, so that it has no more to do later than before.
gc.set_threshold(50_000)
