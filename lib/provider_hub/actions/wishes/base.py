"""What every wish is."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

# The type of a problem that a rule finds: the caller gets the sentence, not a list as for a malformed body.
RULE = "rule_error"


def refused_by_rule(sentence: str) -> PydanticCustomError:
    """What a validator raises where the wish has the right form and a rule refuses it."""
    return PydanticCustomError(RULE, "{sentence}", {"sentence": sentence})


class Wish(BaseModel):
    """What a caller asks for: it never changes, and fields that it does not know are ignored.

    A `title` in the configuration of a subclass is its name in the served description of the API.
    """

    # A schema is built at the first use of its model: a function imports all of its wishes and needs a few.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
