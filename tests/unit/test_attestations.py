"""What a CI run attests of a wheel: real certificates, logs and signatures, verified by Sigstore's own library."""

import base64
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypi_attestations
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.attesting import DIGEST, RUN, WHEEL, verifier_by, verifier_of
from tests.fakes import START
from tests.unit.ci_tokens import CLAIMS, GITHUB, GITLAB, OF_GITLAB

from local_stack.sigstore import LocalSigstore, root_file
from provider_hub.actions.wishes.publishing import AttestationWish
from provider_hub.adapters.attestations import SigstoreVerifier
from provider_hub.domain.attestations import PUBLISH, SLSA, attested_predicate
from provider_hub.domain.errors import Invalid, PermanentError
from provider_hub.domain.provenance import StoredProvenance, provenance_object
from provider_hub.domain.publishers.claims import AttestationRefused, CiRun, Platform, RunClaims, read_run
from provider_hub.domain.publishers.records import PublishedBy
from provider_hub.settings.everything import Attestations

SIGSTORE = LocalSigstore.made()
GOOD = SIGSTORE.attest(RUN, WHEEL, DIGEST)
# Each is signed, or a signature: no bit of it may be another one.
SIGNED = [
    ("envelope", "statement"),
    ("envelope", "signature"),
    ("verification_material", "certificate"),
    ("verification_material", "transparency_entries", 0, "canonicalizedBody"),
    ("verification_material", "transparency_entries", 0, "inclusionPromise", "signedEntryTimestamp"),
    ("verification_material", "transparency_entries", 0, "inclusionProof", "rootHash"),
]
Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> SigstoreVerifier:
    return verifier_of(SIGSTORE, tmp_path_factory.mktemp("root"))


def at(attestation: Any, place: Place) -> Any:
    for part in place:
        attestation = attestation[part]
    return attestation


def changed(place: Place, value: Any) -> dict[str, Any]:
    attestation = deepcopy(GOOD)
    at(attestation, place[:-1])[place[-1]] = value
    return attestation


def refusal(verifier: SigstoreVerifier, attestation: Mapping[str, Any], run: RunClaims = RUN, **wheel: str) -> str:
    """Why an attestation is refused that comes with a wheel which `run` publishes."""
    about = {"file_name": WHEEL, "sha256": DIGEST, **wheel}
    with pytest.raises(AttestationRefused) as refused:
        attested_predicate(verifier.verify(attestation), run, **about)
    return str(refused.value)


@pytest.mark.parametrize("predicate", [PUBLISH, SLSA])
def test_what_the_run_attested_of_the_wheel_is_verified(verifier: SigstoreVerifier, predicate: str) -> None:
    attestation = SIGSTORE.attest(RUN, WHEEL, DIGEST, predicate=predicate, content={"buildDefinition": {}})
    assert attested_predicate(verifier.verify(attestation), RUN, WHEEL, DIGEST) == predicate


def test_it_is_what_other_implementations_take_for_an_attestation() -> None:
    read = pypi_attestations.Attestation.model_validate_json(json.dumps(GOOD))
    assert read.statement["subject"] == [{"name": WHEEL, "digest": {"sha256": DIGEST}}]
    assert read.certificate_claims["1.3.6.1.4.1.57264.1.12"] == RUN.repository
    assert read.to_bundle().signing_certificate


@pytest.mark.parametrize("name", [field.name for field in fields(RunClaims)])
def test_any_one_claim_that_the_publishing_run_has_otherwise_is_refused_and_named(
    verifier: SigstoreVerifier, name: str
) -> None:
    other = replace(RUN, **{name: f"{getattr(RUN, name)}x"})
    told = "identity" if name == "signer" else name
    sentence = refusal(verifier, GOOD, other)
    assert told in sentence
    assert getattr(RUN, name) in sentence, "what the attestation says"
    assert getattr(other, name) in sentence, "what is wanted"
    assert told in refusal(verifier, SIGSTORE.attest(other, WHEEL, DIGEST))


@pytest.mark.parametrize("name", [field.name for field in fields(RunClaims)])
def test_a_certificate_without_one_of_the_claims_is_refused(verifier: SigstoreVerifier, name: str) -> None:
    without = replace(RUN, **{name: ""})
    assert refusal(verifier, SIGSTORE.attest(without, WHEEL, DIGEST), without)


