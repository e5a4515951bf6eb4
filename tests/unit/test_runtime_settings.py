"""What a runtime takes from its environment, and how it says what is wrong there."""

from pathlib import Path

import pytest

from pragma_runtime.errors import SettingsError
from pragma_runtime.settings import public_url, read_settings

_TOKEN = "the-token"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PRAGMA_ORGANIZATION_ID": "org_acme",
        "PRAGMA_PROVIDER": "acme/weather",
        "PRAGMA_VERSION": "1.0.0",
        "PRAGMA_INSTALLATION_ID": "01J",
        "PRAGMA_GENERATION": "3",
        "PRAGMA_INSTANCE_ID": "weather-1",
        "PRAGMA_WHEEL_URL": "https://wheels.example/w-1.0.0-py3-none-any.whl?sig=1",
        "PRAGMA_WHEEL_SHA256": "a" * 64,
        "PRAGMA_CHECK_IN_TOPIC": "projects/p/topics/t",
        "PRAGMA_PUBSUB_ENDPOINT": "https://pubsub.googleapis.com/",
        "PRAGMA_WORK_DIR": str(tmp_path),
    }


def test_the_least_environment_gets_the_documented_defaults(environment: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(environment, _TOKEN)

    assert (settings.generation, settings.package_name, settings.work_dir) == (3, "", tmp_path)
    assert (settings.check_in_seconds, settings.health_seconds, settings.grace_seconds) == (300, 10, 25)
    assert (settings.listen_address, settings.port, settings.ca_file) == ("0.0.0.0", 8080, None)  # noqa: S104
    assert settings.pubsub_endpoint == "https://pubsub.googleapis.com"
    assert settings.disk_bytes == 0
    assert _TOKEN not in repr(settings)


@pytest.mark.parametrize("name", ["ORGANIZATION_ID", "PROVIDER", "WHEEL_URL", "WHEEL_SHA256", "WORK_DIR"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_or_empty_setting_is_named(environment: dict[str, str], name: str, value: str | None) -> None:
    del environment[f"PRAGMA_{name}"]
    if value is not None:
        environment[f"PRAGMA_{name}"] = value

    with pytest.raises(SettingsError, match=f"PRAGMA_{name} is missing"):
        read_settings(environment, _TOKEN)


def test_a_missing_token_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PRAGMA_CHECK_IN_TOKEN is missing"):
        read_settings(environment, "")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PROVIDER", "weather", "prefix/name"),
        ("GENERATION", "three", "a number"),
        ("GENERATION", "0", "a number from 1"),
        ("GENERATION", "1.5", "a number"),
        ("CHECK_IN_SECONDS", "nan", "a number from"),
        ("PORT", "65536", "to 65535"),
        ("DISK_BYTES", "1Gi", "a number"),
        ("WHEEL_SHA256", "A" * 64, "lowercase"),
        ("WHEEL_URL", "http://wheels.example/w-1.0.0-py3-none-any.whl", "https://"),
        ("WHEEL_URL", "https://[::1/w.whl", "not a URL"),
        ("CHECK_IN_TOPIC", "runtime-check-ins", "projects/PROJECT/topics/TOPIC"),
        ("PUBSUB_ENDPOINT", "ftp://pubsub", "https://HOST"),
        ("LISTEN_ADDRESS", "localhost", "an IPv4 or IPv6 address"),
        ("WORK_DIR", "/no/such/directory", "an existing directory"),
        ("CA_FILE", "/no/such/file", "an existing file"),
    ],
)
def test_a_malformed_setting_is_refused_with_what_is_expected(
    environment: dict[str, str], name: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError, match=f"PRAGMA_{name} is .*{expected}"):
        read_settings({**environment, f"PRAGMA_{name}": value}, _TOKEN)


def test_a_refused_url_is_shown_without_its_secrets(environment: dict[str, str]) -> None:
    environment["PRAGMA_WHEEL_URL"] = "https://user:PASSWORD@wheels.example/w-1.0.0-py3-none-any.whl?sig=SIGNATURE"

    with pytest.raises(SettingsError) as refusal:
        read_settings(environment, _TOKEN)

    assert "wheels.example" in str(refusal.value)
    assert not any(secret in str(refusal.value) for secret in ("PASSWORD", "SIGNATURE"))


def test_a_url_is_shown_without_user_query_and_fragment() -> None:
    assert public_url("https://u:p@host:8443/a/b.whl?sig=x#sha256=y") == "https://host:8443/a/b.whl"


def test_an_ipv6_address_to_listen_on_is_taken(environment: dict[str, str]) -> None:
    assert read_settings({**environment, "PRAGMA_LISTEN_ADDRESS": "fd00::7"}, _TOKEN).listen_address == "fd00::7"
