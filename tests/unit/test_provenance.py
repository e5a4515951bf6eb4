"""What an organization requires of where versions come from, and what a version is told that does not."""

from dataclasses import replace

import pytest
from tests.builders import WEATHER, version
from tests.fakes import START

from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import (
    ProvenancePolicy,
    ProvenanceRule,
    ProviderRule,
    StoredProvenance,
    provenance_object,
    refusal_of,
)
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind

ISSUER = "https://token.actions.githubusercontent.com"
BY = PublishedBy(
    "publisher_1",
    PublisherKind.TRUSTED_PUBLISHER,
    issuer=ISSUER,
    repository="Acme/Weather",
    ref="refs/tags/v1.0.0",
)
ATTESTED = version("1.0.0", published_by=BY, attestations=(PUBLISH,))
RULE = ProvenanceRule(ISSUER, "acme/weather", "refs/tags/*")


def policy(rule: ProvenanceRule | None, *providers: ProviderRule) -> ProvenancePolicy:
    return ProvenancePolicy("org_acme", rule, providers, START, "user_1")


@pytest.mark.parametrize(
    "rule",
    [RULE, replace(RULE, ref=None), replace(RULE, repository="acme/*"), replace(RULE, repository="ACME/weather")],
)
def test_a_rule_takes_what_such_a_run_attested(rule: ProvenanceRule) -> None:
    assert refusal_of(policy(rule), ATTESTED) is None


@pytest.mark.parametrize(
    "rule",
    [
        replace(RULE, issuer="https://gitlab.com"),
        replace(RULE, repository="acme/weathe"),
        replace(RULE, repository="other/*"),
        replace(RULE, ref="refs/heads/*"),
        replace(RULE, ref="refs/tags/V1.0.0"),
    ],
)
def test_a_rule_of_another_issuer_repository_or_ref_refuses_and_says_both(rule: ProvenanceRule) -> None:
    told = refusal_of(policy(rule), ATTESTED)
    assert told == (
        f"acme/weather 1.0.0 has an attestation of Acme/Weather at refs/tags/v1.0.0 by {ISSUER}, and your "
        f"organization requires {rule}"
    )


def test_a_version_that_such_a_run_published_and_did_not_attest_is_refused() -> None:
    told = refusal_of(policy(RULE), replace(ATTESTED, attestations=()))
    assert told is not None
    assert "has no attestation (it is of Acme/Weather at refs/tags/v1.0.0" in told
    for by in (None, PublishedBy("mch_1", PublisherKind.MACHINE)):
        told = refusal_of(policy(RULE), version("1.0.0", published_by=by))
        assert told is not None
        assert "no CI run published it" in told


def test_a_providers_own_rule_is_in_the_place_of_the_one_for_all() -> None:
    other = replace(RULE, repository="acme/other")
    assert refusal_of(policy(other, ProviderRule("acme/weather", RULE)), ATTESTED) is None
    assert refusal_of(policy(other, ProviderRule("acme/weather", None)), ATTESTED) is None
    assert refusal_of(policy(RULE, ProviderRule("acme/weather", other)), ATTESTED)
    assert policy(RULE, ProviderRule("acme/weather", None)).rule_for(ProviderName("acme", "sun")) == RULE
    assert refusal_of(policy(None), ATTESTED) is refusal_of(None, ATTESTED) is None


def test_a_rule_of_a_provider_replaces_the_one_before() -> None:
    one, other = ProviderRule("acme/weather", None), ProviderRule("acme/weather", RULE)
    sun = ProviderRule("acme/sun", RULE)
    made = policy(None).with_provider(one).with_provider(sun).with_provider(other)
    assert made.providers == (sun, other)
    assert made.without_provider(str(WEATHER)).providers == (sun,)


@pytest.mark.parametrize(
    ("workflow", "called", "told"),
    [
        (".github/workflows/release.yml", "acme/shared/.github/workflows/publish.yml", "release.yml"),
        ("acme/shared/.github/workflows/publish.yml", None, ""),
    ],
    ids=["told apart", "an old record of a reusable one"],
)
def test_what_an_index_serves_names_no_reusable_workflow_as_the_file_that_the_run_began_with(
    workflow: str, called: str | None, told: str
) -> None:
    by = replace(BY, workflow=workflow, called_workflow=called)
    file = "weather-1.0.0-py3-none-any.whl"
    stored = StoredProvenance("acme", "weather", "1.0.0", file, "a" * 64, by, ("{}",), START)
    assert provenance_object(stored)["attestation_bundles"][0]["publisher"]["workflow"] == told
