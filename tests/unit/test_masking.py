"""What a tenant's process says is shown without its credentials, and no longer than a message may be."""

import pytest

from provider_hub.domain.masking import MESSAGE_LENGTH, mask


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("password=hunter2 rest", "password=*** rest"),
        ("Authorization: Bearer", "Authorization: ***"),
        ("api_key: 'k-123', next", "api_key: '***', next"),
        ("GET https://user:pass@host/x", "GET https://***@host/x"),
        ("GET https://host/x?sig=abc&y=1 failed", "GET https://host/x?*** failed"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, told: str) -> None:
    assert mask(text) == told


def test_a_long_message_keeps_its_end_where_the_error_is() -> None:
    told = mask("x" * 5000 + " the cause")
    assert len(told) == MESSAGE_LENGTH
    assert told.startswith("…")
    assert told.endswith(" the cause")
