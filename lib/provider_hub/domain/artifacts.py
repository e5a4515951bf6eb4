"""What a kept file is called in the bucket, and how large it may be.

A kept file is named by its digest, so a name never stands for other bytes. An upload is named by its id: its bytes are
not verified yet, and must not take the name of those that are.
"""

import re

MAX_BYTES = 256 * 1024**2
UPLOADS = "uploads/"
METADATA_FILE = "METADATA"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UPLOAD_ID = re.compile(r"[0-9A-Za-z]{1,64}")
# A wheel's file name has these characters alone (PEP 427); it has no leading dot, so it cannot lead out of a folder.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+-]{0,254}")


def kept_name(sha256: str, file_name: str) -> str:
    """The name of a verified file: `sha256/<first two>/<digest>/<file name>`. Raises ValueError."""
    if not _DIGEST.fullmatch(sha256):
        raise ValueError(f"{sha256[:80]!r} is no SHA-256: give 64 lowercase hexadecimal digits")
    return f"sha256/{sha256[:2]}/{sha256}/{check_file_name(file_name)}"


def metadata_name(sha256: str) -> str:
    """The name of a wheel's METADATA, which is kept beside the wheels by its own digest. Raises ValueError."""
    return kept_name(sha256, METADATA_FILE)


def upload_name(upload_id: str, file_name: str) -> str:
    """The name of an upload until it is verified: `uploads/<id>/<file name>`. Raises ValueError."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise ValueError(f"{upload_id[:80]!r} is no upload's id: it has letters and digits alone")
    return f"{UPLOADS}{upload_id}/{check_file_name(file_name)}"


def check_file_name(file_name: str) -> str:
    """The name as it is. Raises ValueError for one that no file is kept under."""
    if not _FILE_NAME.fullmatch(file_name):
        raise ValueError(
            f"{file_name[:80]!r} is no file name to keep: use letters, digits and _ . ! + -, at most 255 of them"
        )
    return file_name
