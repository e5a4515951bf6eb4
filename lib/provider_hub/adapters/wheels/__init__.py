"""Fetches wheels over HTTPS from where their authors put them, from public addresses alone."""

from provider_hub.adapters.wheels.fetching import FetchedWheel, FetchPolicy, fetch_wheel

__all__ = ["FetchPolicy", "FetchedWheel", "fetch_wheel"]
