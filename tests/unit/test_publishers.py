"""Which CI runs are trusted publishers: the token's claims, and the publisher that they fit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import publisher
from tests.fakes import START
from tests.unit.ci_tokens import (
    AUDIENCE,
    CLAIMS,
    COMMIT,
    GITHUB,
    GITLAB,
    NOW,
    OF_GITLAB,
    Time,
    claims,
    encoded,
    signed,
    verifier,
)
from tests.unit.rsa_keys import OTHER_KEY

from provider_hub.domain.errors import MintRefused
from provider_hub.domain.publishers.claims import CiRun, Platform, RunClaims
from provider_hub.domain.publishers.matching import Ambiguous, choose, choose_for_unnamed, mismatch, refusal
from provider_hub.domain.publishers.records import Publisher


def run(**changes: Any) -> CiRun:
    return verifier().run_of(signed(claims(**changes)))


def test_a_run_of_github_is_read_and_is_its_publisher() -> None:
    found = run()
    assert mismatch(publisher(), found) is None
    assert choose([publisher()], found) == publisher()
    assert (found.commit, found.actor, found.called_workflow) == (COMMIT, "ada", None)
    assert found.run_url == "https://github.com/Acme/Weather/actions/runs/30433642"
    assert found.claims == RunClaims(
        issuer=GITHUB,
        repository="https://github.com/Acme/Weather",
        repository_id="74",
        owner_id="65",
        workflow="https://github.com/Acme/Weather/.github/workflows/release.yml@refs/tags/v1.0.0",
        signer="https://github.com/Acme/Weather/.github/workflows/release.yml@refs/tags/v1.0.0",
        ref="refs/tags/v1.0.0",
        commit=COMMIT,
    )


def test_a_run_of_gitlab_is_read_and_is_its_publisher() -> None:
    found = verifier().run_of(signed(OF_GITLAB))
    mine = publisher(
        platform=Platform.GITLAB,
        issuer=GITLAB,
        repository_key="acme/tools/weather",
        workflow=".gitlab-ci.yml",
        environment=None,
        repository_id="22",
        owner_id="72",
    )
    assert mismatch(mine, found) is None
    assert found.run_url == "https://gitlab.com/acme/tools/weather/-/jobs/302"
    config = "https://gitlab.com/acme/tools/weather//.gitlab-ci.yml@refs/tags/v1.0.0"
    assert (found.claims.repository, found.claims.owner_id) == ("https://gitlab.com/acme/tools/weather", "72")
    assert (found.claims.workflow, found.claims.signer) == (config, config), "as its authority writes them"


def test_a_subject_is_never_looked_at() -> None:
    for subject in ("repo:org@123/repo@456:ref:refs/heads/main", "anything", ""):
        assert mismatch(publisher(), run(sub=subject)) is None


# Each changes one thing of a good token, and names what the refusal has to name.
CHANGED_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example"}, "iss"),
    ({"iss": GITHUB + "/"}, "iss"),
    ({"iss": ...}, "iss"),
    ({"iss": GITLAB}, "pipeline_source"),
    ({"aud": "another.hub"}, "aud"),
    ({"aud": [AUDIENCE]}, "aud"),
    ({"aud": [AUDIENCE, "another"]}, "aud"),
    ({"aud": ...}, "aud"),
    ({"exp": NOW - 31}, "exp"),
    ({"exp": ...}, "exp"),
    ({"exp": "soon"}, "exp"),
    ({"exp": NOW + 90_000}, "iat"),
    ({"iat": NOW + 31}, "iat"),
    ({"iat": ...}, "iat"),
    ({"nbf": NOW + 31}, "nbf"),
    ({"jti": ...}, "jti"),
    ({"jti": ""}, "jti"),
    ({"repository": "acme/other"}, "repository"),
    ({"repository": ...}, "repository"),
    ({"repository": ["acme/weather"]}, "repository"),
    ({"repository_id": "75"}, "repository_id"),
    ({"repository_id": ...}, "repository_id"),
    ({"repository_id": "74 "}, "repository_id"),
    ({"repository_owner_id": "66"}, "repository_owner_id"),
    ({"workflow_ref": "Acme/Weather/.github/workflows/test.yml@refs/tags/v1.0.0"}, "workflow"),
    ({"workflow_ref": "Acme/Other/.github/workflows/release.yml@refs/tags/v1.0.0"}, "workflow_ref"),
    ({"workflow_ref": "Acme/Weather/.github/workflows/release.yml@refs/heads/main"}, "workflow_ref"),
    ({"workflow_ref": ...}, "workflow_ref"),
    ({"job_workflow_ref": "evil/shared/.github/workflows/release.yml@refs/heads/main"}, "job_workflow_ref"),
    ({"job_workflow_ref": "Acme/Weather/.github/workflows/other.yml@refs/tags/v1.0.0"}, "job_workflow_ref"),
    ({"job_workflow_ref": ...}, "job_workflow_ref"),
    ({"environment": "staging"}, "environment"),
    ({"environment": ...}, "environment"),
    ({"ref": "refs/heads/main"}, "workflow_ref"),
    ({"event_name": "pull_request"}, "event_name"),
    ({"event_name": "pull_request_target"}, "event_name"),
    ({"event_name": "workflow_run"}, "event_name"),
    ({"event_name": "issue_comment"}, "event_name"),
    ({"event_name": "an_event_of_next_year"}, "event_name"),
    ({"sha": "main"}, "sha"),
    ({"run_id": "../../evil"}, "run_id"),
    ({"actor": "a\nb"}, "actor"),
]


def refused(token: str, **publisher_changes: Any) -> str:
    """What a token is refused with, by the hub or by the publisher."""
    mine = publisher(**publisher_changes)
    try:
        found = verifier().run_of(token)
    except MintRefused as problem:
        return str(problem)
    assert choose([mine], found) is None, "the changed token publishes"
    return refusal([mine], found).sentence


@pytest.mark.parametrize(("change", "named"), CHANGED_CLAIMS, ids=str)
def test_a_token_with_any_one_claim_changed_by_its_issuer_is_refused_and_told_which(
    change: dict[str, Any], named: str
) -> None:
    sentence = refused(signed(claims(**change)))
    assert named in sentence
    for secret in ("74", "65", "another.hub" if "aud" in change else AUDIENCE):
        assert secret not in sentence.replace(str(next(iter(change.values()))), ""), "it helps to guess"


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({"kid": "2"}, "kid"),
        ({"kid": ""}, "kid"),
        ({"typ": "at+jwt"}, "typ"),
        ({"jku": "https://evil.example/keys"}, "jku"),
        ({"jwk": {"kty": "RSA"}}, "jwk"),
        ({"x5u": "https://evil.example"}, "x5u"),
        ({"crit": ["exp"]}, "crit"),
        ({"alg": "RS384"}, "alg"),
        ({"alg": "PS256"}, "alg"),
    ],
)
def test_a_token_with_any_header_changed_is_refused_and_told_which(header: dict[str, Any], named: str) -> None:
    assert named in refused(signed(CLAIMS, **header))


def test_a_token_of_another_key_and_one_without_a_signature_are_refused() -> None:
    assert "signature" in refused(signed(CLAIMS, OTHER_KEY))
    head, body, _ = signed(CLAIMS).split(".")
    assert "signature" in refused(f"{head}.{body}.")
    for token in ("", "a.b.c", "x" * 20_000, signed(CLAIMS).replace(".", "")):
        assert refused(token)


@given(st.sampled_from(sorted(CLAIMS)), st.text(max_size=20) | st.integers() | st.none() | st.booleans())
def test_whatever_claim_somebody_else_changes_the_signature_tells(claim: str, value: Any) -> None:
    changed = {**CLAIMS, claim: value}
    if changed == CLAIMS:
        return
    head, _, signature = signed(CLAIMS).split(".")
    assert refused(f"{head}.{encoded(changed)}.{signature}")


def test_times_have_thirty_seconds_of_leeway_and_no_more() -> None:
    clock = Time()
    good = signed(CLAIMS)
    for now, is_good in ((NOW + 329, True), (NOW + 330, False), (NOW - 40, True), (NOW - 41, False)):
        clock.now = now
        if is_good:
            assert verifier(clock).run_of(good)
        else:
            with pytest.raises(MintRefused, match=r"exp|future"):
                verifier(clock).run_of(good)


def test_a_publisher_without_numbers_takes_the_first_and_one_with_them_no_other() -> None:
    unpinned = publisher(repository_id=None, owner_id=None, pinned_at=None)
    assert mismatch(unpinned, run(repository_id="999", repository_owner_id="998")) is None
    again = mismatch(publisher(), run(repository_id="999"))
    assert again
    assert "made anew or moved" in again.sentence
    assert "release.yml" not in again.sentence, "nothing else is told to who holds the name alone"


def test_a_reusable_workflow_publishes_only_where_the_publisher_names_it() -> None:
    called = "acme/shared/.github/workflows/publish.yml"
    of_shared = run(job_workflow_ref=f"{called}@refs/heads/main")
    assert mismatch(publisher(called_workflow=called), of_shared) is None
    assert mismatch(publisher(), of_shared)
    plain = mismatch(publisher(called_workflow=called), run())
    assert plain
    assert plain.claim == "job_workflow_ref"


def test_the_narrowest_of_several_publishers_is_meant() -> None:
    wide = publisher(publisher_id="W" * 26, environment=None, ref=None, name="sun")
    assert choose([wide, publisher()], run()) == publisher()
    assert choose([wide, publisher()], run(environment=...)) == wide


def test_a_token_for_one_provider_is_never_guessed_among_several() -> None:
    with pytest.raises(Ambiguous, match="acme/sun, acme/weather"):
        choose([publisher(), publisher(name="sun")], run())


def test_a_name_chooses_among_the_providers_of_one_organization_and_never_the_organization() -> None:
    sun, weather = publisher(name="sun.light", environment=None, ref=None), publisher()
    assert choose_for_unnamed([sun, weather], run(), "Sun_Light", is_whole=True) == sun, "although it is wider"
    assert choose_for_unnamed([sun, weather], run(), "moon", is_whole=True) == weather, "as without a name"
    with pytest.raises(Ambiguous, match="several organizations"):
        choose_for_unnamed([weather, strangers(name="sun")], run(), "sun", is_whole=True)


def strangers(**changes: Any) -> Publisher:
    """Of somebody who does not write to the repository, and lets as many of its runs in as they can."""
    any_run: dict[str, Any] = {"environment": None, "ref": None, "repository_id": None, "owner_id": None}
    return publisher(prefix="evil", organization_id="org_evil", **{**any_run, "pinned_at": None, **changes})


def test_the_only_organization_that_names_a_repository_is_meant_by_its_first_run() -> None:
    first = publisher(pinned_at=None, repository_id=None, owner_id=None)
    assert choose_for_unnamed([first], run(), is_whole=True) == first


def test_naming_somebody_elses_repository_gains_nothing() -> None:
    named = publisher(named_at=START)
    narrow = strangers(environment="release", ref="refs/tags/v1.0.0")
    assert choose_for_unnamed([narrow, named], run(), is_whole=True) == named, "whom a run named before is meant"
    for used in (publisher(), publisher(pinned_at=None, repository_id=None, owner_id=None)):
        with pytest.raises(Ambiguous, match=r"several organizations.*hub publish --name ORG/NAME"):
            choose_for_unnamed([narrow, used], run(), is_whole=True)


@pytest.mark.parametrize("used_at", [None, START])
@pytest.mark.parametrize("change", [{"ref": "refs/heads/main"}, {"repository_id": "9"}, {"workflow": "other.yml"}])
def test_a_run_that_the_owners_publisher_does_not_fit_is_never_anothers(change: dict[str, Any], used_at: Any) -> None:
    for named_at in (None, START):
        known = [strangers(pinned_at=used_at), publisher(named_at=named_at, **change)]
        with pytest.raises(Ambiguous, match="several organizations"):
            choose_for_unnamed(known, run(), is_whole=True)


def test_of_a_list_that_is_cut_off_only_what_was_named_counts() -> None:
    with pytest.raises(Ambiguous, match="several organizations"):
        choose_for_unnamed([strangers()], run(), is_whole=False)
    named = publisher(named_at=START)
    assert choose_for_unnamed([strangers(), named], run(), is_whole=False) == named


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_name_proves_the_organization_and_the_run_means_whichever_of_its_publishers_fits_best(is_whole: bool) -> None:
    named = publisher(name="sun", environment=None, ref=None, named_at=START)
    narrow = publisher(environment="release")
    known = [strangers(environment="release", ref="refs/tags/v1.0.0"), named, narrow]
    assert choose_for_unnamed(known, run(), is_whole=is_whole) == narrow
    with pytest.raises(Ambiguous, match="acme/moon, acme/weather"):
        choose_for_unnamed([*known, publisher(name="moon", environment="release")], run(), is_whole=is_whole)
