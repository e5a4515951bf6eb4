"""A person's role and a machine's scopes say what a token may do in its organization."""

import pytest

from provider_hub.domain.identity import Machine, OrganizationClaims, User
from provider_hub.domain.roles import Right, right_of_role, right_of_scopes


@pytest.mark.parametrize(
    ("role", "right"),
    [
        ("member", Right.READ),
        ("publisher", Right.PUBLISH),
        ("admin", Right.MANAGE),
        ("billing", Right.READ),
        ("", Right.READ),
        ("Admin", Right.READ),
        (None, Right.MANAGE),
    ],
)
def test_a_role_gives_a_right_and_an_unknown_one_reads(role: str | None, right: Right) -> None:
    assert right_of_role(role) is right
    assert User("user_1", organization=OrganizationClaims("org_1", "acme", role)).right is right


@pytest.mark.parametrize(
    ("scopes", "right"),
    [
        ((), Right.MANAGE),
        (("mch_2", "other:read"), Right.MANAGE),
        (("hub:read",), Right.READ),
        (("hub:publish",), Right.PUBLISH),
        (("hub:publish", "hub:read"), Right.PUBLISH),
        (("hub:read", "hub:manage"), Right.MANAGE),
        (("hub:everything",), Right.READ),
    ],
)
def test_the_widest_scope_counts_and_a_machine_without_ours_may_do_everything(
    scopes: tuple[str, ...], right: Right
) -> None:
    assert right_of_scopes(scopes) is right
    assert Machine("mch_1", OrganizationClaims("org_1", "acme", "member"), scopes).right is right


def test_each_right_includes_those_before_it() -> None:
    assert [[one.includes(other) for other in Right] for one in Right] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
