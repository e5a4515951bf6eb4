"""Terraform is told of the google provider what a configuration's words name, and of a named resource what it needs."""

from tests.rehearsal.provider import schema

WORDS = ("google_storage_bucket", "lifecycle_rule", "condition", "age", "website", "uniform_bucket_level_access", "url")


def test_what_a_word_names_is_told_at_every_depth() -> None:
    bucket = schema.google(WORDS).resources["google_storage_bucket"]
    assert {"lifecycle_rule", "website"} == set(bucket.blocks)
    assert "uniform_bucket_level_access" in bucket.attributes
    assert bucket.attributes["url"].only_computed
    assert set(bucket.blocks["lifecycle_rule"].blocks["condition"].attributes) == {"age"}


def test_what_no_word_names_is_left_out_unless_it_is_required() -> None:
    bucket = schema.google(WORDS).resources["google_storage_bucket"]
    assert set(bucket.attributes) == {"id", "location", "name", "uniform_bucket_level_access", "url"}
    assert "action" in bucket.blocks["lifecycle_rule"].blocks, "a rule without an action is refused"
    assert bucket.attributes["name"].required


def test_a_word_is_no_argument_of_a_resource_that_does_not_have_it() -> None:
    assert "age" not in schema.google(WORDS).resources["google_storage_bucket"].attributes


def test_a_type_that_no_word_names_is_left_out() -> None:
    assert set(schema.google(WORDS).resources) == {"google_storage_bucket"}
