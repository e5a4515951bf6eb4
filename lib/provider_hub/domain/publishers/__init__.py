"""Trusted publishers: which CI runs may publish a provider, by the token that their platform signed for the run."""
