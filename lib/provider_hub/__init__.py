"""Provider Hub: takes a Python wheel from CI to a healthy, running provider in a tenant's namespace."""
