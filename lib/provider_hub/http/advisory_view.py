"""A known vulnerability of what is locked, as versions and installations show it."""

from typing import Self

from pydantic import Field

from provider_hub.domain.advisories import Advisory, LockAdvisories, Severity
from provider_hub.http.models import Response


class AdvisoryBody(Response):
    """A known vulnerability of a locked distribution."""

    id: str = Field(description="The database's own id.", examples=["GHSA-34jh-p97f-mpxf"])
    aliases: list[str] = Field(description="What others call it.", examples=[["CVE-2024-37891", "PYSEC-2024-105"]])
    package: str = Field(description="The distribution that has it.", examples=["urllib3"])
    version: str = Field(description="The locked version of that distribution.", examples=["2.2.1"])
    summary: str | None = Field(
        description="What it is, in a line.", examples=["Proxy-Authorization is kept on redirects to another origin"]
    )
    severity: Severity | None = Field(description="How bad it is; null where nobody has said.", examples=["medium"])
    fixed_in: str | None = Field(
        description="The lowest later version of the distribution without it; null where none is known.",
        examples=["2.2.2"],
    )

    @classmethod
    def of(cls, advisory: Advisory) -> Self:
        """The view of what is kept."""
        return cls(
            id=advisory.advisory_id,
            aliases=list(advisory.aliases),
            package=advisory.package,
            version=advisory.version,
            summary=advisory.summary,
            severity=advisory.severity,
            fixed_in=advisory.fixed_in,
        )


def advisories_of(known: LockAdvisories | None) -> list[AdvisoryBody] | None:
    """The views, the worst first; None where nothing is known."""
    return None if known is None else [AdvisoryBody.of(one) for one in known.found]
