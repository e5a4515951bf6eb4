"""Sessions, codes and refresh tokens of the local issuer: each is good for what it is for, and once."""

from dataclasses import dataclass

import pytest

from local_stack.sign_in import CODE_SECONDS, Account, SignInRefused, SignIns, challenge_of

ACCOUNT = Account("acme", "admin")
VERIFIER = "v" * 43
PAGE = "http://127.0.0.1:8080/app/"


@dataclass
class Clock:
    now: float = 0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sign_ins(clock: Clock) -> SignIns:
    return SignIns(clock)


def code_of(sign_ins: SignIns) -> str:
    return sign_ins.code(sign_ins.open(ACCOUNT), challenge_of(VERIFIER), PAGE)


def test_the_challenge_is_the_one_of_rfc_7636() -> None:
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_is_exchanged_for_the_account_that_signed_in(sign_ins: SignIns) -> None:
    assert sign_ins.redeem(code_of(sign_ins), VERIFIER, PAGE).account == ACCOUNT


def test_a_code_is_good_once(sign_ins: SignIns) -> None:
    code = code_of(sign_ins)
    sign_ins.redeem(code, VERIFIER, PAGE)
    with pytest.raises(SignInRefused, match="unknown, used or too old"):
        sign_ins.redeem(code, VERIFIER, PAGE)


def test_a_code_is_too_old_after_a_minute(sign_ins: SignIns, clock: Clock) -> None:
    code = code_of(sign_ins)
    clock.now += CODE_SECONDS
    with pytest.raises(SignInRefused, match="too old"):
        sign_ins.redeem(code, VERIFIER, PAGE)


def test_a_stolen_code_is_worth_nothing_without_its_verifier_and_is_used_up(sign_ins: SignIns) -> None:
    code = code_of(sign_ins)
    with pytest.raises(SignInRefused, match="code_verifier"):
        sign_ins.redeem(code, "w" * 43, PAGE)
    with pytest.raises(SignInRefused, match="unknown"):
        sign_ins.redeem(code, VERIFIER, PAGE)


def test_a_code_is_for_the_page_that_it_was_asked_for(sign_ins: SignIns) -> None:
    with pytest.raises(SignInRefused):
        sign_ins.redeem(code_of(sign_ins), VERIFIER, "http://127.0.0.1:8081/app/")


def test_each_refresh_token_gives_the_next(sign_ins: SignIns) -> None:
    first = sign_ins.redeem(code_of(sign_ins), VERIFIER, PAGE)
    second = sign_ins.renew(first.refresh_token)
    assert second.account == ACCOUNT
    assert sign_ins.renew(second.refresh_token).account == ACCOUNT


def test_a_refresh_token_that_is_shown_twice_ends_its_session(sign_ins: SignIns) -> None:
    session = sign_ins.open(ACCOUNT)
    first = sign_ins.redeem(sign_ins.code(session, challenge_of(VERIFIER), PAGE), VERIFIER, PAGE)
    second = sign_ins.renew(first.refresh_token)
    with pytest.raises(SignInRefused):
        sign_ins.renew(first.refresh_token)
    assert not sign_ins.is_open(session)
    with pytest.raises(SignInRefused):
        sign_ins.renew(second.refresh_token)


def test_signing_out_ends_what_came_from_that_session_alone(sign_ins: SignIns) -> None:
    session = sign_ins.open(ACCOUNT)
    ended = sign_ins.redeem(sign_ins.code(session, challenge_of(VERIFIER), PAGE), VERIFIER, PAGE)
    other = sign_ins.redeem(code_of(sign_ins), VERIFIER, PAGE)
    waiting = sign_ins.code(session, challenge_of(VERIFIER), PAGE)
    sign_ins.close(session)
    for refused in (lambda: sign_ins.renew(ended.refresh_token), lambda: sign_ins.redeem(waiting, VERIFIER, PAGE)):
        with pytest.raises(SignInRefused):
            refused()
    assert sign_ins.renew(other.refresh_token).account == ACCOUNT