@pytest.mark.parametrize(
    ("wheel", "told"),
    [
        ({"sha256": "b" * 64}, "has the sha256"),
        ({"file_name": "weather-1.0.1-py3-none-any.whl"}, "its subject is 'weather-1.0.0"),
        ({"file_name": "weather-1.0.0-py2-none-any.whl"}, "its subject is"),
        ({"file_name": "weather-1.0.0-1-py3-none-any.whl"}, "its subject is"),
        ({"file_name": "sunlight-1.0.0-py3-none-any.whl"}, "its subject is"),
    ],
)
def test_an_attestation_of_another_wheel_is_refused(
    verifier: SigstoreVerifier, wheel: dict[str, str], told: str
) -> None:
    assert told in refusal(verifier, GOOD, **wheel)


def test_one_wheel_may_be_spelled_in_several_ways(verifier: SigstoreVerifier) -> None:
    attestation = SIGSTORE.attest(RUN, "My_Weather-1.0.0-py3.py2-none-any.whl", DIGEST)
    written = "my_weather-1.0.0-py2.py3-none-any.whl"
    assert attested_predicate(verifier.verify(attestation), RUN, written, DIGEST) == PUBLISH


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"predicateType": "https://example.com/anything"}, "predicateType"),
        ({"predicateType": None}, "predicateType"),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "in-toto"),
        ({"subject": []}, "one file"),
        ({"subject": [{"name": WHEEL, "digest": {"sha256": DIGEST}}] * 2}, "one file"),
        ({"subject": [{"name": WHEEL, "digest": {"sha512": "a" * 128}}]}, "sha256"),
        ({"subject": [{"name": WHEEL, "digest": DIGEST}]}, "sha256"),
        ({"subject": [{"name": None, "digest": {"sha256": DIGEST}}]}, "its subject is"),
        ({"subject": [WHEEL]}, "one file"),
        ({"subject": {"name": WHEEL}}, "one file"),
    ],
)
def test_a_statement_of_another_kind_is_refused(verifier: SigstoreVerifier, change: dict[str, Any], told: str) -> None:
    statement = json.loads(base64.b64decode(GOOD["envelope"]["statement"])) | change
    assert told in refusal(verifier, SIGSTORE.sign(RUN, json.dumps(statement).encode(), START))


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b'"x"', b"\xff", b"[" * 5000])
def test_a_statement_that_is_none_is_refused(verifier: SigstoreVerifier, content: bytes) -> None:
    assert refusal(verifier, SIGSTORE.sign(RUN, content, START))


@settings(max_examples=150)
@given(place=st.sampled_from(SIGNED), where=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_any_one_bit_of_what_is_signed_changed_is_refused(
    verifier: SigstoreVerifier, place: Place, where: int, bit: int
) -> None:
    content = bytearray(base64.b64decode(at(GOOD, place)))
    content[where % len(content)] ^= 1 << bit
    assert refusal(verifier, changed(place, base64.b64encode(content).decode()))


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*above, key)
        yield from places(item, (*above, key))


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.integers(), max_size=2)


@settings(max_examples=150)
@given(place=st.sampled_from(sorted(places(GOOD), key=str)), value=JUNK | st.fixed_dictionaries({"x": JUNK}))
def test_whatever_else_stands_in_any_place_is_refused_or_says_the_same(
    verifier: SigstoreVerifier, place: Place, value: Any
) -> None:
    """What is not verified, such as a hint that says which key to try first, changes nothing of what is."""
    try:
        found = verifier.verify(AttestationWish.model_validate(changed(place, value)).model_dump())
    except (AttestationRefused, ValidationError):
        return
    assert found == verifier.verify(GOOD)


@pytest.mark.parametrize("moment", [0, -1, 2**40, 2**62, -(2**62), 10**30])
def test_a_time_that_no_calendar_has_is_refused(verifier: SigstoreVerifier, moment: int) -> None:
    place = ("verification_material", "transparency_entries", 0, "integratedTime")
    assert refusal(verifier, changed(place, str(moment)))


@pytest.mark.parametrize("key", ["authority_key", "certificate_log_key", "signature_log_key"])
def test_an_attestation_by_another_key_than_the_roots_is_refused(verifier: SigstoreVerifier, key: str) -> None:
    other = replace(SIGSTORE, **{key: getattr(LocalSigstore.made(), key)})
    assert "does not verify" in refusal(verifier, other.attest(RUN, WHEEL, DIGEST))


