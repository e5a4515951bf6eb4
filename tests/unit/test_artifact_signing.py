"""Signed URLs are those that Google signs: its own conformance vectors fit what is signed here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from provider_hub.adapters.artifacts.signing import Asked, encoded_name, signed_url, string_to_sign
from provider_hub.domain.artifacts import kept_name, upload_name

GOOGLES = json.loads((Path(__file__).parent / "storage_v4_signatures.json").read_text())
KEY: Any = load_pem_public_key(GOOGLES["public_key"].encode())
ACCOUNT = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"


@pytest.mark.parametrize("vector", GOOGLES["vectors"], ids=lambda vector: vector["description"])
def test_googles_own_signature_is_one_of_what_is_signed_here(vector: dict[str, Any]) -> None:
    headers = {"host": "storage.googleapis.com", **vector["headers"]}
    query = {
        "X-Goog-Algorithm": "GOOG4-RSA-SHA256",
        "X-Goog-Credential": f"{ACCOUNT}/{vector['date'][:8]}/auto/storage/goog4_request",
        "X-Goog-Date": vector["date"],
        "X-Goog-Expires": vector["expires"],
        "X-Goog-SignedHeaders": ";".join(sorted(headers)),
        **vector["query"],
    }
    signed = string_to_sign(vector["method"], f"/test-bucket/{encoded_name(vector['object'])}", query, headers)
    # It raises InvalidSignature for anything else.
    KEY.verify(bytes.fromhex(vector["signature"]), signed.encode(), padding.PKCS1v15(), SHA256())


class FixedSigner:
    account = ACCOUNT

    def sign(self, content: bytes) -> bytes:
        return b"\xab\xcd"


def test_the_url_is_spelled_as_google_spells_it() -> None:
    asked = Asked("GET", "https://storage.googleapis.com/test-bucket/test-object")
    url = signed_url(asked, FixedSigner(), datetime(2019, 2, 1, 9, tzinfo=UTC), timedelta(seconds=10))
    assert url == (
        "https://storage.googleapis.com/test-bucket/test-object?X-Goog-Algorithm=GOOG4-RSA-SHA256"
        "&X-Goog-Credential=test-iam-credentials%40dummy-project-id.iam.gserviceaccount.com%2F20190201%2Fauto%2Fstorage"
        "%2Fgoog4_request&X-Goog-Date=20190201T090000Z&X-Goog-Expires=10&X-Goog-SignedHeaders=host&X-Goog-Signature=abcd"
    )


def test_a_kept_file_is_named_by_its_digest_and_an_upload_by_its_id() -> None:
    digest = "ab" * 32
    assert kept_name(digest, "w-1.0-py3-none-any.whl") == f"sha256/ab/{digest}/w-1.0-py3-none-any.whl"
    assert upload_name("01JZ", "w-1.0+b.5-py3-none-any.whl") == "uploads/01JZ/w-1.0+b.5-py3-none-any.whl"


@pytest.mark.parametrize("file_name", ["", "../x.whl", ".x.whl", "a/b.whl", "a b.whl", "ä.whl", "x" * 256, "a\n.whl"])
def test_no_file_name_leads_to_another_object(file_name: str) -> None:
    with pytest.raises(ValueError, match="no file name to keep"):
        kept_name("ab" * 32, file_name)


@pytest.mark.parametrize("digest", ["", "AB" * 32, "ab" * 31, "ab" * 32 + "\n", "../" + "a" * 61])
def test_what_is_no_digest_names_no_object(digest: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        kept_name(digest, "w.whl")
    with pytest.raises(ValueError, match="no upload's id"):
        upload_name("../x", "w.whl")
