"""What a tenant's process says is shown without its credentials, and no longer than a message may be."""

import pytest

from provider_hub.domain.masking import MESSAGE_LENGTH, mask, tail


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("password=hunter2 rest", "password=*** rest"),
        ("Authorization: Bearer", "Authorization: ***"),
        ("api_key: 'k-123', next", "api_key: '***', next"),
        ("GET https://user:pass@host/x", "GET https://***@host/x"),
        ("GET https://host/x?sig=abc&y=1 failed", "GET https://host/x?*** failed"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln and more", "Authorization: *** and more"),
        ('{"Authorization": "Bearer abc"}', '{"Authorization": "***"}'),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: ***"),
        ('authorization: Digest username="a b", response="c d" refused', "authorization: *** refused"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=AK/x, Signature=99 refused", "Authorization: *** refused"),
        ("Cookie: a=1; session=2 sent", "Cookie: *** sent"),
        ('password = "two words" is wrong', 'password = "***" is wrong'),
        ("password: 'two words', next", "password: '***', next"),
        (r'password="with \" inside" end', 'password="***" end'),
        (r"{\"token\": \"one two\"}", r"{\"token\": \"***" + '"}'),
        ("secret_key=abc123", "secret_key=***"),
        ("pwd => hunter2;", "pwd => ***;"),
        ("postgresql://user:p@ss@host/db failed", "postgresql://***@host/db failed"),
        ("https://token@host/x", "https://***@host/x"),
        ("https://u:p?w@host/x", "https://***@host/x"),
        ("https://host/x#access_token=abc done", "https://host/x#*** done"),
        ("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl back", "got *** back"),
        ("used ghp_0123456789abcdef0123", "used ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END", "***-----END"),
        (
            'deployments.apps is forbidden: User "hub-installer@my-project.iam.gserviceaccount.com" cannot create',
            'deployments.apps is forbidden: User "***" cannot create',
        ),
        ("mail ada@acme.example about it", "mail ada@acme.example about it"),
        ("exceeded quota: q, requested: secrets=1", "exceeded quota: q, requested: secrets=1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, told: str) -> None:
    assert mask(text) == told


LABELS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "api-key", "apikey", "access_key"),
    *("private_key", "privatekey", "authorization", "cookie", "bearer", "client_secret", "refresh-token"),
)


@pytest.mark.parametrize("label", [*LABELS, *map(str.upper, LABELS), *map(str.title, LABELS)])
def test_what_follows_a_label_is_masked(label: str) -> None:
    assert mask(f"it said {label}=hunter2 to me") == f"it said {label}=*** to me"
    assert mask(f"{label}: hunter2") == f"{label}: ***"


@pytest.mark.parametrize(
    "beginning",
    [
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxr-", "xoxs-", "xoxp-"),
        *("sk_live_", "pypi-", "hubpub_", "mt_", "AKIA"),
    ],
)
def test_a_credential_is_known_by_its_beginning(beginning: str) -> None:
    assert mask(f"used {beginning}0123456789abcdef, it said") == "used ***, it said"


@pytest.mark.parametrize("header", ["Authorization", "AUTHORIZATION", "authorization", "Cookie", "COOKIE", "cookie"])
def test_a_header_is_masked_however_it_is_written(header: str) -> None:
    assert mask(f"{header}: Basic dXNlcjpwYXNz refused") == f"{header}: *** refused"


def test_a_long_message_keeps_its_end_where_the_error_is() -> None:
    told = mask("word " * 1000 + "the cause")
    assert len(told) == MESSAGE_LENGTH
    assert told.startswith("…")
    assert told.endswith(" the cause")


def test_a_credential_that_was_cut_from_its_label_is_not_shown() -> None:
    assert mask("token=" + "x" * 5000) == "…"
    assert mask("token=" + "x" * 5000 + " was refused") == "… was refused"


def test_a_message_that_was_cut_once_is_cut_no_further() -> None:
    cut = tail("word " * 1000, 2000)
    assert len(cut) <= 2000
    assert tail(cut, 2000) == cut
