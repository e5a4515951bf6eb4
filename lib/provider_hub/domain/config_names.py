"""Names of environment variables that no tenant may set in a pod: the platform's own, and those that libraries obey.

A config becomes environment variables of the process that verifies and installs the wheel. Some names would change how
that process loads code, whom it trusts, or which way its requests take.
"""

_PLATFORM = ("PRAGMA_", "KUBERNETES_")
# Interpreters, loaders and tools that run code or read settings by these: Python, the dynamic linker, pip, uv, git,
# shells, OpenSSL, and glibc's allocator and tunables.
_LOADERS = ("PYTHON", "LD_", "PIP_", "UV_", "GIT_", "BASH_", "OPENSSL_", "GLIBC_", "MALLOC_")
_PROXY_SUFFIX = "_PROXY"

_RESERVED = frozenset(
    {
        # What the image and the manifests set.
        "PATH", "HOME", "HOSTNAME", "TMPDIR",
        # Shells.
        "CDPATH", "GLOBIGNORE", "IFS", "PROMPT_COMMAND", "PS4", "SHELLOPTS", "BASHOPTS",
        # glibc: what it ignores itself in a program that runs with more rights than its caller.
        "GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH",
        "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
        # Whom TLS clients trust, and where they write their keys.
        "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSLKEYLOGFILE", "SSL_CERT_DIR", "SSL_CERT_FILE",
        # Credentials and settings that HTTP clients and pip look for.
        "CURL_HOME", "NETRC", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME",
    }
)  # fmt: skip


def is_reserved(name: str) -> bool:
    """Whether no tenant may set the variable. Of proxies, libraries read `https_proxy` as well as `HTTPS_PROXY`."""
    return name in _RESERVED or name.startswith(_PLATFORM + _LOADERS) or name.upper().endswith(_PROXY_SUFFIX)
