"""Whether two spellings name one version."""

_PRE_RELEASES = {"a": "alpha", "b": "beta", "rc": "rc"}


def same_version(semver: str, wheel_version: str) -> bool:
    """Whether a wheel of `wheel_version` (PEP 440) is the published version `semver`.

    `1.0.0-rc.1` is `1.0.0rc1`, `1.0.0+build.5` is the same local version. A semver that PEP 440 cannot
    express equals only itself.

    A post-release is no semantic version: `1.0.0-1` is `1.0.0.post1` to PEP 440, which ranks it above 1.0.0, and a
    pre-release to semantic versioning, which ranks it below. So is a development release of a pre-release.
    """
    from packaging.version import InvalidVersion, Version

    try:
        published, written = Version(semver), Version(wheel_version)
    except InvalidVersion:
        return semver == wheel_version
    return published == written and not is_ranked_otherwise(wheel_version)


def is_ranked_otherwise(wheel_version: str) -> bool:
    """Whether the version is refused, since semantic versioning would order its spelling otherwise than PEP 440 does.

    A development release is not, although `1.0.0-dev.3` ranks above `-alpha` and `-beta` there, and below both in
    PEP 440. Such versions are published, and every client orders them as semantic versioning does. Another spelling
    would rank below those that a provider has already, and make the same wheel a second version. Only who publishes
    development releases and alphas or betas of one release sees the difference.
    """
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(wheel_version)
    except InvalidVersion:
        return False
    return version.is_postrelease or (version.pre is not None and version.dev is not None)


def semver_of(version: str) -> str:
    """The semantic version that a wheel's version says. Raises ValueError for one that says none.

    `1.4` is `1.4.0`, `2.0.0rc1` is `2.0.0-rc.1`, `1.0.0.dev3` is `1.0.0-dev.3`, `1.0.0+build.5` stays.
    """
    from packaging.version import Version

    parsed = Version(version)
    if parsed.epoch or len(parsed.release) > 3 or is_ranked_otherwise(version):
        raise ValueError(
            f"the wheel's version {version} is no semantic version, and what it would be is a guess: build it as "
            "MAJOR.MINOR.PATCH, with -rc.N for a pre-release"
        )
    text = ".".join(str(number) for number in (*parsed.release, 0, 0)[:3])
    if parsed.pre:
        text += f"-{_PRE_RELEASES[parsed.pre[0]]}.{parsed.pre[1]}"
    elif parsed.dev is not None:
        text += f"-dev.{parsed.dev}"
    return f"{text}+{parsed.local}" if parsed.local else text
