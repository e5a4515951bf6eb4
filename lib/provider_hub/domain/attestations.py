"""Attestations: what a CI run signed about a wheel, and what of it has to be as the run that publishes says itself.

Their form is PEP 740's. A signature alone says little, since anybody can sign anything with a run of their own: so the
certificate has to say what the token of the publishing run says, and the signed statement has to be about these bytes.
"""

import json
from dataclasses import fields
from typing import Any

from provider_hub.domain.publishers.claims import AttestationRefused, RunClaims, SignedStatement
from provider_hub.domain.wheels.errors import WheelInvalid
from provider_hub.domain.wheels.file_names import parse_file_name

PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
SLSA = "https://slsa.dev/provenance/v1"
PREDICATES = (PUBLISH, SLSA)
# One of each kind, of a wheel.
MOST = len(PREDICATES)
LONGEST = 100 * 1024

_STATEMENT = "https://in-toto.io/Statement/v1"
_SHOWN = 200
# What a claim is called in a refusal, where its own name says less.
_CALLED = {"signer": "identity (the workflow that signed)"}


def attested_predicate(signed: SignedStatement, run: RunClaims, file_name: str, sha256: str) -> str:
    """The type of what `signed` says of the wheel that `run` publishes.

    Raises AttestationRefused where another run signed it, or where it is about something else.
    """
    _check_signer(signed.claims, run)
    statement = _parsed(signed.statement)
    _check_subject(statement, file_name, sha256)
    predicate = statement.get("predicateType")
    if predicate not in PREDICATES:
        raise AttestationRefused(f"its predicateType is {_shown(predicate)}: {' and '.join(PREDICATES)} are taken")
    return str(predicate)


def _check_signer(given: RunClaims, wanted: RunClaims) -> None:
    for field in fields(RunClaims):
        says, has = getattr(given, field.name), getattr(wanted, field.name)
        if says != has:
            called = _CALLED.get(field.name, field.name)
            raise AttestationRefused(
                f"the {called} in its certificate is {_shown(says)}, and the run that publishes has {_shown(has)}"
            )


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        statement = json.loads(content)
    except (ValueError, RecursionError):
        raise AttestationRefused("its statement is no JSON") from None
    if not isinstance(statement, dict) or statement.get("_type") != _STATEMENT:
        raise AttestationRefused(f"its statement is no in-toto statement ({_STATEMENT})")
    return statement


def _check_subject(statement: dict[str, Any], file_name: str, sha256: str) -> None:
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise AttestationRefused("its statement is not about one file: attest each wheel by itself")
    name, digests = subjects[0].get("name"), subjects[0].get("digest")
    if not _same_file(name, file_name):
        raise AttestationRefused(f"its subject is {_shown(name)}, and the wheel is {_shown(file_name)}")
    digest = digests.get("sha256") if isinstance(digests, dict) else None
    if digest != sha256:
        raise AttestationRefused(f"its subject has the sha256 {_shown(digest)}, and the wheel has {sha256}")


def _same_file(attested: object, file_name: str) -> bool:
    """Whether both names mean one wheel: writers differ in the order of tags, and in how they spell the name."""
    if not isinstance(attested, str):
        return False
    try:
        return attested == file_name or parse_file_name(attested) == parse_file_name(file_name)
    except WheelInvalid:
        return False


def _shown(value: object) -> str:
    return ascii(value)[:_SHOWN]
