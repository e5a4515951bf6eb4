"""The indexes that this machine's pip or uv asks are those that the local stack resolves dependencies against."""

from pathlib import Path

import pytest

from local_stack.indexes import index_settings
from provider_hub.settings.everything import Indexes


def settings_of(environment: dict[str, str]) -> Indexes:
    return Indexes.from_environment(index_settings({"PIP_CONFIG_FILE": "/dev/null", **environment}))


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        ({}, ("https://pypi.org/simple/",)),
        ({"PIP_INDEX_URL": "https://mirror.example/simple"}, ("https://mirror.example/simple",)),
        (
            {"PIP_INDEX_URL": "https://mirror.example/simple", "UV_DEFAULT_INDEX": "https://uv.example/simple"},
            ("https://uv.example/simple",),
        ),
        (
            {"PIP_EXTRA_INDEX_URL": "file:///opt/index https://more.example/simple", "UV_INDEX": "own=http://own/x"},
            ("https://pypi.org/simple/", "http://own/x", "https://more.example/simple"),
        ),
    ],
)
def test_the_indexes_are_those_of_the_machine(environment: dict[str, str], urls: tuple[str, ...]) -> None:
    assert settings_of(environment).index_urls == urls


def test_an_index_that_a_file_of_pips_names_is_found_with_its_login_apart(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://me:p%40ss@mirror.example/simple\ncert = /etc/mirror.pem\n")
    variables = index_settings({"PIP_CONFIG_FILE": str(file)})
    found = Indexes.from_environment(variables)
    assert found.index_urls == ("https://mirror.example/simple",)
    assert found.index_logins == {"mirror.example": ("me", "p@ss")}
    assert (variables["SSL_CERT_FILE"], found.index_upload_times) == ("/etc/mirror.pem", "warn")
