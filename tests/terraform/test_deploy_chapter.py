"""The README's chapters on deploying, word for word: Terraform itself runs, and a stand-in for gcloud."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terraform.tools.readme import README
from tests.rehearsal.terraform_cli import ROOT, Terraform, working_copy

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH"),
    pytest.mark.timeout(300),
]

# A new project: no bucket and no image is there. What is asked before the plan is not answered, which is a remark.
GCLOUD = """#!/bin/sh
echo "gcloud $*" >> "$CALLS"
case "$*" in
  *"buckets describe"* | *"images describe"* | *"--format json"* | *"--format=json"*) exit 1 ;;
  *"print-access-token"*) echo token-of-the-deployer ;;
  *"config get-value account"*) echo me@example.com ;;
  *"sign-url"*) echo https://storage.example.com/signed ;;
esac
"""
KUBECTL = '#!/bin/sh\necho "kubectl $*" >> "$CALLS"\ncat > "$CALLS.manifest"\n'
# The state lies beside the configuration, and not in a bucket.
TERRAFORM_TOOL = """#!/bin/bash
echo "terraform $*" >> "$CALLS"
arguments=()
for one in "$@"; do [[ $one == -backend-config=* ]] || arguments+=("$one"); done
exec {terraform} "${{arguments[@]}}"
"""
# The rehearsal has what the smoke test finds; here it is how it is called.
PYTHON = """#!/bin/sh
case "$*" in *terraform.tools.smoke*) echo "smoke $*" >> "$CALLS"; exit 0 ;; esac
exec {python} "$@"
"""


def commands(chapter: str) -> list[str]:
    """The indented lines of a chapter, as a reader copies them."""
    _, _, text = README.read_text().partition(f"\n## {chapter}\n")
    return re.findall(r"^    (\S.*)$", text.partition("\n## ")[0], re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """A fresh checkout that is set up, with the providers of the rehearsal."""
    folder = tmp_path_factory.mktemp("checkout")
    with working_copy(folder) as terraform:
        shutil.copy(ROOT / "Makefile", folder)
        (folder / ".ci").mkdir()
        stand_in(folder / ".ci" / "setup", "#!/bin/sh\n")
        yield terraform


def stand_in(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_the_chapters_commands_deploy(checkout: Terraform, tmp_path: Path) -> None:
    lines = commands("Deploy")
    assert lines[-1] == "make deploy PROJECT=my-project REGION=europe-west1"
    tools = {
        "gcloud": GCLOUD,
        "kubectl": KUBECTL,
        "terraform": TERRAFORM_TOOL.format(terraform=shutil.which("terraform")),
        "python": PYTHON.format(python=sys.executable),
    }
    for name, text in tools.items():
        stand_in(tmp_path / name, text)
    environment = {
        **checkout.environment,
        "PATH": f"{tmp_path}:{checkout.environment['PATH']}",
        "PYTHON": str(tmp_path / "python"),
        "CALLS": str(tmp_path / "calls"),
    }
    root = checkout.directory.parent
    ran = subprocess.run(
        ["bash", "-euc", "\n".join(lines).replace("'…'", "'echo a-token'")],
        cwd=root,
        env=environment,
        input="y\ny\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "deploy: the API is at https://203-0-113-10.sslip.io, its address is 203.0.113.10" in ran.stdout
    calls = (tmp_path / "calls").read_text().splitlines()
    (build,) = [call for call in calls if "builds submit" in call]
    assert "--service-account projects/my-project/serviceAccounts/hub-builder@" in build
    assert "--gcs-source-staging-dir gs://my-project-hub-sources/runtime-image" in build
    (init,) = [call for call in calls if " init " in call]
    assert "-backend-config=bucket=my-project-terraform-state" in init
    applies = [at for at, call in enumerate(calls) if call.startswith("terraform") and " apply " in call]
    assert len(applies) == 2
    assert applies[0] < calls.index(build) < applies[1]
    (smoke,) = [call for call in calls if call.startswith("smoke")]
    assert "--url https://203-0-113-10.sslip.io" in smoke
    assert "--wheel-url https://storage.example.com/signed" in smoke
    manifest = json.loads((tmp_path / "calls.manifest").read_text())
    assert "hub-installer@my-project.iam.gserviceaccount.com" in json.dumps(manifest)


def test_the_commands_before_ci_deploys_make_its_accounts(checkout: Terraform) -> None:
    lines = [line for line in commands("Deploy from CI") if line.startswith("terraform")]
    assert [line.split()[2] for line in lines] == ["init", "apply"]
    ran = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=checkout.directory.parent,
        env=checkout.environment,
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "Apply complete!" in ran.stdout
    assert "GCP_DEPLOYER" in ran.stdout
