"""`hub publish`, `yank` and `unyank`: a version is registered by its wheel's file, or by where its wheel is."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hub_cli.api import HubApi, Json
from hub_cli.arguments import Session, text_or_file
from hub_cli.display import as_json, facts, origin_of, printable
from hub_cli.errors import Refused, UsageError
from hub_cli.progress import Progress, progress
from hub_cli.transport import NotThere
from hub_cli.trusted import may_vouch, may_vouch_again, trusted_session
from hub_cli.upload import Destination, upload
from hub_cli.wheel_facts import WheelFacts, parsed_url, read_file, read_url
from provider_hub.domain.catalog_texts import description_of, display_name_of
from provider_hub.domain.names import PLATFORM_PREFIX, normalised
from provider_hub.domain.wheels.versions import semver_of


def publish(session: Session, parsed: argparse.Namespace) -> int:
    """Publish each wheel; the first that is refused ends it. Raises ClientError."""
    if len(parsed.wheels) > 1 and (parsed.name or parsed.version):
        raise UsageError("--name and --version fit one wheel only: publish each wheel with a command of its own.")
    if len(parsed.wheels) > 1 and parsed.wheel_url and not parsed.wheel_url.endswith("/"):
        raise UsageError("--wheel-url is the URL of one wheel; for several, give the URL of their folder, ending in /.")
    if len(parsed.wheels) > 1 and parsed.attestations:
        raise UsageError("--attestation fits one wheel only: publish each wheel with a command of its own.")
    if len(parsed.wheels) > 1 and _is_as_this_run(session, parsed) and not may_vouch_again():
        raise UsageError(
            "GitLab gives a job one ID token, which the hub takes once: publish each wheel in a job of its own, or "
            "set HUB_TOKEN."
        )
    for wheel in parsed.wheels:
        _publish_one(session, argparse.Namespace(**{**vars(parsed), "wheel": wheel}))
    return 0


def _publish_one(session: Session, parsed: argparse.Namespace) -> None:
    """With the token that was given, else as this CI job."""
    if _is_as_this_run(session, parsed):
        return _publish_as_this_run(session, parsed)
    session.target.require_token()
    wheel, place = _wheel(parsed, session.target.ca_file)
    return _publish(session, parsed, _name(session.api, parsed, wheel), wheel, place)


def _is_as_this_run(session: Session, parsed: argparse.Namespace) -> bool:
    return session.target.token is None and not parsed.platform and may_vouch()


def _publish_as_this_run(session: Session, parsed: argparse.Namespace) -> None:
    wheel, place = _wheel(parsed, session.target.ca_file)
    asked = parsed.name or normalised(wheel.distribution)
    with trusted_session(session, asked) as (trusted, provider):
        _check_is_meant(provider, parsed.name, wheel)
        _publish(trusted, parsed, provider, wheel, place)


def _check_is_meant(provider: str, given: str | None, wheel: WheelFacts) -> None:
    """Raises UsageError for a run that may publish another provider than the one that was given, or the wheel's.

    Versions never change, so a wheel that goes to the wrong provider stays there.
    """
    short = provider.partition("/")[2]
    if given in (provider, short) or (not given and normalised(short) == normalised(wheel.distribution)):
        return
    other = f"--name says {given}" if given else f"the wheel is of {normalised(wheel.distribution)}"
    raise UsageError(
        f"this run publishes {provider}, and {other}: give --name {provider} if you mean that provider; if not, let "
        "the workflow publish the other one (`hub publishers add`)."
    )


def _publish(session: Session, parsed: argparse.Namespace, name: str, wheel: WheelFacts, place: str | Path) -> None:
    body = _registration(wheel, name, parsed)
    with progress() as shown:
        if isinstance(place, Path):
            body["upload_id"] = _uploaded(session, place, wheel, shown, platform=parsed.platform)
        else:
            body["wheel_url"] = place
        shown.moving(f"publishing {body['name']} {body['version']}")
        version = session.api.publish(body, platform=parsed.platform)
    if version["status"] != "published":
        # The very same was published before, and what became of it since is no success of this command.
        raise Refused(f"{version['canonical']} {version['version']} is registered already, and {version['status']}.")
    print(as_json(version) if session.as_json else _described(version))


def yank(session: Session, name: str, version: str, reason: str | None) -> int:
    """Raises ClientError."""
    return _marked(session, session.api.yank(name, version, reason), "is yanked: no new installs, what runs stays")


def unyank(session: Session, name: str, version: str) -> int:
    """Raises ClientError."""
    return _marked(session, session.api.unyank(name, version), "can be installed again")


def _marked(session: Session, version: Json, what: str) -> int:
    sentence = f"{version['canonical']} {version['version']} {what}."
    print(as_json(version) if session.as_json else printable(sentence))
    return 0


def _uploaded(session: Session, path: Path, wheel: WheelFacts, shown: Progress, *, platform: bool) -> str:
    """Send the file; the id to register it by. Raises ClientError."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            announced = {"filename": wheel.file_name, "size": size, "sha256": wheel.sha256}
            begun = session.api.begin_upload(announced, platform=platform)
            to = Destination(begun["url"], begun["headers"], session.target.ca_file)
            with shown.sending(f"uploading {wheel.file_name}", size) as moved:
                upload(file, size, to, moved)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error
    return str(begun["upload_id"])


