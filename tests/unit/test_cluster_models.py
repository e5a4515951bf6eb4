"""The embedded cluster knows the API's fields as the official client has them.

`UPDATE=1 pytest tests/unit/test_cluster_models.py` writes what it knows anew.
"""

import json
import os
import re
from collections.abc import Iterable

from kubernetes.client import models

from local_kubernetes.cluster import schema
from local_kubernetes.cluster.kinds import KINDS

# What requests carry, beside objects of the kinds.
BODIES = ("V1DeleteOptions",)
MODEL = re.compile(r"\b(?!List\b|Dict\b)[A-Z]\w+")


def described(wanted: Iterable[str]) -> dict[str, dict[str, str]]:
    """Each model, with every model that its fields lead to: the types of the fields by their names in JSON."""
    found: dict[str, dict[str, str]] = {}
    left = list(wanted)
    while left:
        name = left.pop()
        if name not in found:
            model = getattr(models, name)
            found[name] = {model.attribute_map[field]: text for field, text in model.openapi_types.items()}
            left += MODEL.findall(" ".join(found[name].values()))
    return dict(sorted(found.items()))


def test_the_cluster_knows_every_field_of_its_kinds_as_the_official_client_does() -> None:
    wanted = described([*(kind.model for kind in KINDS), *BODIES])
    lines = (f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in wanted.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if os.environ.get("UPDATE"):
        schema.MODELS.write_text(text)
    assert schema.MODELS.read_text() == text, "run UPDATE=1 pytest tests/unit/test_cluster_models.py"
