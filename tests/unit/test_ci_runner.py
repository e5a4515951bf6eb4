"""The runner that this machine plays: what a job is given, and what it gives to nobody else."""

import os
from pathlib import Path

import jwt
import pytest

from hub_cli.stack_file import StackInfo
from local_stack import ci_runner
from local_stack.ci_runner import CiRun, job_variables, run_job
from local_stack.errors import LocalError
from local_stack.issuer import Realm, TokenIssuer


def issuer(folder: Path) -> TokenIssuer:
    return TokenIssuer("http://127.0.0.1:1", folder / "keys")


def test_a_request_token_says_which_run_it_is_of_and_a_forged_one_is_worth_nothing(tmp_path: Path) -> None:
    given = job_variables(issuer(tmp_path), CiRun("acme/weather", environment="release"))
    token, secret = given["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], ci_runner._secret(issuer(tmp_path))
    claims = ci_runner._claims_of(secret, token)
    assert claims
    assert (claims["repository"], claims["environment"]) == ("acme/weather", "release")
    other = job_variables(issuer(tmp_path / "other"), CiRun("acme/weather"))["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    body, _, signature = token.partition(".")
    for forged in (other, f"{body}x.{signature}", f"{body}.", "", "."):
        assert ci_runner._claims_of(secret, forged) is None


def test_a_token_of_a_run_is_signed_by_its_platform_for_five_minutes_and_each_is_another(tmp_path: Path) -> None:
    made = issuer(tmp_path)
    tokens = [
        made.ci_token(CiRun("acme/weather").claims(), "hub", platform) for platform in (Realm.GITHUB, Realm.GITLAB)
    ]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert [one["iss"] for one in claims] == ["http://127.0.0.1:1/github", "http://127.0.0.1:1/gitlab"]
    assert {one["exp"] - one["iat"] for one in claims} == {300}
    assert claims[0]["jti"] != claims[1]["jti"]
    assert made.jwks(Realm.GITHUB) != made.jwks(Realm.GITLAB)


def test_a_job_has_no_token_of_the_hubs_and_ends_as_its_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = StackInfo("http://127.0.0.1:2", "", "/ca.pem", "", "", "", "p", "", "", "", str(tmp_path), os.getpid())
    monkeypatch.setenv("HUB_TOKEN", "a stored one")
    looks = 'test -z "$HUB_TOKEN" && test "$HUB_API_URL$HUB_CA_FILE" = http://127.0.0.1:2/ca.pem && exit 7'
    assert run_job(issuer(tmp_path), CiRun("acme/weather"), info, ["sh", "-c", looks]) == 7
    monkeypatch.setenv("no_proxy", "intern.example")
    unproxied = 'test "$NO_PROXY,$no_proxy" = intern.example,localhost,127.0.0.1,intern.example,localhost,127.0.0.1'
    assert run_job(issuer(tmp_path), CiRun("acme/weather"), info, ["sh", "-c", unproxied]) == 0
    with pytest.raises(LocalError, match="cannot run no-such-command"):
        run_job(issuer(tmp_path), CiRun("acme/weather"), info, ["no-such-command"])
