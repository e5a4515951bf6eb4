"""A job of the sweeper that fails is logged as what an alert counts: a sweep is answered with 204 all the same."""

import pytest

from provider_hub.actions.sweep import _tried
from provider_hub.domain.errors import PermanentError, TemporaryError


@pytest.mark.parametrize(
    "error", [TemporaryError("the database does not answer"), PermanentError("no index"), ValueError("a bug")]
)
def test_a_job_that_fails_is_logged_by_its_name(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def job() -> int:
        raise error

    assert _tried(job, "outbox") is None
    (line,) = caplog.records
    assert (vars(line)["event"], vars(line)["job"]) == ("sweep_job_failed", "outbox")


def test_a_job_that_works_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert _tried(lambda: 3, "outbox") == 3
    assert caplog.records == []
