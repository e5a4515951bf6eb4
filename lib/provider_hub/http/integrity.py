"""What CI runs attested of a version's wheel, as an index serves it (PEP 740; contract, section 5)."""

import json
from typing import Protocol

from provider_hub.actions import browse
from provider_hub.actions.services import Services
from provider_hub.http.call import Call
from provider_hub.http.parameters import PROVIDER, VERSION, Parameter
from provider_hub.http.route import INTEGRITY, Access, Routes


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""


routes: Routes[Hub] = Routes(
    "catalog",
    parameters={
        **PROVIDER,
        **VERSION,
        "filename": Parameter(
            "The wheel's file name.",
            example="weather_provider-1.4.0-py3-none-any.whl",
            constraints={"minLength": 1, "maxLength": 255},
        ),
    },
)


@routes.add(
    "GET",
    "/integrity/{org}/{name}/{version}/{filename}/provenance",
    Access.ANYONE_OR_CUSTOMER,
    refusals=(404,),
    media=INTEGRITY,
    login=True,
)
def get_provenance(hub: Hub, call: Call) -> bytes:
    """What the CI run that published the wheel attested of it: a provenance object (PEP 740)."""
    version, file_name = call.parameters["version"], call.parameters["filename"]
    found = browse.get_provenance(hub.services, call.viewer, call.provider, version, file_name)
    return json.dumps(found, ensure_ascii=False).encode()
