"""Tokens that say nothing themselves: each has to be looked up, and one that nobody knows costs as much as another.

A trusted publisher's is looked up in the database, and an opaque one at the issuer. Whoever sends invented ones in a
loop would spend the issuer's own limit, so that no machine of any tenant was let in any more.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from provider_hub.actions.request_budget import RequestBudget
from provider_hub.domain.errors import NotAuthenticated, QuotaExceeded

UNKNOWN_A_MINUTE = 60
_LOOKED_UP = re.compile(r"bearer +(?:hubpub_|mt_)", re.IGNORECASE)


class UnknownTokens:
    """Looks up tokens for an address until it has sent too many that are unknown, and then none for a while."""

    def __init__(self, per_minute: int = UNKNOWN_A_MINUTE) -> None:
        self._budget = RequestBudget(per_minute)

    @contextmanager
    def counted(self, authorization_header: str | None, address: str, now: datetime) -> Iterator[None]:
        """Look the header's token up within this. Raises QuotaExceeded before that is done.

        An address that is not known ("") is not limited: it would stand for everybody.
        """
        if not address or not _LOOKED_UP.match((authorization_header or "").strip()):
            yield
            return
        try:
            self._budget.check(address, now)
        except QuotaExceeded as error:
            sentence = "this address has sent too many unknown tokens: check the token, and wait"
            raise QuotaExceeded(sentence, error.retry_after_seconds) from None
        try:
            yield
        except NotAuthenticated:
            with suppress(QuotaExceeded):
                self._budget.take(address, now)
            raise
