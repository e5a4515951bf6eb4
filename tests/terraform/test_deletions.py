"""What others refer to is deleted only once they have let go of it."""

import pytest
from terraform.tools.configuration import TERRAFORM, Block, read

# Google deletes none of these while something refers to it. Terraform deletes what is gone from the configuration
# *before* it changes what referred to it, except for a resource that is created before it is destroyed.
KEPT_WHILE_USED = frozenset(
    {
        "google_certificate_manager_certificate",
        "google_certificate_manager_certificate_map",
        "google_certificate_manager_dns_authorization",
        "google_compute_address",
        "google_compute_backend_bucket",
        "google_compute_backend_service",
        "google_compute_global_address",
        "google_compute_network",
        "google_compute_region_network_endpoint_group",
        "google_compute_router",
        "google_compute_security_policy",
        "google_compute_ssl_policy",
        "google_compute_subnetwork",
        "google_compute_url_map",
        "google_monitoring_notification_channel",
        "google_monitoring_uptime_check_config",
    }
)
# One of a kind, and replaced when a variable changes. Others without `count` and `for_each` go with all that refers to
# them.
REPLACED = {"google_monitoring_uptime_check_config.api"}
# What is deleted together with whatever refers to it, and why.
GOES_ALONG = {
    "google_certificate_manager_dns_authorization.gateway": "the certificate of the same host goes first",
    "google_compute_region_network_endpoint_group.function": "the backend service of the same function goes first",
    "google_compute_backend_service.function": "no variable takes a function away from the URL map: the map goes first",
}


def removable() -> list[Block]:
    modules = (read(folder) for folder in sorted((TERRAFORM / "modules").iterdir()))
    kept = (block for module in modules for block in module.of("resource") if block.type in KEPT_WHILE_USED)
    return [block for block in kept if block.address in REPLACED or block.sets("count") or block.sets("for_each")]


@pytest.mark.parametrize("block", removable(), ids=lambda block: block.address)
def test_what_others_refer_to_is_deleted_after_they_let_go_of_it(block: Block) -> None:
    (lifecycle,) = block.body.get("lifecycle", [{}])
    assert lifecycle.get("create_before_destroy") is True or block.address in GOES_ALONG


def test_each_exception_is_declared_and_is_none_of_the_rule() -> None:
    without = {block.address for block in removable() if "create_before_destroy" not in block.text}
    assert set(GOES_ALONG) == without
    assert {block.address for block in removable()} >= REPLACED
