"""The configuration's form: pinned, formatted, described, and its documents up to date."""

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import hcl2
import pytest
from hcl2.utils import SerializationOptions
from terraform.tools import readme, root
from terraform.tools.configuration import HUB, TERRAFORM, Block, read

MODULES = sorted((TERRAFORM / "modules").iterdir())
EXAMPLES = sorted((TERRAFORM / "examples").iterdir())
DIRECTORIES = [TERRAFORM, TERRAFORM / "bootstrap", *MODULES, *EXAMPLES]
VARIABLES = [block for directory in DIRECTORIES for block in read(directory).of("variable")]
OUTPUTS = [block for directory in DIRECTORIES for block in read(directory).of("output")]
ROOT = read(TERRAFORM)
MODULE = read(HUB)
REQUIRED = {"project", "region", "customer_realm", "console_realm"}
# Their names say what a plan needs no sentence of ours to refuse.
UNCHECKED = {"deletion_protection"}


def address(block: Block) -> str:
    return f"{block.path.parent.name}: {block.address}"


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_every_file_is_formatted() -> None:
    ran = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", str(TERRAFORM)],
        env={**os.environ, "TF_CLI_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_terraform_and_its_providers_are_pinned() -> None:
    (settings,) = ROOT.of("terraform")
    assert settings.body["required_version"].startswith(">= 1.11")
    (providers,) = settings.body["required_providers"]
    assert providers["google"]["version"] == "~> 6.50"
    assert all(re.fullmatch(r"~> \d+\.\d+", provider["version"]) for provider in providers.values())


def test_a_module_leaves_providers_and_backend_to_its_caller_and_asks_for_the_roots_versions() -> None:
    for directory in MODULES:
        assert not read(directory).of("provider"), directory
        assert not [block for block in read(directory).of("terraform") if "backend" in block.body], directory
    (mine,), (roots,) = MODULE.of("terraform"), ROOT.of("terraform")
    for key in ("required_version", "required_providers"):
        assert mine.body[key] == roots.body[key]


def test_the_root_and_every_example_call_one_module_and_make_nothing_themselves() -> None:
    for directory in (TERRAFORM, *EXAMPLES):
        blocks = read(directory)
        assert [block.address for block in blocks.of("module")] == ["hub"], directory
        assert not [*blocks.of("resource"), *blocks.of("data")], directory


def test_the_roots_files_are_made_from_the_module() -> None:
    assert root.main(["--check"]) == 0, f"run `{root.COMMAND}`"


@pytest.mark.parametrize(("example", "file"), [("small", ".small"), ("standard", ""), ("large", ".large")])
def test_an_example_of_the_module_says_what_the_roots_own_says(example: str, file: str) -> None:
    given = hcl2.loads((TERRAFORM / f"terraform.tfvars{file}.example").read_text())
    (call,) = hcl2.loads((TERRAFORM / "examples" / example / "main.tf").read_text())["module"]
    (arguments,) = call.values()
    assert {name: arguments[name] for name in given if not name.startswith("__")} == {
        name: value for name, value in given.items() if not name.startswith("__")
    }
    own = {"source", "project", "region"}
    assert {name for name in arguments if not name.startswith("__")} - own == {
        name for name in given if not name.startswith("__")
    }


@pytest.mark.parametrize("variable", VARIABLES, ids=address)
def test_a_variable_is_typed_and_described(variable: Block) -> None:
    assert variable.body["type"] != "any"
    assert len(variable.body["description"]) > 5


@pytest.mark.parametrize("output", OUTPUTS, ids=address)
def test_an_output_is_described(output: Block) -> None:
    assert len(output.body["description"]) > 10


@pytest.mark.parametrize("variable", MODULE.of("variable"), ids=address)
def test_what_a_user_gives_is_checked_with_a_message_to_act_on(variable: Block) -> None:
    if variable.address in UNCHECKED:
        return
    checks = variable.body["validation"]
    assert all(check["error_message"].endswith(".") and len(check["error_message"]) > 20 for check in checks)


def test_only_project_region_and_the_issuers_must_be_given() -> None:
    assert {variable.address for variable in ROOT.of("variable") if "default" not in variable.body} == REQUIRED


@pytest.mark.parametrize("example", sorted(TERRAFORM.glob("*.example")), ids=lambda path: path.name)
def test_an_example_gives_known_variables_and_all_that_deploy_does_not(example: Path) -> None:
    given = set(hcl2.loads(example.read_text())) - {"__comments__", "__inline_comments__"}
    assert given <= {variable.address for variable in ROOT.of("variable")}
    assert given >= REQUIRED - {"project", "region"}


def test_the_small_example_works_once_the_issuers_are_set() -> None:
    """No domain of somebody else's, whose certificate is never issued, and no budget of a foreign billing account."""
    given = set(hcl2.loads((TERRAFORM / "terraform.tfvars.example").read_text()))
    assert given - {"__comments__", "__inline_comments__"} == {"customer_realm", "console_realm"}


def test_a_budget_is_in_the_billing_accounts_own_currency_unless_said_otherwise() -> None:
    assert "currency        = optional(string)\n" in (HUB / "variables.tf").read_text()


def test_there_is_an_example_of_a_small_a_standard_and_a_large_setting() -> None:
    names = {path.name for path in TERRAFORM.glob("*.example")}
    assert names == {f"terraform.tfvars{size}.example" for size in (".small", "", ".large")}


def test_every_name_carries_the_environments_prefix() -> None:
    """Or two environments would meet in one project."""
    for block in MODULE.of("resource"):
        if block.type == "google_storage_bucket_object":
            continue  # its bucket has a name of its own
        for key in ("name", "account_id", "repository_id", "secret_id", "service_id", "role_id"):
            name = str(block.body.get(key, "${var.name}"))
            owned = "var.name" in name or re.match(r"\$\{(google_|module\.|each\.value|trimprefix)", name)
            assert owned, f"{block.address}: {key} is {name}"


def test_the_generated_tables_of_the_readme_are_up_to_date() -> None:
    assert readme.main(["--check"]) == 0, f"run `{readme.COMMAND}`"


def test_a_readme_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="has no section between"):
        readme.rendered("# no section\n")


