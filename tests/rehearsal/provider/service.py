"""One provider as Terraform calls it, over gRPC."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from tests.rehearsal.provider.messages import MESSAGE
from tests.rehearsal.provider.plan import applied, default_fill, planned, replaced_by
from tests.rehearsal.provider.schema import INHERITED, Block, ProviderSchema
from tests.rehearsal.provider.values import Object, decode, encode

_ERROR = 1
PROJECT_NUMBER = "123456789012"
# Google deletes none of these while something names it, unless it is told to by force.
_KEPT_WHILE_USED = frozenset(
    {
        "google_compute_address",
        "google_compute_backend_bucket",
        "google_monitoring_notification_channel",
        "google_monitoring_uptime_check_config",
    }
)
# By which of its attributes others name a resource.
_NAMED_BY = ("id", "self_link", "uptime_check_id")


class ProviderService:
    """Answers Terraform's calls for one provider; holds the provider's own configuration, and what is there by now."""

    def __init__(self, schema: ProviderSchema) -> None:
        self._schema = schema
        self._offered = _offer(schema)
        self._inherited: Object = {}
        self._there: dict[tuple[str, Any], str] = {}

    def call(self, name: str, request: Any) -> Any:
        """The answer to the call `name` of the protocol."""
        answer: Any = getattr(self, f"_{name}")(request)
        return answer

    def _GetProviderSchema(self, _: Any) -> Any:  # noqa: N802 - the protocol's own names, here and below
        return self._offered

    def _ValidateProviderConfig(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["Diagnostics2"]()

    def _ValidateResourceConfig(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["Diagnostics1"]()

    def _ValidateDataResourceConfig(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["Diagnostics1"]()

    def _ConfigureProvider(self, request: Any) -> Any:  # noqa: N802
        config = decode(request.config) or {}
        self._inherited = {name: config[name] for name in INHERITED if config.get(name) is not None}
        return MESSAGE["Diagnostics1"]()

    def _UpgradeResourceState(self, request: Any) -> Any:  # noqa: N802
        return MESSAGE["UpgradeResponse"](upgraded_state=encode(json.loads(request.raw_state.json)))

    def _ReadResource(self, request: Any) -> Any:  # noqa: N802
        return MESSAGE["ReadResponse"](new_state=request.current_state)

    def _PlanResourceChange(self, request: Any) -> Any:  # noqa: N802
        proposed, prior = decode(request.proposed_new_state), decode(request.prior_state)
        if proposed is None:
            return MESSAGE["PlanResponse"](planned_state=request.proposed_new_state)
        state = planned(self._block(request.type_name), decode(request.config), proposed, self._inherited)
        response = MESSAGE["PlanResponse"](planned_state=encode(state))
        for name in replaced_by(request.type_name, prior or {}, state):
            response.requires_replace.add().steps.add(attribute_name=name)
        return response

    def _ApplyResourceChange(self, request: Any) -> Any:  # noqa: N802
        state = decode(request.planned_state)
        if state is None:
            return self._delete(request.type_name, request)
        fill = _fill_of(request.type_name)
        made = applied(self._block(request.type_name), decode(request.config), state, fill)
        self._there[request.type_name, made.get("id")] = str(made)
        return MESSAGE["ApplyResponse"](new_state=encode(made))

    def _delete(self, type_name: str, request: Any) -> Any:
        prior = decode(request.prior_state)
        users = self._users(prior) if type_name in _KEPT_WHILE_USED and not prior.get("force_delete") else []
        if users:
            refused = failed("ApplyResourceChange", f"Error 400: {prior['id']} is in use by {', '.join(users)}")
            refused.new_state.CopyFrom(request.prior_state)
            return refused
        self._there.pop((type_name, prior.get("id")), None)
        return MESSAGE["ApplyResponse"](new_state=request.planned_state)

    def _users(self, resource: Object) -> list[str]:
        """What names the resource, as `type id`."""
        names = [re.escape(resource[name]) for name in _NAMED_BY if resource.get(name)]
        named = re.compile(rf"({'|'.join(names)})(?![\w-])")
        own = resource["id"]
        return [f"{kind} {id_}" for (kind, id_), told in self._there.items() if id_ != own and named.search(told)]

    def _ImportResourceState(self, request: Any) -> Any:  # noqa: N802
        block = self._block(request.type_name)
        state = dict.fromkeys(block.attributes) | {name: [] for name in block.blocks}
        response = MESSAGE["ImportResponse"]()
        response.imported_resources.add(type_name=request.type_name, state=encode(state | {"id": request.id}))
        return response

    def _ReadDataSource(self, request: Any) -> Any:  # noqa: N802
        config = decode(request.config)
        fill = _fill_of(request.type_name)
        block = self._schema.data_sources[request.type_name]
        return MESSAGE["DataResponse"](
            state=encode(applied(block, config, planned(block, config, config, self._inherited), fill))
        )

    def _ValidateEphemeralResourceConfig(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["Diagnostics1"]()

    def _OpenEphemeralResource(self, request: Any) -> Any:  # noqa: N802
        config = decode(request.config)
        block = self._schema.ephemeral[request.type_name]
        made = applied(block, config, planned(block, config, config, self._inherited), _fill_of(request.type_name))
        return MESSAGE["OpenResponse"](result=encode(made))

    def _CloseEphemeralResource(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["Diagnostics1"]()

    def _StopProvider(self, _: Any) -> Any:  # noqa: N802
        return MESSAGE["StopResponse"]()

    def _block(self, type_name: str) -> Block:
        return self._schema.resources[type_name]


def _offer(schema: ProviderSchema) -> Any:
    response = MESSAGE["SchemaResponse"]()
    # Terraform may then keep the schema, and does not ask for it again before each resource.
    response.server_capabilities.get_provider_schema_optional = True
    response.provider.block.CopyFrom(schema.config.message())
    for name, block in schema.resources.items():
        response.resource_schemas[name].block.CopyFrom(block.message())
    for name, block in schema.data_sources.items():
        response.data_source_schemas[name].block.CopyFrom(block.message())
    for name, block in schema.ephemeral.items():
        response.ephemeral_resource_schemas[name].block.CopyFrom(block.message())
    return response


def failed(call: str, reason: str) -> Any:
    """The answer to `call` that makes Terraform stop with `reason`."""
    from tests.rehearsal.provider.messages import CALLS  # noqa: PLC0415

    response = MESSAGE[CALLS[call][1]]()
    response.diagnostics.add(severity=_ERROR, summary="the offline provider failed", detail=reason)
    return response


def _fill_of(type_name: str) -> Callable[[str, Object], Any]:
    special = _FILLS.get(type_name, {})

    def fill(name: str, values: Object) -> Any:
        make = special.get(name)
        return make(values) if make else default_fill(type_name, name, values)

    return fill


def _random(values: Object) -> bytes:
    length = values.get("length") or values.get("byte_length")
    return secrets.token_bytes(int(length))


def _account_name(values: Object) -> str:
    project = values["project"]
    return f"projects/{project}/serviceAccounts/{values['account_id']}@{project}.iam.gserviceaccount.com"


def _role_name(values: Object) -> str:
    return f"projects/{values['project']}/roles/{values['role_id']}"


_FILLS: Mapping[str, Mapping[str, Callable[[Object], Any]]] = {
    "google_project": {
        "number": lambda _: PROJECT_NUMBER,
        "project_id": lambda values: values.get("project_id") or ("project"),
    },
    "random_bytes": {
        "base64": lambda values: base64.b64encode(_random(values)).decode(),
        "hex": lambda values: _random(values).hex(),
    },
    "random_id": {"hex": lambda values: _random(values).hex()},
    "random_password": {"result": lambda values: _random(values).hex()[: int(values["length"])]},
    "google_secret_manager_secret_version": {
        "version": lambda values: values.get("secret_data_wo_version") or "1",
        "secret_data": lambda values: f"key-of-{values['secret']}",
    },
    "google_certificate_manager_dns_authorization": {
        "dns_resource_record": lambda values: [
            {"name": f"_acme-challenge.{values['domain']}.", "type": "CNAME", "data": "proof.authorize.example."}
        ]
    },
    "google_container_cluster": {
        "control_plane_endpoints_config": lambda _: [{"dns_endpoint_config": [{"endpoint": "gke-existing.gke.goog"}]}]
    },
    "google_kms_key_ring": {
        "id": lambda values: f"projects/{values['project']}/locations/{values['location']}/keyRings/{values['name']}"
    },
    "google_kms_crypto_key": {"id": lambda values: f"{values['key_ring']}/cryptoKeys/{values['name']}"},
    "google_service_account": {"id": _account_name, "name": _account_name},
    "google_project_iam_custom_role": {"id": _role_name, "name": _role_name},
    # Two of them may be told apart by nothing else.
    "google_monitoring_alert_policy": {"id": lambda _: f"alertPolicies/{secrets.randbits(63)}"},
    "google_monitoring_notification_channel": {"id": lambda _: f"notificationChannels/{secrets.randbits(63)}"},
    "google_monitoring_uptime_check_config": {
        "id": lambda _: f"uptimeCheckConfigs/{secrets.token_hex(8)}",
        "uptime_check_id": lambda _: secrets.token_hex(8),
    },
    "google_monitoring_slo": {"slo_id": lambda values: values.get("slo_id") or ("slo")},
}
