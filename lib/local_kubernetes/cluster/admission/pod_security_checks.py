"""The single checks of Pod Security: each looks at one property of a pod and says what is wrong with it.

`BASELINE` is asked at both levels, `BASELINE_ALONE` at `baseline`, and `RESTRICTED`, whose checks say the same and
more, at `restricted`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local_kubernetes.cluster.kinds import Object

_DEFAULT_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
_SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
_VOLUME_TYPES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
_SELINUX_TYPES = frozenset(["", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"])
_PROFILE_TYPES = frozenset(["Localhost", "RuntimeDefault"])
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


@dataclass(frozen=True)
class Violation:
    """Why a pod is refused: a short reason, and which part of the pod has to change how."""

    reason: str
    detail: str


@dataclass(frozen=True)
class PodView:
    """A pod as the checks read it: all of its containers in one list, its security context never None."""

    annotations: Mapping[str, str]
    spec: Object
    context: Object
    containers: tuple[Object, ...]

    @classmethod
    def of(cls, metadata: Object, spec: Object) -> "PodView":
        """Of a Pod's metadata and spec, or those of a template."""
        groups = ("initContainers", "containers", "ephemeralContainers")
        containers = tuple(container for group in groups for container in spec.get(group) or ())
        return cls(metadata.get("annotations") or {}, spec, spec.get("securityContext") or {}, containers)

    @property
    def is_windows(self) -> bool:
        """Whether the pod says that it runs on Windows, where some of the settings mean nothing."""
        return (self.spec.get("os") or {}).get("name") == "windows"

    @property
    def has_user_namespace(self) -> bool:
        """Whether root in the pod is an unprivileged user of the machine."""
        return self.spec.get("hostUsers") is False


Check = Callable[[PodView], Violation | None]


def _context(container: Object) -> Object:
    return container.get("securityContext") or {}


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _containers(names: list[str]) -> str:
    return f"{_plural('container', len(names))} {_quoted(names)}"


def _setters(pod: PodView, is_bad: Callable[[Object], bool]) -> str:
    """Who sets what is not allowed in a security context: `pod`, `container "a"`, `pod and containers "a", "b"`."""
    bad = [container["name"] for container in pod.containers if is_bad(_context(container))]
    setters = ["pod"] if is_bad(pod.context) else []
    return " and ".join([*setters, *([_containers(bad)] if bad else [])])


def _values(pod: PodView, read: Callable[[Object], Any]) -> list[str]:
    """The different values that pod and containers set, sorted."""
    found = {read(context) for context in (pod.context, *map(_context, pod.containers))}
    return sorted(value for value in found if value)


def _app_armor(pod: PodView) -> Violation | None:
    def is_bad(context: Object) -> bool:
        profile = context.get("appArmorProfile")
        return profile is not None and profile.get("type") not in _PROFILE_TYPES

    found = []
    if setters := _setters(pod, is_bad):
        bad = _values(pod, lambda context: is_bad(context) and context["appArmorProfile"].get("type"))
        found.append(f"{setters} must not set AppArmor profile type to {_quoted(bad)}")
    for key, value in sorted(pod.annotations.items()):
        allowed = value in ("", "runtime/default") or value.startswith("localhost/")
        if key.startswith(_APPARMOR_ANNOTATION) and not allowed:
            found.append(f'{key}="{value}"')
    return Violation(_plural("forbidden AppArmor profile", len(found)), ", ".join(found)) if found else None


def _host_namespaces(pod: PodView) -> Violation | None:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)]
    return Violation("host namespaces", ", ".join(found)) if found else None


def _host_path_volumes(pod: PodView) -> Violation | None:
    found = [volume["name"] for volume in pod.spec.get("volumes") or () if "hostPath" in volume]
    return Violation("hostPath volumes", f"{_plural('volume', len(found))} {_quoted(found)}") if found else None


