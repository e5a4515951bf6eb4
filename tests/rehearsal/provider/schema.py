"""Schemas in Terraform's form, made from the google provider's own and from what is known of three small providers.

The google schema says of every argument whether it is a block, may be repeated, or is required, and of every resource
what only Google can tell (`computed`). It does not tell the types of values: here a repeated argument is a list of
text, one whose name says so is a map of text, and every other one is text, into which Terraform turns numbers.
"""

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.rehearsal.provider.messages import MESSAGE

_FILE = Path(__file__).with_name("google-provider-schema.json.gz")
TEXT = b'"string"'
TEXTS = b'["list","string"]'
MAP = b'["map","string"]'
_MAPS = frozenset(
    {
        "annotations",
        "attribute_mapping",
        "attributes",
        "headers",
        "keepers",
        "label_extractors",
        "labels",
        "limits",
        "tags",
        "triggers",
    }
)
_MAP_ENDINGS = ("_labels", "_annotations", "environment_variables")
_LIST = 2
_SINGLE = 1

# The provider takes these from its own configuration where a resource leaves them out.
INHERITED = ("project", "region", "location", "zone")

# What Google chooses where the configuration leaves it out, beside those; the schema does not mark it.
CHOSEN_BY_GOOGLE = frozenset(
    {
        ("google_compute_address", "address"),
        ("google_compute_global_address", "address"),
        ("google_monitoring_slo", "slo_id"),
    }
)

# The types of what Google tells and the configuration looks into; the schema does not tell types.
TOLD_AS: Mapping[tuple[str, str], bytes] = {
    ("google_certificate_manager_dns_authorization", "dns_resource_record"): (
        b'["list",["object",{"data":"string","name":"string","type":"string"}]]'
    ),
    ("google_container_cluster", "control_plane_endpoints_config"): (
        b'["list",["object",{"dns_endpoint_config":["list",["object",{"endpoint":"string"}]]}]]'
    ),
}

# What Google computes inside a block that the configuration gives; the schema lists only top-level ones.
COMPUTED_IN_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "ContainerClusterControlPlaneEndpointsConfigDnsEndpointConfig": ("endpoint",),
    "ContainerClusterPrivateClusterConfig": ("private_endpoint", "public_endpoint"),
}


@dataclass(frozen=True)
class Attribute:
    """`computed`: Google tells it where the configuration does not."""

    name: str
    required: bool = False
    computed: bool = False
    only_computed: bool = False
    repeated: bool = False
    told_as: bytes | None = None

    @property
    def is_write_only(self) -> bool:
        """Whether its value goes to Google and stays in neither plan nor state."""
        return self.name.endswith("_wo")

    @property
    def type_json(self) -> bytes:
        """The type as Terraform writes it."""
        if self.told_as:
            return self.told_as
        if self.repeated:
            return TEXTS
        return MAP if self.name in _MAPS or self.name.endswith(_MAP_ENDINGS) else TEXT


@dataclass(frozen=True)
class Block:
    """A block's attributes and nested blocks; `repeated` names the nested ones that may come more than once."""

    attributes: Mapping[str, Attribute]
    blocks: Mapping[str, "Block"] = field(default_factory=dict)
    repeated: Collection[str] = ()
    required: Collection[str] = ()

    def message(self) -> Any:
        """The block as Terraform is told of it."""
        block = MESSAGE["Block"]()
        for one in self.attributes.values():
            block.attributes.add(
                name=one.name,
                type=one.type_json,
                required=one.required,
                optional=not one.required and not one.only_computed,
                computed=one.computed,
                write_only=one.is_write_only,
            )
        for name, nested in self.blocks.items():
            block.block_types.add(
                type_name=name,
                block=nested.message(),
                nesting=_SINGLE if name == "timeouts" else _LIST,
                min_items=int(name in self.required and name != "timeouts"),
                max_items=0 if name in self.repeated or name == "timeouts" else 1,
            )
        return block


