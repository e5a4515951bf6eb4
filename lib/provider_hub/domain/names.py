"""Names of organizations and providers as people write them, and the names of their objects in a cluster.

Two providers never share a cluster name: `a-b/c` and `a/b-c` are two providers. A readable name of 63 characters cannot
guarantee that, so each cluster name ends in a digest of the canonical name.
"""

import re
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

MAX_CANONICAL = 200
PLATFORM_PREFIX = "platform"
RESERVED_SLUGS = frozenset({"install", "installed", PLATFORM_PREFIX})

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?"
SHORT_PATTERN = r"[a-z0-9](?:[a-z0-9._-]{0,196}[a-z0-9])?"
_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_SLUG = re.compile(SLUG_PATTERN)
_SHORT = re.compile(SHORT_PATTERN)
_CLUSTER_NAME_LENGTH = 63
_DIGEST_LENGTH = 20
_NAMESPACE_SLUG_LENGTH = _CLUSTER_NAME_LENGTH - len("org-")


def is_organization_id(text: str) -> bool:
    """Whether `text` may be an organization's id. It becomes the id of a document."""
    return _ORGANIZATION_ID.fullmatch(text) is not None


def is_canonical(text: str) -> bool:
    """Whether `text` may be a provider's name, as `prefix/name`."""
    try:
        ProviderName.parse(text)
    except ValueError:
        return False
    return True


def is_slug(text: str) -> bool:
    """Whether `text` may be an organization's slug: lower-case letters, digits and inner hyphens, ≤ 100."""
    return _SLUG.fullmatch(text) is not None and text not in RESERVED_SLUGS


def normalised(distribution: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@dataclass(frozen=True, slots=True, order=True)
class ProviderName:
    """A provider's identity, `prefix/name`: the prefix is `platform` or an organization's slug."""

    prefix: str
    name: str

    @classmethod
    def parse(cls, canonical: str) -> Self:
        """Raises ValueError, with a sentence, when `canonical` is not `prefix/name` of ≤ 200 characters."""
        prefix, slash, name = canonical.partition("/")
        if not slash or len(canonical) > MAX_CANONICAL:
            raise ValueError(f"{canonical[:80]!r} is not a provider name: write it as organization/name")
        if not (_SLUG.fullmatch(prefix) and _SHORT.fullmatch(name)):
            raise ValueError(
                f"{canonical[:80]!r} is not a provider name: both parts are lower-case letters, digits and inner "
                "hyphens, the second also dots and underscores"
            )
        return cls(prefix, name)

    @property
    def canonical(self) -> str:
        """The name as `prefix/name`."""
        return f"{self.prefix}/{self.name}"

    @property
    def document_id(self) -> str:
        """The id of its document: a document id cannot hold a slash, and no name has a colon."""
        return f"{self.prefix}:{self.name}"

    @property
    def object_name(self) -> str:
        """The name of this provider's objects in a tenant's namespace: a DNS label of ≤ 63 characters."""
        readable = re.sub(r"[^a-z0-9]+", "-", f"p-{self.prefix}-{self.name}")
        room = _CLUSTER_NAME_LENGTH - _DIGEST_LENGTH - 1
        return f"{readable[:room].rstrip('-')}-{_digest(self.canonical)}"

    def __str__(self) -> str:
        return self.canonical


def namespace_for(slug: str) -> str:
    """The namespace of the organization with this slug.

    A slug that is too long is cut and gets another first word. So no organization can choose a slug whose namespace
    equals another organization's shortened one.
    """
    if len(slug) <= _NAMESPACE_SLUG_LENGTH:
        return f"org-{slug}"
    room = _CLUSTER_NAME_LENGTH - len("long-org-") - _DIGEST_LENGTH - 1
    return f"long-org-{slug[:room].rstrip('-')}-{_digest(slug)}"


def prefixed_namespace(prefix: str, namespace: str) -> str:
    """`namespace` as a hub with this prefix calls it: a DNS label of ≤ 63 characters. Done once or twice is the same.

    A hub that shares a cluster with others has a prefix, so that each of them can have an organization `acme`.
    """
    if not prefix or namespace.startswith(prefix):
        return namespace
    if len(prefix) + len(namespace) <= _CLUSTER_NAME_LENGTH:
        return prefix + namespace
    room = _CLUSTER_NAME_LENGTH - len(prefix) - _DIGEST_LENGTH - 1
    return f"{prefix}{namespace[:room].rstrip('-')}-{_digest(namespace)}"


def _digest(text: str) -> str:
    """100 bits in lower-case base 32: an attacker would need about 2^50 names for a collision."""
    return b32encode(sha256(text.encode()).digest())[:_DIGEST_LENGTH].decode().lower()
