"""Trusted publishers: which CI runs may publish a provider, by the token that their platform signed for the run."""

from provider_hub.domain.publishers.claims import CiRun, ClaimRefused, Platform, read_run
from provider_hub.domain.publishers.matching import Ambiguous, Mismatch, choose, mismatch, refusal
from provider_hub.domain.publishers.records import (
    MintedToken,
    PublishedBy,
    Publisher,
    PublisherKind,
    PublishingPolicy,
    UsedToken,
)

__all__ = [
    "Ambiguous",
    "CiRun",
    "ClaimRefused",
    "MintedToken",
    "Mismatch",
    "Platform",
    "PublishedBy",
    "Publisher",
    "PublisherKind",
    "PublishingPolicy",
    "UsedToken",
    "choose",
    "mismatch",
    "read_run",
    "refusal",
]
