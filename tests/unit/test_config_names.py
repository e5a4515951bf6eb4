"""A tenant's config cannot set what changes how the runtime loads code, whom it trusts, or where its requests go."""

import pytest

from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.domain.config_names import is_reserved


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "HOSTNAME", "TMPDIR", "PRAGMA_VERSION", "KUBERNETES_PORT"),
        *("PYTHONPATH", "PYTHONSTARTUP", "PIP_INDEX_URL", "UV_INDEX_URL", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT"),
        *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "GCONV_PATH", "MALLOC_CHECK_", "LOCPATH"),
        *("BASH_ENV", "BASH_FUNC_ls", "IFS", "PS4", "SHELLOPTS"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OPENSSL_CONF"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "No_Proxy"),
        *("RES_OPTIONS", "HOSTALIASES", "NETRC", "XDG_CONFIG_HOME"),
    ],
)
def test_what_would_change_how_the_runtime_works_is_refused(name: str) -> None:
    assert is_reserved(name)
    with pytest.raises(ValueError, match=f"key '{name}' is reserved"):
        InstallWish(provider_name="acme/weather", config={name: "x"})


@pytest.mark.parametrize(
    "name", ["API_KEY", "path", "PATHS", "MY_PYTHON", "__name__", "STATIONS", "DIGIT_GROUPS", "PROXY", "GITHUB_TOKEN"]
)
def test_other_names_are_the_tenants(name: str) -> None:
    assert not is_reserved(name)
    assert InstallWish(provider_name="acme/weather", config={name: "x"}).config == {name: "x"}
