"""`hub install`, `configure`, `upgrade` and the other commands that change an installation; `--wait` waits for it."""

import argparse
from collections.abc import Sequence

from hub_cli.api import HubApi, Installation, find_installation
from hub_cli.arguments import Session, config, secret_config
from hub_cli.display import as_json, printable
from hub_cli.errors import Refused, UsageError
from hub_cli.progress import progress
from hub_cli.waiting import Waiting, state_of

# How the API calls the version of each.
_VERSION = {"upgrade": "version", "downgrade": "target_version"}


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry one out. Raises ClientError."""
    row = _asked(session, parsed)
    if not parsed.wait:
        if session.as_json:
            print(as_json(row.raw))
        else:
            print(f"{_sentence(row)}; follow it with `hub status {row.canonical} --watch`.")
        return 0
    if parsed.command == "uninstall":
        return _until_gone(session, row, parsed.timeout)
    return _until_ready(session, row, parsed.timeout)


def _asked(session: Session, parsed: argparse.Namespace) -> Installation:
    api, name = session.api, parsed.provider
    match parsed.command:
        case "install":
            return api.install(_wish(parsed))
        case "configure":
            return api.configure(name, _changes(api, parsed))
        case "upgrade" | "downgrade":
            return api.change(name, parsed.command, {_VERSION[parsed.command]: parsed.version})
        case "rollback":
            return api.change(name, "rollback", {})
        case "deploy":
            api.deploy(name, parsed.version)
            return api.installation(name)
        case "uninstall":
            return _leaving(api, name) or api.uninstall(name, cascade=parsed.cascade)
    raise AssertionError(f"{parsed.command} changes nothing")


def _leaving(api: HubApi, name: str) -> Installation | None:
    """The row where it is being removed already: asking once more is refused, and waiting for it is as good."""
    row = find_installation(api, name)
    return row if row is not None and row.state == "deleting" else None


def _wish(parsed: argparse.Namespace) -> dict[str, object]:
    return {
        "provider_name": parsed.provider,
        "version": parsed.version,
        "resource_tier": parsed.tier,
        "upgrade_policy": parsed.policy,
        "allow_major_upgrades": parsed.allow_major_upgrades,
        "config": {**config(parsed.config, parsed.config_file), **secret_config(parsed.secret)},
    }


def _changes(api: HubApi, parsed: argparse.Namespace) -> dict[str, object]:
    """The fields of the PATCH. Raises UsageError where there are none, Refused for a key to unset that is not there."""
    fields = {"resource_tier": parsed.tier, "upgrade_policy": parsed.policy}
    switches = {name: getattr(parsed, name) for name in ("allow_major_upgrades", "rollback_on_failure")}
    changes: dict[str, object] = {name: value for name, value in fields.items() if value}
    changes |= {name: value == "on" for name, value in switches.items() if value}
    given = {**config(parsed.config, parsed.config_file), **secret_config(parsed.secret)}
    if given or parsed.unset:
        changes["config"] = {**_kept(api.installation(parsed.provider), parsed.unset), **given}
    if not changes:
        raise UsageError("say what to change, such as --tier performance or --config KEY=VALUE.")
    return changes


def _kept(row: Installation, unset: Sequence[str]) -> dict[str, object]:
    """The present config without the keys to unset: the API takes it whole, but for the secrets, which it keeps.

    Of two that change it at the same time the later one wins, also over what it did not see.
    """
    secrets = row.raw.get("secret_config") or []
    if missing := sorted(set(unset) - {*row.raw["config"], *secrets}):
        raise Refused(f"{row.canonical} has no {missing[0]} to unset.")
    plain = {key: value for key, value in row.raw["config"].items() if key not in unset}
    return {**plain, **{key: {"secret": None} for key in unset if key in secrets}}


def _until_ready(session: Session, row: Installation, timeout: float) -> int:
    with progress() as shown:
        ready = Waiting(session.api, shown, timeout).until_ready(row)
    if session.as_json:
        print(as_json(ready.raw))
    else:
        print(f"{_sentence(ready)}, after {shown.elapsed:.0f} s.")
    return 0


def _until_gone(session: Session, row: Installation, timeout: float) -> int:
    with progress() as shown:
        Waiting(session.api, shown, timeout).until_gone(row)
    # For programs the row as it was last seen: what is gone has no newer one.
    print(as_json(row.raw) if session.as_json else f"{row.canonical} is uninstalled, after {shown.elapsed:.0f} s.")
    return 0


def _sentence(row: Installation) -> str:
    return printable(f"{row.canonical} {row.installed_version} is {state_of(row)}")