def _host_ports(pod: PodView) -> Violation | None:
    by_container = {
        container["name"]: [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]
        for container in pod.containers
    }
    bad = [name for name, ports in by_container.items() if ports]
    if not bad:
        return None
    ports = sorted({str(port) for found in by_container.values() for port in found})
    verb = "uses" if len(bad) == 1 else "use"
    return Violation("hostPort", f"{_containers(bad)} {verb} {_plural('hostPort', len(ports))} {', '.join(ports)}")


def _hosts_of_handlers(container: Object) -> set[str]:
    lifecycle = container.get("lifecycle") or {}
    handlers = [container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    handlers += [lifecycle.get(name) for name in ("postStart", "preStop")]
    actions = [handler.get(name) for handler in handlers if handler for name in ("httpGet", "tcpSocket")]
    return {action["host"] for action in actions if action and action.get("host")}


def _handler_hosts(pod: PodView) -> Violation | None:
    by_container = {container["name"]: _hosts_of_handlers(container) for container in pod.containers}
    bad = sorted(name for name, hosts in by_container.items() if hosts)
    if not bad:
        return None
    hosts = sorted(set().union(*by_container.values()))
    verb = "uses" if len(bad) == 1 else "use"
    words = _plural("probe or lifecycle host", len(hosts))
    return Violation("probe or lifecycle host", f"{_containers(bad)} {verb} {words} {_quoted(hosts)}")


def _privileged(pod: PodView) -> Violation | None:
    bad = [container["name"] for container in pod.containers if _context(container).get("privileged")]
    detail = f"{_containers(bad)} must not set securityContext.privileged=true"
    return Violation("privileged", detail) if bad else None


def _proc_mount(pod: PodView) -> Violation | None:
    if pod.has_user_namespace:
        return None

    def mount(container: Object) -> str:
        return str(_context(container).get("procMount") or "Default")

    bad = [container["name"] for container in pod.containers if mount(container) != "Default"]
    if not bad:
        return None
    values = sorted({mount(container) for container in pod.containers} - {"Default"})
    return Violation("procMount", f"{_containers(bad)} must not set securityContext.procMount to {_quoted(values)}")


def _selinux_options(pod: PodView) -> Violation | None:
    def options(context: Object) -> Object:
        return context.get("seLinuxOptions") or {}

    def is_bad(context: Object) -> bool:
        found = options(context)
        return found.get("type", "") not in _SELINUX_TYPES or bool(found.get("user") or found.get("role"))

    setters = _setters(pod, is_bad)
    if not setters:
        return None
    types = [name for name in _values(pod, lambda context: options(context).get("type")) if name not in _SELINUX_TYPES]
    faults = [f"{_plural('type', len(types))} {_quoted(types)}"] if types else []
    contexts = [options(context) for context in (pod.context, *map(_context, pod.containers))]
    faults += [f"{name} may not be set" for name in ("user", "role") if any(found.get(name) for found in contexts)]
    return Violation("seLinuxOptions", f"{setters} set forbidden securityContext.seLinuxOptions: {'; '.join(faults)}")


def _sysctls(pod: PodView) -> Violation | None:
    names = [sysctl.get("name", "") for sysctl in pod.context.get("sysctls") or ()]
    bad = [name for name in names if name not in _SAFE_SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def _windows_host_process(pod: PodView) -> Violation | None:
    def is_bad(context: Object) -> bool:
        return bool((context.get("windowsOptions") or {}).get("hostProcess"))

    setters = _setters(pod, is_bad)
    detail = f"{setters} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail) if setters else None


def _capabilities(pod: PodView, allowed: frozenset[str]) -> str:
    """Who adds which capability beyond the allowed ones; empty when no container does."""
    added = {container["name"]: _capability_list(container, "add") - allowed for container in pod.containers}
    bad = [name for name, found in added.items() if found]
    if not bad:
        return ""
    names = sorted(set().union(*added.values()))
    return f"{_containers(bad)} must not include {_quoted(names)} in securityContext.capabilities.add"


def _capability_list(container: Object, name: str) -> set[str]:
    return set((_context(container).get("capabilities") or {}).get(name) or ())


def _capabilities_baseline(pod: PodView) -> Violation | None:
    detail = _capabilities(pod, _DEFAULT_CAPABILITIES)
    return Violation("non-default capabilities", detail) if detail else None


def _capabilities_restricted(pod: PodView) -> Violation | None:
    if pod.is_windows:
        return None
    keeps = [container["name"] for container in pod.containers if "ALL" not in _capability_list(container, "drop")]
    dropped = f'{_containers(keeps)} must set securityContext.capabilities.drop=["ALL"]' if keeps else ""
    details = [detail for detail in (dropped, _capabilities(pod, frozenset(["NET_BIND_SERVICE"]))) if detail]
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _seccomp_type(context: Object) -> str | None:
    profile = context.get("seccompProfile")
    return None if profile is None else str(profile.get("type"))


def _seccomp_baseline(pod: PodView) -> Violation | None:
    def is_bad(context: Object) -> bool:
        return _seccomp_type(context) not in (None, *_PROFILE_TYPES)

    setters = _setters(pod, is_bad)
    if not setters:
        return None
    bad = [name for name in _values(pod, _seccomp_type) if name not in _PROFILE_TYPES]
    detail = f"{setters} must not set securityContext.seccompProfile.type to {_quoted(bad)}"
    return Violation("seccompProfile", detail)


def _seccomp_restricted(pod: PodView) -> Violation | None:
    if pod.is_windows:
        return None
    if found := _seccomp_baseline(pod):
        return found
    if _seccomp_type(pod.context) is not None:
        return None
    unset = [container["name"] for container in pod.containers if _seccomp_type(_context(container)) is None]
    detail = (
        f'pod or {_containers(unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    )
    return Violation("seccompProfile", detail) if unset else None


def _privilege_escalation(pod: PodView) -> Violation | None:
    if pod.is_windows:
        return None
    bad = [
        container["name"]
        for container in pod.containers
        if _context(container).get("allowPrivilegeEscalation") is not False
    ]
    detail = f"{_containers(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail) if bad else None


def _restricted_volumes(pod: PodView) -> Violation | None:
    types = {
        volume["name"]: next((key for key in volume if key != "name"), "unknown")
        for volume in pod.spec.get("volumes") or ()
    }
    bad = [name for name, source in types.items() if source not in _VOLUME_TYPES]
    if not bad:
        return None
    sources = sorted({types[name] for name in bad})
    verb = "uses" if len(bad) == 1 else "use"
    words = _plural("restricted volume type", len(sources))
    return Violation(
        "restricted volume types", f"{_plural('volume', len(bad))} {_quoted(bad)} {verb} {words} {_quoted(sources)}"
    )


def _run_as_non_root(pod: PodView) -> Violation | None:
    if pod.has_user_namespace:
        return None
    reason = "runAsNonRoot != true"
    if setters := _setters(pod, lambda context: context.get("runAsNonRoot") is False):
        return Violation(reason, f"{setters} must not set securityContext.runAsNonRoot=false")
    if pod.context.get("runAsNonRoot"):
        return None
    unset = [container["name"] for container in pod.containers if not _context(container).get("runAsNonRoot")]
    detail = f"pod or {_containers(unset)} must set securityContext.runAsNonRoot=true"
    return Violation(reason, detail) if unset else None


def _run_as_user(pod: PodView) -> Violation | None:
    if pod.has_user_namespace:
        return None
    setters = _setters(pod, lambda context: context.get("runAsUser") == 0)
    return Violation("runAsUser=0", f"{setters} must not set runAsUser=0") if setters else None


BASELINE: tuple[Check, ...] = (
    _app_armor,
    _host_namespaces,
    _host_path_volumes,
    _host_ports,
    _handler_hosts,
    _privileged,
    _proc_mount,
    _selinux_options,
    _sysctls,
    _windows_host_process,
)
BASELINE_ALONE: tuple[Check, ...] = (_capabilities_baseline, _seccomp_baseline)
RESTRICTED: tuple[Check, ...] = (
    _privilege_escalation,
    _capabilities_restricted,
    _restricted_volumes,
    _run_as_non_root,
    _run_as_user,
    _seccomp_restricted,
)
