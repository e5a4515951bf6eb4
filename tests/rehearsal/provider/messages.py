"""The messages of Terraform's plugin protocol 6, as far as planning and applying need them.

The protocol is public and stable: a field is known by its number on the wire. The message classes are built from the
table below, so that no generated code has to be kept.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tfplugin6"
SERVICE = f"{PACKAGE}.Provider"

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}

# message -> field -> (number, type); `[]` marks a repeated field, `map:` a map from text to that message.
MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "DynamicValue": {"msgpack": (1, "bytes"), "json": (2, "bytes")},
    "Step": {"attribute_name": (1, "string"), "element_key_string": (2, "string"), "element_key_int": (3, "int64")},
    "AttributePath": {"steps": (1, "[]Step")},
    "Diagnostic": {
        "severity": (1, "int64"),
        "summary": (2, "string"),
        "detail": (3, "string"),
        "attribute": (4, "AttributePath"),
    },
    "RawState": {"json": (1, "bytes")},
    "Attribute": {
        "name": (1, "string"),
        "type": (2, "bytes"),
        "required": (4, "bool"),
        "optional": (5, "bool"),
        "computed": (6, "bool"),
        "sensitive": (7, "bool"),
        "write_only": (11, "bool"),
    },
    "NestedBlock": {
        "type_name": (1, "string"),
        "block": (2, "Block"),
        "nesting": (3, "int64"),
        "min_items": (4, "int64"),
        "max_items": (5, "int64"),
    },
    "Block": {"version": (1, "int64"), "attributes": (2, "[]Attribute"), "block_types": (3, "[]NestedBlock")},
    "Schema": {"version": (1, "int64"), "block": (2, "Block")},
    "ServerCapabilities": {"plan_destroy": (1, "bool"), "get_provider_schema_optional": (2, "bool")},
    "Empty": {},
    "Diagnostics2": {"diagnostics": (2, "[]Diagnostic")},
    "Diagnostics1": {"diagnostics": (1, "[]Diagnostic")},
    "SchemaResponse": {
        "provider": (1, "Schema"),
        "resource_schemas": (2, "map:Schema"),
        "data_source_schemas": (3, "map:Schema"),
        "diagnostics": (4, "[]Diagnostic"),
        "server_capabilities": (6, "ServerCapabilities"),
        "ephemeral_resource_schemas": (8, "map:Schema"),
    },
    "ProviderConfigRequest": {"config": (1, "DynamicValue")},
    "ConfigureRequest": {"terraform_version": (1, "string"), "config": (2, "DynamicValue")},
    "ConfigRequest": {"type_name": (1, "string"), "config": (2, "DynamicValue")},
    "UpgradeRequest": {"type_name": (1, "string"), "version": (2, "int64"), "raw_state": (3, "RawState")},
    "UpgradeResponse": {"upgraded_state": (1, "DynamicValue"), "diagnostics": (2, "[]Diagnostic")},
    "ReadRequest": {"type_name": (1, "string"), "current_state": (2, "DynamicValue"), "private": (3, "bytes")},
    "ReadResponse": {"new_state": (1, "DynamicValue"), "diagnostics": (2, "[]Diagnostic"), "private": (3, "bytes")},
    "PlanRequest": {
        "type_name": (1, "string"),
        "prior_state": (2, "DynamicValue"),
        "proposed_new_state": (3, "DynamicValue"),
        "config": (4, "DynamicValue"),
    },
    "PlanResponse": {
        "planned_state": (1, "DynamicValue"),
        "requires_replace": (2, "[]AttributePath"),
        "diagnostics": (4, "[]Diagnostic"),
    },
    "ApplyRequest": {
        "type_name": (1, "string"),
        "prior_state": (2, "DynamicValue"),
        "planned_state": (3, "DynamicValue"),
        "config": (4, "DynamicValue"),
    },
    "ApplyResponse": {"new_state": (1, "DynamicValue"), "diagnostics": (3, "[]Diagnostic")},
    "ImportRequest": {"type_name": (1, "string"), "id": (2, "string")},
    "ImportedResource": {"type_name": (1, "string"), "state": (2, "DynamicValue")},
    "ImportResponse": {"imported_resources": (1, "[]ImportedResource"), "diagnostics": (2, "[]Diagnostic")},
    "DataResponse": {"state": (1, "DynamicValue"), "diagnostics": (2, "[]Diagnostic")},
    "OpenRequest": {"type_name": (1, "string"), "config": (2, "DynamicValue")},
    "OpenResponse": {"diagnostics": (1, "[]Diagnostic"), "result": (3, "DynamicValue"), "private": (4, "bytes")},
    "CloseRequest": {"type_name": (1, "string"), "private": (2, "bytes")},
    "StopResponse": {"Error": (1, "string")},
}

# The calls of the service: name -> (request, response).
CALLS: Mapping[str, tuple[str, str]] = {
    "GetProviderSchema": ("Empty", "SchemaResponse"),
    "ValidateProviderConfig": ("ProviderConfigRequest", "Diagnostics2"),
    "ValidateResourceConfig": ("ConfigRequest", "Diagnostics1"),
    "ValidateDataResourceConfig": ("ConfigRequest", "Diagnostics1"),
    "UpgradeResourceState": ("UpgradeRequest", "UpgradeResponse"),
    "ConfigureProvider": ("ConfigureRequest", "Diagnostics1"),
    "ReadResource": ("ReadRequest", "ReadResponse"),
    "PlanResourceChange": ("PlanRequest", "PlanResponse"),
    "ApplyResourceChange": ("ApplyRequest", "ApplyResponse"),
    "ImportResourceState": ("ImportRequest", "ImportResponse"),
    "ReadDataSource": ("ConfigRequest", "DataResponse"),
    "ValidateEphemeralResourceConfig": ("ConfigRequest", "Diagnostics1"),
    "OpenEphemeralResource": ("OpenRequest", "OpenResponse"),
    "CloseEphemeralResource": ("CloseRequest", "Diagnostics1"),
    "StopProvider": ("Empty", "StopResponse"),
}


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="terraform_plugin.proto", package=PACKAGE, syntax="proto3")
    for name, spec in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in spec.items():
            _add_field(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    repeated = kind.startswith(("[]", "map:"))
    label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    of = kind.removeprefix("[]")
    if of.startswith("map:"):
        entry = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        nested = message.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
        value = nested.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_MESSAGE)
        value.type_name = f".{PACKAGE}.{of.removeprefix('map:')}"
        of = f"{message.name}.{entry}"
    if of in _SCALARS:
        field.type = _SCALARS[of]
        return
    field.type = _Field.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{of}"


MESSAGE: Mapping[str, Any] = _build()
