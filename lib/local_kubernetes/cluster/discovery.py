"""Discovery: which groups, versions and resources are served, as `kubectl` and dynamic clients ask."""

import platform
from typing import Any

from .kinds import GROUPS, KINDS, Kind, Object

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "log": ["get"],
    "binding": ["create"],
}
_SUBRESOURCE_KINDS = {
    "scale": {"kind": "Scale", "group": "autoscaling", "version": "v1"},
    "binding": {"kind": "Binding"},
}
SERVER_VERSION = ("1", "32")


def version() -> Object:
    """The answer of `/version`. A node recognizes this server by the `-embedded` at the end of `gitVersion`."""
    major, minor = SERVER_VERSION
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.0-embedded",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": f"{platform.system().lower()}/{machine}",
    }


def core_versions(address: str) -> Object:
    """The answer of `/api`: the core group's versions, and the server's `host:port`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups() -> Object:
    """The answer of `/apis`: every group but the core."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_described(group) for group in GROUPS]}


def group(name: str) -> Object | None:
    """One group's document, None when it is not served."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_described(name)} if name in GROUPS else None


def resources(group_name: str, version_name: str) -> Object:
    """The answer of `/api/v1` or `/apis/GROUP/VERSION`: the kinds there, and their subresources."""
    served = [kind for kind in KINDS if (kind.group, kind.version) == (group_name, version_name)]
    listed = [resource for kind in served for resource in _resources(kind)]
    api_version = f"{group_name}/{version_name}" if group_name else version_name
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _described(name: str) -> Object:
    versions = dict.fromkeys(kind.version for kind in KINDS if kind.group == name)
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(kind: Kind) -> list[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": _VERBS,
    }
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    if kind.categories:
        main["categories"] = list(kind.categories)
    subresources = [
        {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.name,
            **_SUBRESOURCE_KINDS.get(name, {}),
            "verbs": _SUBRESOURCE_VERBS[name],
        }
        for name in kind.subresources
    ]
    return [main, *subresources]