def _wheel(parsed: argparse.Namespace, ca_file: str | None) -> tuple[WheelFacts, str | Path]:
    """The wheel's facts, and the URL to register it by, or the file to upload."""
    given: str = parsed.wheel
    if given.lower().startswith(("https://", "http://")):
        if parsed.wheel_url:
            raise UsageError("--wheel-url says where a FILE is served: give it with a FILE, and not with a URL.")
        url = parsed_url(given)
        return read_url(url, ca_file, parsed.package), str(url)
    found = read_file(Path(given), parsed.package)
    if not parsed.wheel_url:
        return found, Path(given)
    served: str = parsed.wheel_url
    return found, f"{served}{quote(found.file_name)}" if served.endswith("/") else served


def _name(api: HubApi, parsed: argparse.Namespace, wheel: WheelFacts) -> str:
    """As given; what is missing of it from the token's organization and the wheel.

    The wheel's name is normalised (PEP 503), as it is where other tools upload the wheel. A provider that an earlier
    release of this command made under another spelling stays the wheel's.
    """
    if parsed.name and "/" in parsed.name:
        return str(parsed.name)
    prefix = PLATFORM_PREFIX if parsed.platform else api.organization_slug()
    if parsed.name:
        return f"{prefix}/{parsed.name}"
    name = f"{prefix}/{normalised(wheel.distribution)}"
    before = f"{prefix}/{wheel.distribution.lower().replace('_', '-')}"
    return before if before != name and _is_there(api, before, anonymous=parsed.platform) else name


def _is_there(api: HubApi, name: str, *, anonymous: bool) -> bool:
    try:
        api.versions(name, 1, anonymous=anonymous)
    except NotThere:
        return False
    return True


def _version(wheel: WheelFacts) -> str:
    try:
        return semver_of(wheel.version)
    except ValueError as error:
        raise UsageError(f"{error}.") from None


def _registration(wheel: WheelFacts, name: str, parsed: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": name,
        "version": parsed.version or _version(wheel),
        "sha256": wheel.sha256,
        # Where none is named the API chooses, by the same rule by which the wheel was read here.
        "package_name": parsed.package or None,
        "metadata": _metadata(wheel, parsed),
        "changelog": text_or_file(parsed.changelog),
        "runtime_version": parsed.runtime_version,
        "attestations": [_attestation(file) for file in parsed.attestations] or None,
        **wheel.schemas,
    }


def _metadata(wheel: WheelFacts, parsed: argparse.Namespace) -> dict[str, Any]:
    """What was given; the rest is made up from the wheel, for a new provider only."""
    given = {"display_name": parsed.display_name or None, "description": parsed.description}
    made_up = {"display_name": display_name_of(wheel.distribution), "description": description_of(wheel.summary)}
    return {
        **{field: made_up[field] if value is None else value for field, value in given.items()},
        "only_if_new": [field for field, value in given.items() if value is None],
        "icon_url": parsed.icon_url,
        "tags": parsed.tags or None,
        "scope": parsed.scope,
    }


def _attestation(file: str) -> Any:
    try:
        return json.loads(text_or_file(f"@{file}") or "")
    except ValueError:
        raise UsageError(
            f"{file} is no attestation, since it is no JSON: give the wheel's .attestation file."
        ) from None


def _described(version: Mapping[str, Any]) -> str:
    pairs = [
        ("wheel", version["wheel_url"].partition("?")[0]),
        ("sha256", version["wheel_sha256"]),
        ("package", version["package_name"]),
        ("runtime", version["runtime_version"]),
        ("published by", origin_of(version)),
        ("attested", ", ".join(version.get("attestations") or ())),
        ("schemas", ", ".join(schema["resource"] for schema in version["schemas"])),
    ]
    return f"{version['canonical']} {version['version']} is {version['status']}.\n{facts(pairs)}"
