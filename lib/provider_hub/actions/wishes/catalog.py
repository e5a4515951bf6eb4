"""What callers ask of the catalog, within which bounds (contract, section 4)."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from provider_hub.actions.wishes.base import Wish
from provider_hub.actions.wishes.fields import NO_NUL, Description, DisplayName, Tags, WebAddress
from provider_hub.domain.scope import Scope

_MAY_BE_NULL = frozenset({"readme", "icon_url"})


class Search(Wish):
    """Which providers to find, and which page of them."""

    q: Annotated[str, Field(max_length=200), NO_NUL] = Field(
        "", description="Words of the name, the display name or the description; all must match."
    )
    scope: Scope | None = Field(None, description="Only providers of this scope.")
    tags: Annotated[list[Annotated[str, Field(max_length=50), NO_NUL]], Field(max_length=20)] = Field(
        default_factory=list, description="May repeat; all must match."
    )
    limit: int = Field(20, ge=1, le=100, description="How many providers a page has.")
    offset: int = Field(0, ge=0, le=100_000, description="How many providers come before the page.")


class VersionPage(Wish):
    """Which page of a provider's versions; a caller that asks for none gets the newest hundred."""

    limit: int = Field(100, ge=1, le=100, description="How many versions a page has.")
    offset: int = Field(0, ge=0, le=100_000, description="How many newer versions come before the page.")


class CatalogEdit(Wish):
    """Only the fields that are given are changed; `readme` and `icon_url` may be given as null."""

    model_config = ConfigDict(title="ProviderEdit")

    display_name: DisplayName | None = Field(None, description="What people read as the provider's name.")
    description: Description | None = Field(
        None, description="What the provider does, in a sentence or two.", examples=["Sunlight at your stations."]
    )
    readme: Annotated[str, Field(max_length=50_000), NO_NUL] | None = Field(None, description="Markdown.")
    tags: Tags | None = Field(None, description="All tags, not those to add.", examples=[["weather", "sensors"]])
    icon_url: WebAddress | None = Field(None, description="An `http` or `https` address of a picture.")
    scope: Scope | None = Field(
        None, description="Who sees it: everyone, or its author's organization alone, once no other has it installed."
    )

    @property
    def changes(self) -> dict[str, Any]:
        """The given fields of the catalog row but `scope`, which is more than a field; null is a value for some."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"scope"}}
        if given.get("tags") is not None:
            given["tags"] = tuple(given["tags"])
        return {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
