"""What a cluster and a database hold of an installation, asked of a real API server and of the real emulator."""

from pathlib import Path

import pytest
import yaml
from tests.integration.drifting import NAME, NAMESPACE, Installed

from local_stack.emulators import EmulatorHosts
from local_stack.residue_check import ResidueUnknown, documents_of, objects_of
from provider_hub.domain.names import ProviderName

ORGANIZATION = "org_drifting"
OTHER = ProviderName("drifting", "snow")


@pytest.fixture
def with_token_file(kubeconfig: Path, tmp_path: Path) -> Path:
    """A kubeconfig of the same cluster that names another way to sign in than the embedded cluster's own does."""
    described = yaml.safe_load(kubeconfig.read_text())
    token = tmp_path / "token"
    token.write_text(described["users"][0]["user"].pop("token"))
    described["users"][0]["user"]["tokenFile"] = str(token)
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(described))
    return file


def test_objects_are_found_however_the_kubeconfig_signs_in(
    installed: Installed, kubeconfig: Path, with_token_file: Path
) -> None:
    found = objects_of(kubeconfig, NAMESPACE, NAME)
    assert {"Deployment", "Service", "Secret"} <= {entry.split()[0] for entry in found}
    assert objects_of(with_token_file, NAMESPACE, NAME) == found
    assert objects_of(kubeconfig, NAMESPACE, OTHER) == []
    installed.remove()
    assert objects_of(kubeconfig, NAMESPACE, NAME) == []


def test_the_row_is_found(installed: Installed, emulator_hosts: EmulatorHosts) -> None:
    project = installed.backend.project
    found = documents_of(emulator_hosts.firestore, project, ORGANIZATION, NAME)
    assert f"organizations/{ORGANIZATION}/installations/{NAME.document_id}" in found
    rest = documents_of(emulator_hosts.firestore, project, ORGANIZATION, OTHER)
    assert all(name.startswith("outbox/") for name in rest)


def test_a_database_that_answers_no_list_leaves_it_unknown(emulator_hosts: EmulatorHosts) -> None:
    with pytest.raises(ResidueUnknown, match="answered with 404"):
        documents_of(f"{emulator_hosts.firestore}/none", "project", ORGANIZATION, NAME)
