"""An upload on its way: what an author announced about a wheel before its bytes arrived."""

import re
from datetime import datetime, timedelta

from provider_hub.domain.dataclass import dataclass

# As long as the bucket keeps what was uploaded.
LIFETIME = timedelta(days=1)
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A wheel of `size` bytes and this SHA-256, announced by `owner`: an organization's id, or `platform`.

    Firestore deletes it at `expires_at`; its bytes are of no use then, and the bucket has deleted them.
    """

    upload_id: str
    owner: str
    file_name: str
    size: int
    sha256: str
    created_at: datetime
    expires_at: datetime


def is_upload_id(text: str) -> bool:
    """Whether an upload may have that id, which anyone chose: it becomes the name of a document."""
    return _ID.fullmatch(text) is not None
