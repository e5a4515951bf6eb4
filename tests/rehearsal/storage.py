"""Cloud Storage and IAM's `signBlob` as Google serves them: to bearers of an access token, or of its signature."""

import base64
from functools import cache
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from local_stack.bucket import LocalBucket
from local_stack.bucket_access import Access
from local_stack.bucket_files import BucketFiles
from tests.rehearsal.iam import Iam, Refused

HOSTS = ("iamcredentials.googleapis.com", "storage.googleapis.com")


@cache
def _key_of(account: str) -> rsa.RSAPrivateKey:
    """The key that Google holds for an account."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class GrantedAccounts:
    """The accounts of one bucket (`bucket_access.Accounts`), with the grants that Terraform made."""

    def __init__(self, iam: Iam, bucket: str) -> None:
        self._iam = iam
        self._bucket = bucket

    def key_of(self, account: str) -> rsa.RSAPublicKey | None:
        return _key_of(account).public_key()

    def account_of(self, authorization: str) -> str | None:
        try:
            return self._iam.account_of(authorization)
        except Refused:
            return None

    def may(self, account: str, permission: str) -> bool:
        try:
            self._iam.check(account, permission, [self._bucket])
        except Refused:
            return False
        return True


def storage(iam: Iam, bucket: str, folder: Path) -> web.Application:
    """Both hosts' calls, of one bucket whose objects lie in `folder`."""

    async def sign(request: web.Request) -> web.Response:
        account, _, call = request.match_info["call"].partition(":")
        if call != "signBlob":
            return web.json_response({"error": {"code": 404, "message": f"{call} is not served"}}, status=404)
        try:
            caller = iam.account_of(request.headers.get("Authorization"))
            iam.check(caller, "iam.serviceAccounts.signBlob", [account])
        except Refused as refused:
            error = {"code": refused.status, "message": str(refused)}
            return web.json_response({"error": error}, status=refused.status)
        content = base64.b64decode((await request.json())["payload"])
        signature = _key_of(account).sign(content, padding.PKCS1v15(), SHA256())
        return web.json_response({"keyId": "1", "signedBlob": base64.b64encode(signature).decode()})

    access = Access(GrantedAccounts(iam, bucket))
    served = LocalBucket(bucket, f"https://storage.googleapis.com/{bucket}", BucketFiles(folder), access)
    application = served.application(on_own_machine=False)
    application.router.add_post("/v1/projects/-/serviceAccounts/{call}", sign)
    return application
