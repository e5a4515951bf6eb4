"""A day of a hub of any size: the real actions are measured, and a model of Google's limits carries their sums."""
