"""A sealed value opens for its owner and its name alone, by the key that sealed it."""

import os
from base64 import b64decode, b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from provider_hub.adapters.sealing import Envelope, NoKey, connect
from provider_hub.adapters.sealing.cloud_kms import CloudKms
from provider_hub.adapters.sealing.key_file import KeyFile
from provider_hub.domain.errors import Invalid, PermanentError, TemporaryError
from provider_hub.domain.secret_values import bytes_of, bytes_of_sealed
from provider_hub.settings.sealing import Sealing

KEY = "projects/p/locations/l/keyRings/hub/cryptoKeys/config"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(os.urandom(32))
    path.chmod(0o600)
    return path


@pytest.fixture
def envelope(key_file: Path) -> Envelope:
    return Envelope(KeyFile(str(key_file)))


class Kms:
    """Stands in for Cloud KMS: it encrypts by turning bytes around, and answers what `answers` has first."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    def post(self, url: str, *, json: dict[str, str], timeout: float) -> Any:
        assert timeout > 0
        self.calls.append(url)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return SimpleNamespace(status_code=answer, ok=False)
        ((name, content),) = json.items()
        other = {"plaintext": "ciphertext", "ciphertext": "plaintext"}[name]
        turned = {other: b64encode(b64decode(content)[::-1]).decode()}
        return SimpleNamespace(status_code=200, ok=True, json=lambda: turned)


def test_a_value_is_not_in_its_sealed_text_and_comes_back(envelope: Envelope) -> None:
    values = {"TOKEN": "hunter2", "EMPTY": "", "LONG": "ä" * 9000}
    sealed = envelope.seal(values, "org_acme/acme/weather")
    assert not any(value and value in text for value in values.values() for text in sealed.values())
    assert envelope.open(sealed, "org_acme/acme/weather") == values
    assert envelope.seal(values, "o") != envelope.seal(values, "o")
    assert abs(bytes_of_sealed(sealed) - bytes_of(values)) <= 2 * len(values)


def test_a_text_that_was_copied_elsewhere_does_not_open(envelope: Envelope) -> None:
    sealed = envelope.seal({"TOKEN": "hunter2", "OTHER": "x"}, "org_acme/acme/weather")
    with pytest.raises(PermanentError, match="secret value of TOKEN cannot be opened"):
        envelope.open(sealed, "org_evil/acme/weather")
    with pytest.raises(PermanentError):
        envelope.open({"OTHER": sealed["TOKEN"]}, "org_acme/acme/weather")
    for damaged in ("", "1.a", "2." + sealed["TOKEN"][2:], sealed["TOKEN"][:-4], sealed["TOKEN"] + "AAAA"):
        with pytest.raises(PermanentError):
            envelope.open({"TOKEN": damaged}, "org_acme/acme/weather")


def test_another_key_file_opens_nothing_and_one_that_others_may_read_is_refused(
    envelope: Envelope, key_file: Path, tmp_path: Path
) -> None:
    sealed = envelope.seal({"TOKEN": "hunter2"}, "o")
    other = tmp_path / "other"
    other.write_bytes(os.urandom(32))
    other.chmod(0o600)
    with pytest.raises(PermanentError, match="another key file"):
        Envelope(KeyFile(str(other))).open(sealed, "o")
    key_file.chmod(0o640)
    with pytest.raises(PermanentError, match="mode 0600"):
        envelope.seal({"TOKEN": "x"}, "o")
    with pytest.raises(PermanentError, match="cannot be read"):
        KeyFile(str(tmp_path / "none")).wrap(b"k")


def test_the_key_service_is_asked_once_for_a_write_and_once_for_what_is_opened_again() -> None:
    kms = Kms()
    envelope = Envelope(CloudKms(KEY, kms, "https://kms.example"))
    sealed = envelope.seal({"A": "1", "B": "2"}, "o")
    for _ in range(3):
        assert envelope.open(sealed, "o") == {"A": "1", "B": "2"}
    assert kms.calls == [f"https://kms.example/v1/{KEY}:encrypt", f"https://kms.example/v1/{KEY}:decrypt"]


def test_a_key_service_that_fails_is_tried_once_more_and_one_that_refuses_is_not() -> None:
    kms = Kms(requests.ConnectionError("reset"))
    assert CloudKms(KEY, kms).wrap(b"ab") == b"ba"
    with pytest.raises(TemporaryError, match="answered 503"):
        CloudKms(KEY, Kms(503, 503)).wrap(b"ab")
    with pytest.raises(TemporaryError, match="did not answer: ConnectionError"):
        CloudKms(KEY, Kms(requests.ConnectionError(), requests.ConnectionError())).wrap(b"ab")
    refusing = Kms(403)
    with pytest.raises(PermanentError, match="refused to decrypt with 403"):
        CloudKms(KEY, refusing).unwrap(b"ab")
    assert len(refusing.calls) == 1


def test_a_deployment_without_a_key_takes_no_secret_and_opens_none() -> None:
    nothing = connect(Sealing.from_environment({}))
    assert isinstance(nothing, NoKey)
    assert (nothing.seal({}, "o"), nothing.open({}, "o")) == ({}, {})
    with pytest.raises(Invalid, match="has no key to keep secret values"):
        nothing.seal({"A": "1"}, "o")
    with pytest.raises(PermanentError, match="no key for the secret values A"):
        nothing.open({"A": "1.a.b"}, "o")
