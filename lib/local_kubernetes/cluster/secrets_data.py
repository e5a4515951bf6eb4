"""A Secret's write-only `stringData`."""

from base64 import b64encode

from .kinds import Kind, Object


def absorb_string_data(kind: Kind, body: Object) -> None:
    """Encode `stringData` into `data`, in place, so that only `data` is ever stored or owned."""
    plain = body.pop("stringData", None) if kind.name == "Secret" else None
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        body["data"] = {**body.get("data", {}), **encoded}
