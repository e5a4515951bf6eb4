"""Whether two spellings name one version."""

from packaging.version import InvalidVersion, Version


def same_version(semver: str, wheel_version: str) -> bool:
    """Whether a wheel of `wheel_version` (PEP 440) is the published version `semver`.

    `1.0.0-rc.1` is `1.0.0rc1`, `1.0.0+build.5` is the same local version. A semver that PEP 440 cannot
    express equals only itself.
    """
    try:
        return Version(semver) == Version(wheel_version)
    except InvalidVersion:
        return semver == wheel_version
