"""An address that sends unknown tokens in a loop has no more of them looked up for a while, and nobody else notices."""

from datetime import timedelta

import pytest
from tests.fakes import START

from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.domain.errors import NotAuthenticated, QuotaExceeded

HOME, AWAY = "203.0.113.9", "203.0.113.66"
MINTED, OPAQUE, JWT = "Bearer hubpub_x", "bearer mt_x", "Bearer eyJ.e30.x"


def fail(tokens: UnknownTokens, header: str, address: str) -> None:
    with pytest.raises(NotAuthenticated), tokens.counted(header, address, START):
        raise NotAuthenticated("unknown")


def test_who_sends_unknown_tokens_waits_and_the_others_do_not() -> None:
    tokens = UnknownTokens(per_minute=6)
    for number in range(6):
        fail(tokens, (MINTED, OPAQUE)[number % 2], HOME)
    with pytest.raises(QuotaExceeded, match="unknown tokens") as refusal, tokens.counted(OPAQUE, HOME, START):
        raise AssertionError("it is not looked up")
    assert refusal.value.retry_after_seconds == 11
    with tokens.counted(OPAQUE, AWAY, START):
        pass
    with tokens.counted(OPAQUE, HOME, START + timedelta(seconds=10)):
        pass


@pytest.mark.parametrize(("header", "address"), [(JWT, HOME), (None, HOME), (OPAQUE, "")])
def test_what_costs_no_look_up_and_what_stands_for_everybody_is_not_counted(header: str | None, address: str) -> None:
    tokens = UnknownTokens(per_minute=1)
    for _ in range(3):
        with pytest.raises(NotAuthenticated), tokens.counted(header, address, START):
            raise NotAuthenticated("unknown")


def test_tokens_that_are_known_cost_nothing() -> None:
    tokens = UnknownTokens(per_minute=1)
    for _ in range(3):
        with tokens.counted(OPAQUE, HOME, START):
            pass
