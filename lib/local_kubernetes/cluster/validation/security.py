"""The security contexts of pods and containers."""

from local_kubernetes.cluster.status import missing, wrong

from .values import Causes, Fields, choice, identity

_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")


def pod(path: str, context: Fields, spec: Fields) -> Causes:
    """The security context of a whole pod."""
    yield from _common(path, context)
    if "fsGroup" in context:
        yield from identity(f"{path}.fsGroup", context["fsGroup"])
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        yield from identity(f"{path}.supplementalGroups[{index}]", group)
    if "fsGroupChangePolicy" in context:
        yield from choice(f"{path}.fsGroupChangePolicy", context["fsGroupChangePolicy"], ("Always", "OnRootMismatch"))
    if "supplementalGroupsPolicy" in context:
        policy = context["supplementalGroupsPolicy"]
        yield from choice(f"{path}.supplementalGroupsPolicy", policy, ("Merge", "Strict"))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield wrong(f"{path}.shareProcessNamespace", spec["shareProcessNamespace"], detail)


def container(path: str, context: Fields) -> Causes:
    """The security context of one container."""
    yield from _common(path, context)
    if "procMount" in context:
        yield from choice(f"{path}.procMount", context["procMount"], ("Default", "Unmasked"))
    if context.get("allowPrivilegeEscalation") is not False:
        return
    if context.get("privileged"):
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield wrong(path, context, detail)
    if "CAP_SYS_ADMIN" in (context.get("capabilities", {}).get("add") or ()):
        detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        yield wrong(path, context, detail)


def _common(path: str, context: Fields) -> Causes:
    for name in ("runAsUser", "runAsGroup"):
        if name in context:
            yield from identity(f"{path}.{name}", context[name])
    if "seccompProfile" in context:
        yield from _profile(f"{path}.seccompProfile", context["seccompProfile"], "seccomp")
    if "appArmorProfile" in context:
        yield from _profile(f"{path}.appArmorProfile", context["appArmorProfile"], "AppArmor")


def _profile(path: str, profile: Fields, what: str) -> Causes:
    kind, file = profile.get("type", ""), profile.get("localhostProfile")
    if kind == "Localhost":
        if not file:
            yield missing(f"{path}.localhostProfile", f"must be set when {what} type is Localhost")
    elif file is not None:
        yield wrong(f"{path}.localhostProfile", file, f"can only be set when {what} type is Localhost")
    if not kind:
        yield missing(f"{path}.type", f"type is required when {path.rpartition('.')[2]} is set")
    else:
        yield from choice(f"{path}.type", kind, _PROFILES)
