"""Resolves what a wheel depends on, within limits, against the indexes of this deployment."""
