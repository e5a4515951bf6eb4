"""The volumes of a pod, and where its containers mount them."""

from local_kubernetes.cluster.status import Cause, duplicate, missing, refused, wrong

from . import environment, names
from .values import Causes, Fields, at_most_one, choice, file_mode, relative_path, required

_NEEDED = {
    "awsElasticBlockStore": ("volumeID",),
    "configMap": ("name",),
    "csi": ("driver",),
    "ephemeral": ("volumeClaimTemplate",),
    "flexVolume": ("driver",),
    "gcePersistentDisk": ("pdName",),
    "gitRepo": ("repository",),
    "hostPath": ("path",),
    "iscsi": ("targetPortal", "iqn"),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "secret": ("secretName",),
}
_HOST_PATHS = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_SHORTEST_TOKEN_SECONDS = 600
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")


def volumes(path: str, found: list[Fields]) -> Causes:
    """Names that differ, and one source each."""
    seen: set[str] = set()
    for index, volume in enumerate(found):
        here, name = f"{path}[{index}]", volume.get("name", "")
        yield from _source(here, {key: value for key, value in volume.items() if key != "name"})
        if not name:
            yield missing(f"{here}.name")
        else:
            yield from names.LABEL.check(f"{here}.name", name)
        if name in seen:
            yield duplicate(f"{here}.name", name)
        seen.add(name)


def mounts(path: str, found: list[Fields], known: set[str]) -> Causes:
    """Mounts of volumes that the pod has, each at a place of its own."""
    seen: set[str] = set()
    for index, mount in enumerate(found):
        here = f"{path}[{index}]"
        name, target = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield missing(f"{here}.name")
        elif name not in known:
            yield Cause("FieldValueNotFound", f"{here}.name", f'Not found: "{name}"')
        if not target:
            yield missing(f"{here}.mountPath")
        elif target in seen:
            yield wrong(f"{here}.mountPath", target, "must be unique")
        seen.add(target)
        yield from _sub_paths(here, mount)
        if "mountPropagation" in mount:
            yield from choice(f"{here}.mountPropagation", mount["mountPropagation"], _PROPAGATIONS)


def _sub_paths(path: str, mount: Fields) -> Causes:
    plain, expression = mount.get("subPath"), mount.get("subPathExpr")
    if plain:
        yield from relative_path(f"{path}.subPath", plain)
    if expression:
        if plain:
            yield wrong(f"{path}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
        yield from relative_path(f"{path}.subPathExpr", expression)


def _source(path: str, sources: Fields) -> Causes:
    if not sources:
        yield missing(path, "must specify a volume type")
        return
    yield from at_most_one(path, sources, tuple(sources), "volume")
    name, source = next(iter(sources.items()))
    here = f"{path}.{name}"
    yield from required(here, source, *_NEEDED.get(name, ()))
    if name in ("secret", "configMap", "downwardAPI", "projected") and "defaultMode" in source:
        yield from file_mode(f"{here}.defaultMode", source["defaultMode"])
    if name in ("secret", "configMap"):
        yield from _files(f"{here}.items", source.get("items") or [])
    if name == "downwardAPI":
        yield from _downward(f"{here}.items", source.get("items") or [])
    if name == "projected":
        yield from _projected(f"{here}.sources", source.get("sources") or [])
    if name == "hostPath":
        if ".." in source.get("path", "").split("/"):
            yield wrong(f"{here}.path", source["path"], "must not contain '..'")
        yield from choice(f"{here}.type", source.get("type", ""), _HOST_PATHS)
    if name == "emptyDir" and str(source.get("sizeLimit", "")).startswith("-"):
        yield refused(f"{here}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _files(path: str, items: list[Fields]) -> Causes:
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        yield from required(here, item, "key")
        yield from _file(here, item)


def _file(path: str, item: Fields) -> Causes:
    """The path and mode of one file in a volume."""
    target = item.get("path", "")
    if not target:
        yield missing(f"{path}.path")
    yield from relative_path(f"{path}.path", target)
    if target.startswith("..") and not target.startswith("../") and target != "..":
        yield wrong(f"{path}.path", target, "must not start with '..'")
    if "mode" in item:
        yield from file_mode(f"{path}.mode", item["mode"])


def _downward(path: str, items: list[Fields]) -> Causes:
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        yield from _file(here, item)
        if "fieldRef" in item and "resourceFieldRef" in item:
            yield wrong(here, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
        elif "fieldRef" in item:
            yield from environment.field_reference(f"{here}.fieldRef", item["fieldRef"], volume=True)
        elif "resourceFieldRef" in item:
            yield from environment.resource_reference(f"{here}.resourceFieldRef", item["resourceFieldRef"], volume=True)
        else:
            yield missing(here, "one of fieldRef and resourceFieldRef is required")


def _projected(path: str, sources: list[Fields]) -> Causes:
    for index, source in enumerate(sources):
        here = f"{path}[{index}]"
        yield from at_most_one(here, source, tuple(source), "volume")
        for name in ("secret", "configMap"):
            if name in source:
                yield from required(f"{here}.{name}", source[name], "name")
                yield from _files(f"{here}.{name}.items", source[name].get("items") or [])
        if "downwardAPI" in source:
            yield from _downward(f"{here}.downwardAPI.items", source["downwardAPI"].get("items") or [])
        if "serviceAccountToken" in source:
            yield from _token(f"{here}.serviceAccountToken", source["serviceAccountToken"])


def _token(path: str, token: Fields) -> Causes:
    seconds = token.get("expirationSeconds", _SHORTEST_TOKEN_SECONDS)
    if seconds < _SHORTEST_TOKEN_SECONDS:
        yield wrong(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > 2**32:
        yield wrong(f"{path}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    yield from _file(path, token)
