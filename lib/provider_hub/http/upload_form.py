"""The upload form of Python's own publishing tools: twine, uv, flit, poetry and hatch.

It is written down nowhere. It is what PyPI has accepted for long: one multipart POST, a token as the password of the
user `__token__`, and a refusal that tools show by the reason of the status line. A redirect is an error to them, and a
409 means that the file is there already, which other bytes are not.
"""

import hashlib
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Request, Response
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from provider_hub.actions.receiving import Receiving
from provider_hub.domain.artifacts import MAX_BYTES
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid, TooLarge
from provider_hub.http.arrival import arriving, mark_taken
from provider_hub.http.responses import sentence_of

if TYPE_CHECKING:
    from provider_hub.actions.wheels import AttachedFile

# What a request to a function may carry.
MAX_FORM = 32 * 1024**2
USER = "__token__"
_MAX_TEXT = 4 * 1024**2
_MAX_FIELDS = 1000
_CHUNK_BYTES = 256 * 1024
_LONGEST_REASON = 300
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")
_TOO_LARGE = (
    f"a form carries at most {MAX_FORM // 1024**2} MiB, {_MAX_TEXT // 1024**2} MiB of it as text, in {_MAX_FIELDS} "
    f"fields: publish this wheel with `hub publish FILE`, which takes "
    f"{MAX_BYTES // 1024**2} MiB"
)


class FormTooLarge(TooLarge):
    """The form is over what a request may carry."""

    def __str__(self) -> str:
        return _TOO_LARGE


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that has not been read yet, of which `holder` is the sender.

    Whoever handles it takes the organization's turn first: a slow form then holds no more threads than a slow publish.
    """

    request: Request
    receiving: Receiving
    holder: str

    def read(self) -> "AttachedFile":
        """Take it in. Raises TooLarge, TooSlow, QuotaExceeded, and Invalid for what is no form with a wheel in it."""
        if (self.request.content_length or 0) > MAX_FORM:
            raise FormTooLarge(MAX_FORM)
        with arriving(self.request, self.receiving, self.holder, MAX_FORM):
            return read_form(self.request)


def read_form(request: Request) -> "AttachedFile":
    """Raises TooLarge, and Invalid for a form that is none, or holds something else than a wheel."""
    from provider_hub.actions.wheels import AttachedFile  # noqa: PLC0415 - who has no such route never loads it

    request.max_content_length = MAX_FORM
    request.max_form_memory_size = _MAX_TEXT
    request.max_form_parts = _MAX_FIELDS
    try:
        given = request.form
    except RequestEntityTooLarge:
        raise FormTooLarge(MAX_FORM) from None
    mark_taken(request)
    if given.get(":action") != "file_upload":
        raise _wrong(":action", "this takes the form that twine and uv send, with :action file_upload and a content")
    if given.get("filetype", "bdist_wheel") != "bdist_wheel":
        raise _wrong("filetype", "a provider is published as a wheel and not as its sources: upload the .whl alone")
    content = request.files.get("content")
    if content is None or not content.filename:
        raise _wrong("content", "the form has no file in its field content")
    sha256 = _digest(content)
    if given.get("sha256_digest", sha256).lower() != sha256:
        raise _wrong("sha256_digest", f"the file's sha256 is {sha256}, and the form says another: upload it again")
    summary, attestations = given.get("summary", ""), given.get("attestations", "")
    return AttachedFile(content.stream, content.filename, sha256, summary, attestations)


def as_tools_read(response: Response) -> Response:
    """The answer as the tools show it: a refusal of what was sent is 400, and the reason says why.

    uv takes 409 for success, and none of them shows the body of an answer by itself.
    """
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return response
    refusal = json.loads(response.get_data())
    sentence = sentence_of(refusal)
    if response.status_code in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        response.status_code = HTTPStatus.BAD_REQUEST
        response.set_data(json.dumps({"detail": sentence, "message": sentence}))
    reason = _NOT_PRINTABLE.sub(" ", sentence)[:_LONGEST_REASON]
    response.status = f"{response.status_code} {reason}"
    return response


def _digest(content: FileStorage) -> str:
    digest = hashlib.sha256()
    while chunk := content.stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _wrong(field: str, message: str) -> Invalid:
    return Invalid.at("body", field, msg=message)
