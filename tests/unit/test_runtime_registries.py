"""Whoever may register runtime versions takes their images from where the operator says, by their digest."""

import pytest

from provider_hub.actions.runtimes import check_registry
from provider_hub.domain.errors import Invalid

OURS = ("europe-docker.pkg.dev/hub/runtime/",)
DIGEST = "sha256:" + "a" * 64


def test_an_image_of_an_allowed_registry_is_taken_by_its_digest() -> None:
    check_registry(f"{OURS[0]}pragma@{DIGEST}", OURS)
    check_registry(f"{OURS[0]}pragma:3.2.0@{DIGEST}", OURS)
    check_registry("anything:latest", ())


@pytest.mark.parametrize(
    "image",
    [
        f"evil.example/x@{DIGEST}",
        f"europe-docker.pkg.dev/hub/runtime-of-eve/x@{DIGEST}",
        f"europe-docker.pkg.dev/hub/runtime/../../eve/x@{DIGEST}",
        f"europe-docker.pkg.dev@evil.example/hub/runtime/x@{DIGEST}",
    ],
)
def test_an_image_of_another_registry_is_refused(image: str) -> None:
    with pytest.raises(Invalid, match="alone: push it there first"):
        check_registry(image, OURS)


@pytest.mark.parametrize("name", ["x", "x:latest", "x@", "x@sha256:abc", f"x@{DIGEST}0", f"x@{DIGEST}@{DIGEST}"])
def test_an_image_without_a_digest_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="by its digest"):
        check_registry(OURS[0] + name, OURS)