@pytest.mark.parametrize("late", [timedelta(minutes=11), timedelta(days=400), timedelta(minutes=-1)])
def test_a_signature_out_of_the_time_of_its_certificate_is_refused(verifier: SigstoreVerifier, late: timedelta) -> None:
    statement = base64.b64decode(GOOD["envelope"]["statement"])
    assert "does not verify" in refusal(verifier, SIGSTORE.sign(RUN, statement, START + late, certified_at=START))


def test_an_old_attestation_is_as_good_as_a_new_one(verifier: SigstoreVerifier) -> None:
    old = SIGSTORE.attest(RUN, WHEEL, DIGEST, at=datetime(2021, 5, 1, tzinfo=UTC))
    assert verifier.verify(old).claims == RUN


def test_an_entry_of_the_log_that_no_time_is_signed_with_is_refused(verifier: SigstoreVerifier) -> None:
    attestation = deepcopy(GOOD)
    del attestation["verification_material"]["transparency_entries"][0]["inclusionPromise"]
    assert "does not verify" in refusal(verifier, attestation)


def test_the_public_root_comes_with_the_library_and_takes_nothing_of_ours() -> None:
    assert "does not verify" in refusal(SigstoreVerifier(Attestations()), GOOD)


def test_an_operator_may_take_no_attestations() -> None:
    with pytest.raises(Invalid, match="HUB_ATTESTATION_ROOT to none"):
        SigstoreVerifier(Attestations(attestation_root="none")).verify(GOOD)


@pytest.mark.parametrize("content", [None, "", "{}", '{"mediaType": "another"}'])
def test_a_root_that_cannot_be_read_is_the_operators_fault(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "root.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PermanentError, match="HUB_ATTESTATION_ROOT"):
        SigstoreVerifier(Attestations(attestation_root=str(path))).verify(GOOD)


def test_a_root_without_a_log_verifies_nothing(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="HUB_ATTESTATION_ROOT"):
        verifier_by({**SIGSTORE.trusted_root(), "tlogs": []}, tmp_path).verify(GOOD)


def test_the_keys_of_a_folder_sign_what_its_root_verifies_each_time(tmp_path: Path) -> None:
    root, again = root_file(tmp_path).read_text(), root_file(tmp_path).read_text()
    assert root == again
    attestation = LocalSigstore.of(tmp_path).attest(RUN, WHEEL, DIGEST)
    assert verifier_by(json.loads(root), tmp_path).verify(attestation).claims == RUN


REUSABLE = "acme/shared/.github/workflows/publish.yml"


@pytest.mark.parametrize(
    ("run", "publisher"),
    [
        (
            read_run(Platform.GITHUB, GITHUB, CLAIMS),
            pypi_attestations.GitHubPublisher(repository="Acme/Weather", workflow="release.yml", environment="release"),
        ),
        (
            read_run(Platform.GITHUB, GITHUB, {**CLAIMS, "job_workflow_ref": f"{REUSABLE}@refs/heads/main"}),
            pypi_attestations.GitHubPublisher(repository="Acme/Weather", workflow="release.yml", environment="release"),
        ),
        (
            read_run(Platform.GITLAB, GITLAB, OF_GITLAB),
            pypi_attestations.GitLabPublisher(repository="acme/tools/weather", workflow_filepath=".gitlab-ci.yml"),
        ),
    ],
    ids=["github", "reusable workflow", "gitlab"],
)
def test_what_is_served_is_a_provenance_object_whose_publisher_the_certificate_is_of(
    run: CiRun, publisher: pypi_attestations.Publisher
) -> None:
    attestation = SIGSTORE.attest(run.claims, WHEEL, DIGEST)
    by = PublishedBy.of_run("1", run)
    stored = StoredProvenance("acme", "weather", "1.0.0", WHEEL, DIGEST, by, (json.dumps(attestation),), START)
    served = pypi_attestations.Provenance.model_validate_json(json.dumps(provenance_object(stored)))
    (bundle,) = served.attestation_bundles
    assert bundle.publisher == publisher
    assert bundle.attestations[0].model_dump(mode="json") == attestation
    # As this library verifies an attestation that it has downloaded.
    bundle.publisher._as_policy().verify(bundle.attestations[0].to_bundle().signing_certificate)
