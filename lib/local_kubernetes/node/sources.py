"""Fetching the Secrets and ConfigMaps that a pod refers to."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable, Mapping

from local_kubernetes.node.client import CONFIG_MAPS, SECRETS, ApiClient, ApiError, Resource
from local_kubernetes.node.environment import ConfigurationError, Sources
from local_kubernetes.node.objects import Json


async def fetch(client: ApiClient, namespace: str, secrets: Iterable[str], config_maps: Iterable[str]) -> Sources:
    """What stands under those names now; None for what is not there.

    Raises ApiError for every other refusal, and ConfigurationError for a Secret that is not base64.
    """
    found_secrets, found_maps = await asyncio.gather(
        _all(client, SECRETS, namespace, sorted(secrets), _secret),
        _all(client, CONFIG_MAPS, namespace, sorted(config_maps), _config_map),
    )
    return Sources(found_secrets, found_maps)


async def _all(
    client: ApiClient, resource: Resource, namespace: str, names: list[str], decode: Callable[[Json], dict[str, bytes]]
) -> Mapping[str, Mapping[str, bytes] | None]:
    objects = await asyncio.gather(*(_one(client, resource, namespace, name) for name in names))
    return {name: decode(obj) if obj is not None else None for name, obj in zip(names, objects, strict=True)}


async def _one(client: ApiClient, resource: Resource, namespace: str, name: str) -> Json | None:
    try:
        return await client.get(resource, namespace, name)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _secret(obj: Json) -> dict[str, bytes]:
    return _decoded(obj, obj.get("data") or {})


def _config_map(obj: Json) -> dict[str, bytes]:
    plain = {key: value.encode("utf-8", "surrogateescape") for key, value in (obj.get("data") or {}).items()}
    return plain | _decoded(obj, obj.get("binaryData") or {})


def _decoded(obj: Json, data: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {key: base64.b64decode(value or "", validate=True) for key, value in data.items()}
    except binascii.Error as error:
        raise ConfigurationError(f"the data of {obj['metadata']['name']} is not base64: {error}") from None
