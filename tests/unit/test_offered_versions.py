"""Auto-upgrade offers the highest release of all, and the highest of each line that somebody can be below."""

import pytest

from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.offers import offered


@pytest.mark.parametrize(
    ("published", "yanked", "on_offer"),
    [
        ("", "1.0.0", ""),
        ("1.0.0 1.1.0", "", "1.1.0"),
        ("1.0.0 1.1.0 2.0.0", "", "1.1.0 2.0.0"),
        ("1.0.0 2.0.0", "", "2.0.0"),
        ("1.0.1 2.0.0", "1.0.0", "1.0.1 2.0.0"),
        ("1.0.0 2.0.0", "1.0.1", "2.0.0"),
        ("1.0.0 2.0.0", "1.0.0-rc.1", "1.0.0 2.0.0"),
        ("1.0.0-rc.1 1.0.0 2.0.0-rc.1", "", "1.0.0"),
        ("0.1.0 0.1.1 0.2.0", "", "0.1.1 0.2.0"),
        ("1.0.0", "2.0.0", "1.0.0"),
    ],
)
def test_what_is_offered_goes_by_what_was_ever_published(published: str, yanked: str, on_offer: str) -> None:
    statuses = dict.fromkeys(published.split(), VersionStatus.PUBLISHED)
    statuses |= dict.fromkeys(yanked.split(), VersionStatus.YANKED)
    assert offered(statuses) == frozenset(on_offer.split())
