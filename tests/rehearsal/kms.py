"""Cloud KMS as Google serves it: one key's encryptions open by that key, for who may use it, and for what was bound."""

import base64
import os
from collections.abc import Collection, Mapping

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.rehearsal.iam import Iam, Refused

HOSTS = ("cloudkms.googleapis.com",)
_PERMISSIONS = {
    "encrypt": "cloudkms.cryptoKeyVersions.useToEncrypt",
    "decrypt": "cloudkms.cryptoKeyVersions.useToDecrypt",
}
_FIELDS = {"encrypt": ("plaintext", "ciphertext"), "decrypt": ("ciphertext", "plaintext")}
_NONCE_BYTES = 12


def kms(iam: Iam, keys: Collection[str]) -> web.Application:
    """The calls `encrypt` and `decrypt` of the keys with these full names; any other key is not there.

    What is given as `additionalAuthenticatedData` with an encryption has to be given again with its decryption.
    """
    ciphers = {name: AESGCM(AESGCM.generate_key(256)) for name in keys}

    async def handle(request: web.Request) -> web.Response:
        name, _, verb = request.match_info["call"].rpartition(":")
        try:
            account = iam.account_of(request.headers.get("Authorization"))
            if name not in ciphers or verb not in _PERMISSIONS:
                raise iam.refusal(404, f"there is no key {name} to {verb or 'use'}")
            iam.check(account, _PERMISSIONS[verb], [name.rpartition("/")[2]])
            return web.json_response(_answer(ciphers[name], verb, await request.json()))
        except Refused as refused:
            return _error(refused.status, str(refused))
        except (InvalidTag, KeyError, ValueError) as error:
            message = f"{verb} with {name}: {type(error).__name__}"
            return _error(400, str(iam.refusal(400, message)))

    application = web.Application()
    application.router.add_post("/v1/{call:.+}", handle)
    return application


def _answer(cipher: AESGCM, verb: str, body: Mapping[str, str]) -> dict[str, str]:
    given, told = _FIELDS[verb]
    bound = base64.b64decode(body.get("additionalAuthenticatedData", ""), validate=True)
    content = base64.b64decode(body[given], validate=True)
    if verb == "encrypt":
        nonce = os.urandom(_NONCE_BYTES)
        done = nonce + cipher.encrypt(nonce, content, bound)
    else:
        done = cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound)
    return {told: base64.b64encode(done).decode()}


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status)
