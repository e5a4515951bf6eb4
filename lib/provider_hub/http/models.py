"""What every response body is."""

from pydantic import BaseModel, ConfigDict


class Response(BaseModel):
    """A response body: every field is there, absent ones are null, times are UTC."""

    # Built at its first use, as a wish is.
    model_config = ConfigDict(from_attributes=True, defer_build=True)