@pytest.mark.parametrize(
    "chapter", ["Deploy", "Configure sign-in", "First publish", "Upgrade", "Backup and restore", "Tear down"]
)
def test_the_readme_has_the_chapter(chapter: str) -> None:
    assert f"\n## {chapter}\n" in readme.README.read_text()


def test_the_readme_names_every_file() -> None:
    text = readme.README.read_text()
    assert [path.name for path in HUB.glob("*.tf") if f"`{path.name}`" not in text] == []
    assert [path.name for path in TERRAFORM.glob("*.tf") if f"`{path.name}`" not in text] == []


def test_the_runtime_image_is_small_unprivileged_and_named_by_digest() -> None:
    dockerfile = (TERRAFORM.parent / "lib" / "pragma_runtime" / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE_IMAGE$", dockerfile, re.MULTILINE), "no default: a tag is another image every week"
    assert re.search(r"^USER 65532:65532$", dockerfile, re.MULTILINE)
    assert "apt-get" not in dockerfile


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.name)
def test_a_name_is_declared_once(directory: Path) -> None:
    blocks = read(directory).blocks
    names = [(block.kind, block.address) for block in blocks if block.labels]
    names += [("local", name) for block in blocks if block.kind == "locals" for name in block.body]
    assert sorted(names) == sorted(set(names))


def test_the_blocks_are_those_that_the_parser_finds_in_the_whole_file() -> None:
    file = TERRAFORM / "modules" / "function" / "main.tf"
    parsed = hcl2.loads(file.read_text(), serialization_options=SerializationOptions(with_comments=False))
    whole = Counter({kind: len(entries) for kind, entries in parsed.items()})
    assert Counter(block.kind for block in read(file.parent).blocks if block.path == file) == whole


@pytest.mark.parametrize("text", ['  output "a" {}\n', "a = 1\n", 'output "a" {\n  value = 1 }\n', "locals {\n}\n}\n"])
def test_a_file_whose_blocks_cannot_be_told_by_their_lines_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "main.tf").write_text(f"# A comment.\n{text}")
    with pytest.raises(ValueError, match="run terraform fmt"):
        read(tmp_path)


def test_a_local_is_found_by_its_own_name_and_not_by_one_within_another(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("locals {\n  outer = {\n    inner = 1\n  }\n}\n\nlocals { one = 2 }\n")
    found = read(tmp_path)
    assert found.local("outer") == {"inner": 1}
    assert found.local("one") == 2
    with pytest.raises(KeyError):
        found.local("inner")
