"""The `hub` command's local subcommands, against a state folder of a stack that this test process pretends to be."""

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from hub_cli.errors import NoStack
from hub_cli.main import main
from hub_cli.stack_file import StackInfo, stack_file
from local_stack.errors import LocalError
from local_stack.stack_file import exclusive
from local_stack.up import summary


@pytest.fixture
def info(tmp_path: Path) -> StackInfo:
    info = StackInfo(
        api_url="http://127.0.0.1:1",
        wheels_url="https://localhost:2",
        ca_file=str(tmp_path / "ca.pem"),
        firestore_emulator_host="127.0.0.1:3",
        pubsub_emulator_host="127.0.0.1:4",
        kubeconfig=str(tmp_path / "kubeconfig"),
        project="local-hub",
        tasks_endpoint="127.0.0.1:5",
        issuer_url="http://127.0.0.1:6",
        logs_dir=str(tmp_path / "logs"),
        state_dir=str(tmp_path),
        pid=os.getpid(),
    )
    info.write()
    return info


def hub(info: StackInfo, *arguments: str) -> int:
    return main([*arguments, "--state-dir", info.state_dir])


def test_token_prints_the_bare_token_as_its_last_line(info: StackInfo, capsys: pytest.CaptureFixture[str]) -> None:
    assert hub(info, "token", "machine", "--org", "acme", "--lifetime", "60") == 0
    claims = jwt.decode(capsys.readouterr().out.splitlines()[-1], options={"verify_signature": False})
    assert claims["iss"] == "http://127.0.0.1:6/customer"
    assert claims["o"]["id"] == "org_acme"
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize("principal", ["console-user", "console-machine"])
def test_console_tokens_need_no_organization(
    info: StackInfo, capsys: pytest.CaptureFixture[str], principal: str
) -> None:
    assert hub(info, "token", principal) == 0
    claims = jwt.decode(capsys.readouterr().out.splitlines()[-1], options={"verify_signature": False})
    assert claims["iss"] == "http://127.0.0.1:6/console"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user",), "a user token needs --org SLUG"),
        (("user", "--org", "Acme Inc"), "'Acme Inc' is no organization slug"),
    ],
)
def test_token_says_what_is_wrong_in_one_line(
    info: StackInfo, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert hub(info, "token", *arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("hub: ")
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_wheels_add_prints_the_digest_and_then_the_url(
    info: StackInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "p-1.0.0-py3-none-any.whl"
    wheel.write_bytes(b"x")
    assert hub(info, "wheels", "add", str(wheel)) == 0
    *_, digest, url = capsys.readouterr().out.splitlines()
    assert digest == "sha256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert url == "https://localhost:2/p-1.0.0-py3-none-any.whl"


def test_the_summary_names_hub_as_the_shell_of_its_reader_finds_it(
    info: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(Path.cwd() / ".venv" / "bin" / "python"))
    assert "  .venv/bin/hub token machine --org acme" in summary(info, 1.0)
    monkeypatch.chdir(tmp_path)
    assert f"  {Path(sys.executable).parent}/hub wheels add" in summary(info, 1.0)
    (tmp_path / "hub").touch(mode=0o755)
    assert f"  {Path(sys.executable).parent}/hub wheels add" in summary(info, 1.0), "another program of that name"
    (tmp_path / "hub").unlink()
    (tmp_path / "hub").symlink_to(Path(sys.executable).with_name("hub"))
    assert "  hub token machine --org acme" in summary(info, 1.0)


def test_without_a_stack_the_commands_say_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "console-user", "--state-dir", str(tmp_path)]) == 1
    assert "start one with `make up`" in capsys.readouterr().err


def test_the_file_of_a_killed_stack_counts_as_no_stack(info: StackInfo) -> None:
    # The highest pid there can be is 2**22: this one has never run.
    replace(info, pid=2**22 + 1).write()
    with pytest.raises(NoStack, match="no stack serves"):
        StackInfo.read(Path(info.state_dir))


def test_a_stack_of_another_user_is_told_as_that(
    info: StackInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    assert hub(info, "token", "console-user") == 1
    assert "is another user's" in capsys.readouterr().err
    assert hub(info, "list") == 2
    assert "is another user's" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"api_url": "http://127.0.0.1:1"}', '{"new": 1}', "\xff"])
def test_a_file_that_this_release_cannot_read_is_told_as_that(
    info: StackInfo, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = stack_file(Path(info.state_dir))
    file.write_bytes(text.encode("latin-1"))
    assert hub(info, "token", "console-user") == 1
    told = capsys.readouterr().err
    assert f"hub: {file} is not as this release writes it" in told
    assert hub(info, "list") == 2
    assert f"{file} is not as this release writes it" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_is_told_as_that(info: StackInfo, capsys: pytest.CaptureFixture[str]) -> None:
    file = stack_file(Path(info.state_dir))
    file.unlink()
    file.mkdir()
    assert hub(info, "token", "console-user") == 1
    assert f"hub: cannot read {file}: Is a directory." in capsys.readouterr().err


def test_a_state_folder_belongs_to_one_stack_at_a_time(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        with pytest.raises(LocalError, match=r"a stack is running in .* already"), exclusive(tmp_path):
            pytest.fail("the folder was given to a second stack")
        stack_file(tmp_path).write_text("{}")
    assert not stack_file(tmp_path).exists()
    with exclusive(tmp_path):
        pass


@pytest.mark.parametrize(
    "arguments", [("--port", "65536"), ("--port", "-1"), ("--retry-min", "0"), ("--sweep-seconds", "nan")]
)
def test_up_refuses_numbers_that_make_no_sense(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", *arguments])
    assert ended.value.code == 2
    assert "is no" in capsys.readouterr().err


def test_up_says_when_the_kubeconfig_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none"
    state_dir = tmp_path / "state"
    assert main(["up", "--port", "0", "--state-dir", str(state_dir), "--kubeconfig", str(missing)]) == 1
    assert f"there is no kubeconfig at {missing}" in capsys.readouterr().err
