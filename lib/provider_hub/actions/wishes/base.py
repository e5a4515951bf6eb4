"""What every wish is."""

from pydantic import BaseModel, ConfigDict


class Wish(BaseModel):
    """What a caller asks for: it never changes, and fields that it does not know are ignored.

    A `title` in the configuration of a subclass is its name in the served description of the API.
    """

    # A schema is built at the first use of its model: a function imports all of its wishes and needs a few.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
