"""The directories of a pod: its own, and its volumes'.

Nothing can be mounted for a process, so a volume is a directory under the pod's own. The node rewrites paths instead: a
path under a `mountPath` becomes the path under that directory in plain environment values, commands, arguments and the
working directory.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from local_kubernetes.node.environment import Rewrite, Sources
from local_kubernetes.node.objects import Json, uid_of

SUPPORTED = ("emptyDir", "secret", "configMap")
_IGNORED = ("projected", "downwardAPI")
"""Their files (the service account's token, most of all) are for paths that no process here can see."""


class VolumeError(Exception):
    """A volume cannot be provided; the message names it and its type."""


@dataclass(frozen=True)
class PodDirectories:
    """Where one pod lives on this machine."""

    root: Path

    @property
    def home(self) -> Path:
        """Working directory and HOME of its processes."""
        return self.root / "home"

    def temporary(self, container: str) -> Path:
        """What a container has as its temporary directory."""
        return self.root / "tmp" / container

    def logs(self, container: str) -> Path:
        """Where a container's output is kept."""
        return self.root / "logs" / container

    def volume(self, name: str) -> Path:
        """The directory that stands for a volume."""
        return self.root / "volumes" / name

    def remove(self) -> None:
        """Delete everything of the pod."""
        shutil.rmtree(self.root, ignore_errors=True)


def pod_directories(instance: Path, pod: Json) -> PodDirectories:
    """Where the pod's directories are, below the node's instance. Nothing is made yet."""
    return PodDirectories(instance / "pods" / uid_of(pod))


def volume_references(pod: Json) -> tuple[set[str], set[str]]:
    """Names of the Secrets and ConfigMaps that the pod's volumes are made of."""
    volumes = pod["spec"].get("volumes") or []
    secrets = {one["secret"]["secretName"] for one in volumes if one.get("secret")}
    config_maps = {one["configMap"]["name"] for one in volumes if one.get("configMap")}
    return secrets, config_maps


def make_directories(pod: Json, directories: PodDirectories, sources: Sources) -> None:
    """Make the pod's directories and fill those of Secrets and ConfigMaps.

    Raises VolumeError for a volume that is of no supported type, or whose source is missing.
    """
    directories.home.mkdir(parents=True, exist_ok=True)
    for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
        directories.temporary(container["name"]).mkdir(parents=True, exist_ok=True)
    for volume in pod["spec"].get("volumes") or []:
        _make_volume(volume, directories.volume(volume["name"]), sources)


def path_rewriter(container: Json, directories: PodDirectories) -> Rewrite:
    """Turns a path at or under one of the container's mounts into the real one; other texts stay as they are."""
    mounts = {
        one["mountPath"].rstrip("/"): directories.volume(one["name"]) / (one.get("subPath") or "")
        for one in container.get("volumeMounts") or []
        if directories.volume(one["name"]).is_dir()
    }
    # The innermost mount wins, as it does in a container.
    ordered = sorted(mounts.items(), key=lambda item: -len(item[0]))

    def rewrite(text: str) -> str:
        for mount, real in ordered:
            if text == mount or text.startswith(mount + "/"):
                return str(real) + text[len(mount) :]
        return text

    return rewrite


def make_sub_paths(container: Json, directories: PodDirectories) -> None:
    """Make the directories that a container mounts by `subPath`."""
    for mount in container.get("volumeMounts") or []:
        if mount.get("subPath"):
            (directories.volume(mount["name"]) / _safe(mount["subPath"])).mkdir(parents=True, exist_ok=True)


def _make_volume(volume: Json, directory: Path, sources: Sources) -> None:
    name = volume["name"]
    if any(kind in volume for kind in _IGNORED):
        return
    if "emptyDir" in volume:
        directory.mkdir(parents=True, exist_ok=True)
    elif secret := volume.get("secret"):
        _fill(directory, secret, "secret", secret["secretName"], sources.secrets.get(secret["secretName"]))
    elif config_map := volume.get("configMap"):
        _fill(directory, config_map, "configmap", config_map["name"], sources.config_maps.get(config_map["name"]))
    else:
        kind = next((field for field in volume if field != "name"), "none")
        raise VolumeError(f'volume "{name}" is of type {kind}; a process node provides {", ".join(SUPPORTED)}')


def _fill(directory: Path, source: Json, kind: str, name: str, content: Mapping[str, bytes] | None) -> None:
    if content is None and not source.get("optional"):
        raise VolumeError(f'{kind} "{name}" not found')
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    chosen = {one["key"]: one["path"] for one in source.get("items") or []} or {key: key for key in content or {}}
    for key, path in chosen.items():
        if key not in (content or {}):
            raise VolumeError(f'references non-existent {kind} key: "{key}"')
        target = directory / _safe(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((content or {})[key])


def _safe(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise VolumeError(f"{path!r} leads out of its volume: use a relative path without '..'")
    return path
