"""What the catalog says of a version."""

import pytest

from provider_hub.domain.publishers.records import PublishedBy, PublisherKind
from provider_hub.http.version_view import PublishedByBody

BEGAN_WITH = ".github/workflows/release.yml"
CALLED = "acme/shared/.github/workflows/publish.yml"


@pytest.mark.parametrize(
    ("workflow", "called", "shown"),
    [
        (BEGAN_WITH, CALLED, (BEGAN_WITH, CALLED)),
        (BEGAN_WITH, None, (BEGAN_WITH, None)),
        (CALLED, None, (None, CALLED)),
        (".gitlab-ci.yml", None, (".gitlab-ci.yml", None)),
        (None, None, (None, None)),
    ],
    ids=["both", "no reusable one", "an old record of a reusable one", "GitLab", "a stored token"],
)
def test_a_reusable_workflow_is_never_shown_as_the_file_that_a_run_began_with(
    workflow: str | None, called: str | None, shown: tuple[str | None, str | None]
) -> None:
    recorded = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, workflow=workflow, called_workflow=called)
    body = PublishedByBody.of(recorded)
    assert (body.workflow, body.called_workflow) == shown
