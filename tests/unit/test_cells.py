"""Which cell a new organization is placed in: a pure rule that every process follows alike."""

from collections import Counter

import pytest
from tests.builders import ACME, wish

from provider_hub.adapters.firestore.encoding import adapter
from provider_hub.domain.cells import DEFAULT_CELL, choose_cell
from provider_hub.domain.installation import Installation
from provider_hub.domain.organizations import Organization

ORGANIZATIONS = [f"org_{number}" for number in range(4000)]


def test_the_only_cell_takes_everybody() -> None:
    assert {choose_cell(organization, {"default": 1}) for organization in ORGANIZATIONS} == {"default"}


def test_each_cell_gets_new_organizations_in_proportion_to_its_weight() -> None:
    placed = Counter(choose_cell(organization, {"a": 1, "b": 3, "c": 4}) for organization in ORGANIZATIONS)
    # Five standard deviations of a binomial draw are below 160 here.
    assert placed == {cell: pytest.approx(share, abs=160) for cell, share in {"a": 500, "b": 1500, "c": 2000}.items()}


def test_the_order_in_which_the_settings_name_the_cells_decides_nothing() -> None:
    for organization in ORGANIZATIONS[:200]:
        assert choose_cell(organization, {"a": 1, "b": 2}) == choose_cell(organization, {"b": 2, "a": 1})


def test_a_cell_without_weight_takes_nobody_and_the_others_get_alone_what_it_would_have_got() -> None:
    for organization in ORGANIZATIONS[:500]:
        before = choose_cell(organization, {"a": 1, "b": 1, "c": 1})
        after = choose_cell(organization, {"a": 1, "b": 0, "c": 1})
        assert before in (after, "b")
        assert after != "b"


def test_where_no_cell_is_open_the_refusal_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="give one a weight above 0"):
        choose_cell("org_1", {"a": 0, "b": 0})


def test_what_was_stored_before_there_were_cells_is_in_the_default_cell() -> None:
    organization = adapter(Organization).dump_python(ACME)
    row = adapter(Installation).dump_python(wish())
    for stored in (organization, row):
        del stored["cell"]
    assert adapter(Organization).validate_python(organization).cell == DEFAULT_CELL
    assert adapter(Installation).validate_python(row).cell == DEFAULT_CELL
