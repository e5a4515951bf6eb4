"""Settings: read once from the environment, typed, and refused by the name of the variable."""

import pytest

from provider_hub.domain.records import Queue, Topic
from provider_hub.settings.everything import (
    AllSettings,
    CheckIns,
    Cluster,
    Core,
    Identity,
    Limits,
    SettingsError,
    Tasks,
    variable_name,
)

QUEUE_URLS = ", ".join(f"{queue}=https://{queue}.example" for queue in Queue)


def test_variables_become_typed_fields() -> None:
    read = Identity.from_environment({"HUB_CUSTOMER_AUDIENCES": "a, b,,", "OTHER": "x"})
    assert read.customer_audiences == ("a", "b")
    assert Limits.from_environment({"HUB_INSTALLATION_QUOTA": "7"}).installation_quota == 7


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Limits.from_environment({"HUB_INSTALLATION_QUOTA": ""}).installation_quota == 100


def test_a_group_that_is_not_named_is_not_read() -> None:
    class Needs(Core, Tasks): ...

    given = {"GOOGLE_CLOUD_PROJECT": "p", "HUB_QUEUE_URLS": QUEUE_URLS}
    read = Needs.from_environment({**given, "HUB_CHECK_IN_KEYS": ",", "HUB_WAVE_FAILURES_PERCENT": "many"})
    assert (read.project, read.queue_urls["deadlines"]) == ("p", "https://deadlines.example")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "GOOGLE_CLOUD_PROJECT"),
        ({"GOOGLE_CLOUD_PROJECT": "p", "HUB_INSTALLATION_QUOTA": "s3cret"}, "HUB_INSTALLATION_QUOTA"),
        ({"GOOGLE_CLOUD_PROJECT": "p", "HUB_DEPLOY_DEADLINE_SECONDS": "0"}, "HUB_DEPLOY_DEADLINE_SECONDS"),
    ],
)
def test_what_is_missing_or_wrong_is_named_by_its_variable_and_never_its_value(
    variables: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        Core.from_environment(variables)
    assert "s3cret" not in str(refusal.value)


def test_every_required_setting_that_is_not_set_is_named_with_what_it_is() -> None:
    with pytest.raises(SettingsError) as refusal:
        Tasks.from_environment({"HUB_QUEUE_URLS": ""})
    assert "HUB_QUEUE_URLS is not set: URLs of the functions that the queues' tasks go to" in str(refusal.value)
    assert "GOOGLE_CLOUD_PROJECT is not set" in str(refusal.value)


@pytest.mark.parametrize(
    ("urls", "refused_for"),
    [
        (QUEUE_URLS.replace("upgrades", "others"), "HUB_QUEUE_URLS has no URL for upgrades"),
        (f"{QUEUE_URLS},upgrades", "HUB_QUEUE_URLS: Value error, is not key=value, separated by commas"),
    ],
)
def test_every_queue_must_be_served(urls: str, refused_for: str) -> None:
    with pytest.raises(SettingsError, match=refused_for):
        Tasks.from_environment({"GOOGLE_CLOUD_PROJECT": "p", "HUB_QUEUE_URLS": urls})


def test_a_queue_and_a_topic_are_called_as_the_deployment_says_else_by_their_roles() -> None:
    given = {"GOOGLE_CLOUD_PROJECT": "p", "HUB_QUEUE_URLS": QUEUE_URLS}
    tasks = Tasks.from_environment({**given, "HUB_QUEUES": "upgrades=hub-upgrades-2"})
    names = tasks.queue_name(Queue.DEADLINES), tasks.queue_name(Queue.UPGRADES)
    assert names == ("deadlines", "hub-upgrades-2")
    core = Core.from_environment({**given, "HUB_TOPIC_PREFIX": "hub-"})
    assert core.topic_names[Topic.CHECK_INS] == "hub-runtime-check-ins"
    assert Core.from_environment(given).topic_names[Topic.CHECK_INS] == "runtime-check-ins"


def test_a_function_that_calls_the_cluster_needs_one_of_its_two_names() -> None:
    with pytest.raises(SettingsError, match="set HUB_CLUSTER_ENDPOINT or HUB_KUBECONFIG"):
        Cluster.from_environment({})
    assert Cluster.from_environment({"HUB_KUBECONFIG": "/k"}).kubeconfig == "/k"


CELLS = {"HUB_CLUSTER_ENDPOINT": "https://one", "HUB_CELLS": "b=https://two, c=/kubeconfig"}


def test_a_hub_without_cells_has_one_that_takes_everybody() -> None:
    read = Cluster.from_environment({"HUB_KUBECONFIG": "/k"})
    assert (read.clusters_by_cell, read.weights_by_cell) == ({"default": "/k"}, {"default": 1.0})


def test_further_cells_stand_beside_the_cluster_that_was_there_first() -> None:
    read = Cluster.from_environment({**CELLS, "HUB_CELL_WEIGHTS": "default=0,c=2.5"})
    assert read.clusters_by_cell == {"default": "https://one", "b": "https://two", "c": "/kubeconfig"}
    assert read.weights_by_cell == {"default": 0.0, "b": 1.0, "c": 2.5}


@pytest.mark.parametrize(
    ("variables", "refused_for"),
    [
        ({"HUB_CELLS": "default=https://two"}, "HUB_CELLS has the cell 'default'"),
        ({"HUB_CELLS": "B=https://two"}, "HUB_CELLS has the cell 'B': take up to 30 lower-case letters"),
        ({"HUB_CELLS": "b=https://one"}, "HUB_CELLS gives one cluster to two cells"),
        ({"HUB_CELL_WEIGHTS": "d=1"}, "HUB_CELL_WEIGHTS has 'd', which is no cell: default, b, c are"),
        ({"HUB_CELL_WEIGHTS": "b=many"}, "HUB_CELL_WEIGHTS has a weight that is no number from 0 on"),
        ({"HUB_CELL_WEIGHTS": "b=-1"}, "HUB_CELL_WEIGHTS has a weight that is no number from 0 on"),
        ({"HUB_CELL_WEIGHTS": "default=0,b=0,c=0.0"}, "HUB_CELL_WEIGHTS closes every cell"),
    ],
)
def test_cells_that_would_mix_up_clusters_are_refused_at_the_start(variables: dict[str, str], refused_for: str) -> None:
    with pytest.raises(SettingsError, match=refused_for):
        Cluster.from_environment({**CELLS, **variables})


@pytest.mark.parametrize("realm", ["customer", "console"])
def test_half_a_realm_is_refused(realm: str) -> None:
    with pytest.raises(SettingsError, match=f"set HUB_{realm.upper()}_JWKS_URL too"):
        Identity.from_environment({f"HUB_{realm.upper()}_ISSUER": "https://issuer.example"})


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(CheckIns.from_environment({"HUB_CHECK_IN_KEYS": "hunter2"}))


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in AllSettings.model_fields.values())
    assert variable_name("check_in_keys") == "HUB_CHECK_IN_KEYS"


@pytest.mark.parametrize(("given", "keys"), [("one", (b"one",)), ("new, old", (b"new", b"old"))])
def test_the_check_in_keys_are_told_apart_by_commas(given: str, keys: tuple[bytes, ...]) -> None:
    assert CheckIns.from_environment({"HUB_CHECK_IN_KEYS": given}).signing_keys == keys


@pytest.mark.parametrize("given", ["", " ", "new,", ",old", "a,,b"])
def test_an_empty_check_in_key_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="HUB_CHECK_IN_KEYS") as refusal:
        CheckIns.from_environment({"HUB_CHECK_IN_KEYS": given})
    assert "old" not in str(refusal.value)
