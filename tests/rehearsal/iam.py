"""Who may do what, as Google decides it: access tokens of service accounts, and the grants that Terraform made."""

import secrets
import threading
import time
from collections.abc import Collection, Mapping

from tests.rehearsal.deployment import Deployment

LIFETIME_SECONDS = 3600

# The permissions of Google's own roles that the functions use, as Google documents them.
_ROLES: Mapping[str, frozenset[str]] = {
    "roles/datastore.user": frozenset({"datastore.entities.get", "datastore.entities.update"}),
    "roles/datastore.viewer": frozenset({"datastore.entities.get"}),
    "roles/pubsub.publisher": frozenset({"pubsub.topics.publish"}),
    "roles/cloudtasks.enqueuer": frozenset({"cloudtasks.tasks.create"}),
    "roles/iam.serviceAccountUser": frozenset({"iam.serviceAccounts.actAs"}),
    "roles/cloudkms.cryptoKeyEncrypter": frozenset({"cloudkms.cryptoKeyVersions.useToEncrypt"}),
    "roles/cloudkms.cryptoKeyDecrypter": frozenset({"cloudkms.cryptoKeyVersions.useToDecrypt"}),
    "roles/secretmanager.secretAccessor": frozenset({"secretmanager.versions.access"}),
    "roles/storage.objectCreator": frozenset({"storage.objects.create"}),
    "roles/storage.legacyObjectReader": frozenset({"storage.objects.get"}),
    "roles/iam.serviceAccountTokenCreator": frozenset({"iam.serviceAccounts.signBlob"}),
    "roles/container.clusterViewer": frozenset({"container.clusters.get", "container.clusters.connect"}),
}


class Refused(Exception):
    """The caller is not known (401), or may not do this (403); the message names account and permission."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Iam:
    """Issues access tokens and checks permissions. `refusals` counts each."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.refusals: dict[str, int] = {}

    def access_token(self, account: str) -> str:
        """A new access token of the account, good for an hour."""
        token = f"ya29.{secrets.token_urlsafe(40)}"
        with self._lock:
            self._tokens[token] = (account, time.monotonic() + LIFETIME_SECONDS)
        return token

    def account_of(self, authorization: str | None) -> str:
        """The account whose token an `Authorization` header carries. Raises Refused, 401."""
        token = (authorization or "").removeprefix("Bearer ")
        with self._lock:
            account, expires = self._tokens.get(token, ("", 0.0))
        if not account or time.monotonic() >= expires:
            raise self.refusal(401, "a call carried no valid access token")
        return account

    def check(
        self, account: str, permission: str, on: Collection[str] = ("project",), resource: str | None = None
    ) -> None:
        """Raises Refused, 403, unless the account has the permission on one of the named resources.

        `resource` is the full name by which a grant's condition decides; without one, conditions are taken as met. A
        pod's account is the `principalSet://…` of its cluster's workloads.
        """
        member = account if account.startswith("principal") else f"serviceAccount:{account}"
        for grant in self._deployment.grants:
            if grant.member != member or grant.on not in {*on, "project"}:
                continue
            is_met = resource is None or grant.covers(resource)
            if is_met and permission in self._permissions(grant.role):
                return
        raise self.refusal(403, f"{account} lacks {permission} on {resource or ', '.join(on)}")

    def _permissions(self, role: str) -> frozenset[str]:
        return _ROLES.get(role) or self._deployment.custom_roles.get(role, frozenset())

    def refusal(self, status: int, message: str) -> Refused:
        """A refusal to raise; it is counted."""
        self.refusals[message] = self.refusals.get(message, 0) + 1
        return Refused(status, message)