@dataclass(frozen=True)
class ProviderSchema:
    """What one provider offers: the block of its own configuration, resources and data sources by type."""

    config: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]
    ephemeral: Mapping[str, Block] = field(default_factory=dict)


def attributes(*names: str, required: Collection[str] = (), computed: Collection[str] = ()) -> Mapping[str, Attribute]:
    """Attributes by name, those of `computed` read-only."""
    given = {name: Attribute(name, required=name in required) for name in names}
    return given | {name: Attribute(name, computed=True, only_computed=True) for name in computed}


def google(words: Collection[str], *, beta: bool = False) -> ProviderSchema:
    """The google provider, as far as a configuration of these `words` can see it.

    All 1,100 types take seconds to tell, and Terraform handles every argument of a resource, set or not. So a type, a
    block or an optional argument that no word names is left out. A name that Google does not know is refused as ever.
    """
    config = Block(
        attributes(
            "project", "region", "zone", "billing_project", "user_project_override", "default_labels", "credentials"
        )
    )
    return ProviderSchema(
        config, dict(_blocks("resources", words, beta)), dict(_blocks("data", words, beta)), _EPHEMERAL
    )


# The schema has no ephemeral resources; this is what the provider documents of the one that is used.
_EPHEMERAL: Mapping[str, Block] = {
    "google_secret_manager_secret_version": Block(
        attributes(
            "project", "secret", "version", required=("secret",), computed=("secret_data", "create_time", "name")
        )
    )
}


@cache
def _schema() -> Mapping[str, Any]:
    with gzip.open(_FILE) as file:
        loaded: Mapping[str, Any] = json.load(file)
    return loaded


def _blocks(kind: str, words: Collection[str], beta: bool) -> Iterator[tuple[str, Block]]:
    schema = _schema()
    known = {**schema[kind], **(schema["beta"][kind] if beta else {})}
    for name in sorted(set(words) & set(known)):
        chosen = [attribute for resource, attribute in CHOSEN_BY_GOOGLE if resource == name]
        yield name, _block(known[name]["attrs"], [*known[name]["computed"], *chosen], words, name)


def _block(given: Mapping[str, Any], computed: Collection[str], words: Collection[str], of: str = "") -> Block:
    schema = _schema()
    plain: dict[str, Attribute] = {}
    blocks: dict[str, Block] = {}
    for name, about in given.items():
        if name not in words and not about["required"]:
            continue
        if about["block"] is None:
            inherited = name in INHERITED and not about["required"]
            plain[name] = Attribute(
                name, about["required"], computed=inherited or name in computed, repeated=about["list"]
            )
            continue
        inner = (schema["blocks"] | schema["beta"]["blocks"])[about["block"]]
        blocks[name] = _block(inner, COMPUTED_IN_BLOCKS.get(about["block"], ()), words)
    for name in set(words) & set(computed) - set(given) | ({"id"} if computed else set()):
        told_as = TOLD_AS.get((of, name))
        plain[name] = Attribute(name, computed=True, only_computed=name not in given, told_as=told_as)
    repeated = [name for name in blocks if given[name]["list"]]
    required = [name for name in blocks if given[name]["required"]]
    return Block(plain, blocks, repeated, required)


RANDOM = ProviderSchema(
    Block({}),
    {
        "random_bytes": Block(attributes("length", "keepers", required=("length",), computed=("base64", "hex"))),
        "random_id": Block(
            attributes(
                "byte_length",
                "prefix",
                "keepers",
                required=("byte_length",),
                computed=("id", "hex", "dec", "b64_url", "b64_std"),
            )
        ),
    },
    {},
    {"random_password": Block(attributes("length", "special", required=("length",), computed=("result",)))},
)
TIME = ProviderSchema(
    Block({}),
    {"time_sleep": Block(attributes("create_duration", "destroy_duration", "triggers", computed=("id",)))},
    {},
)
