"""Planning and applying one resource: what the configuration says stays, what only the cloud can tell is made up.

An object is a map by attribute and block name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.rehearsal.provider.schema import INHERITED, MAP, TEXTS, Attribute, Block
from tests.rehearsal.provider.values import UNKNOWN, Object, holds_unknown

# Changing one of these makes another resource. The schema does not say which arguments force that.
IMMUTABLE = frozenset(
    {
        "name",
        "project",
        "location",
        "location_id",
        "region",
        "account_id",
        "topic",
        "role",
        "member",
        "monitored_resource",
        "bucket",
        "database",
        "repository_id",
        "role_id",
        "secret",
        "secret_id",
        "secret_data_wo_version",
    }
)
_MUTABLE_NAMES = frozenset({"google_monitoring_alert_policy"})

Fill = Callable[[str, Object], Any]


def planned(block: Block, config: Object, proposed: Object, inherited: Mapping[str, Any]) -> Object:
    """The state that an apply would leave, UNKNOWN where only the apply can tell."""
    result: Object = {}
    for name, attribute in block.attributes.items():
        value = None if attribute.is_write_only else proposed.get(name)
        if value is None and attribute.computed:
            value = inherited.get(name, UNKNOWN) if name in INHERITED else UNKNOWN
        result[name] = value
    for name, nested in block.blocks.items():
        result[name] = _each(
            nested, config.get(name), proposed.get(name), lambda inner, c, p: planned(inner, c or {}, p, {})
        )
    return result


def applied(block: Block, config: Object, state: Object, fill: Fill, whole: Object | None = None) -> Object:
    """`state` as planned, with every UNKNOWN told: from the configuration, which is known by now, or by `fill`."""
    known = whole if whole is not None else {**state, **{name: value for name, value in config.items() if value}}
    result: Object = {}
    for name, attribute in block.attributes.items():
        value = state.get(name)
        if holds_unknown(value):
            given = config.get(name)
            empty = _empty(attribute)
            value = given if given is not None else fill(name, known) if empty is None else empty
        result[name] = value
    for name, nested in block.blocks.items():
        result[name] = _each(
            nested, config.get(name), state.get(name), lambda inner, c, p: applied(inner, c or {}, p, fill, known)
        )
    return result


def _empty(attribute: Attribute) -> Any:
    """What a collection that only the cloud fills begins as; None for a text."""
    return {TEXTS: [], MAP: {}}.get(attribute.type_json)


def _each(block: Block, config: Any, state: Any, change: Callable[[Block, Any, Any], Object]) -> Any:
    """`change` for the one object or for each of the list that a nested block is."""
    if state is None or state is UNKNOWN:
        return state
    if isinstance(state, dict):
        return change(block, config, state)
    configs = config if isinstance(config, list) else [None] * len(state)
    return [change(block, one, part) for one, part in zip(configs, state, strict=False)]


def replaced_by(type_name: str, prior: Object, state: Object) -> Iterator[str]:
    """The arguments whose change makes another resource of it."""
    if type_name in _MUTABLE_NAMES:
        return
    for name in sorted(IMMUTABLE & set(prior)):
        before, after = prior[name], state.get(name)
        if before is not None and before != after:
            yield name


def known_text(values: Object, name: str, default: str) -> str:
    """The text of an attribute, `default` where it has none."""
    value = values.get(name)
    return value if isinstance(value, str) else default


def default_fill(type_name: str, name: str, values: Object) -> str:
    """A value that looks like the cloud's: the same for the same resource."""
    own = known_text(values, "name", known_text(values, "account_id", name))
    project = known_text(values, "project", "project")
    path = f"projects/{project}/{type_name.removeprefix('google_')}/{own}"
    made = {
        "id": path,
        "self_link": f"https://www.googleapis.com/{path}",
        "email": f"{own}@{project}.iam.gserviceaccount.com",
        "member": f"serviceAccount:{own}@{project}.iam.gserviceaccount.com",
        "uri": f"https://{own}-{_short(project)}.a.run.app",
        "endpoint": f"gke-{_short(own)}.gke.goog",
        "address": "203.0.113.10",
        "name": own,
    }
    return made.get(name, f"{name}-of-{own}")


def _short(value: str) -> str:
    return "".join(letter for letter in value.lower() if letter.isalnum())[:12]
