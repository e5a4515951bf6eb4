"""Terraform providers that plan and apply offline, made from the real providers' schemas.

`serving()` starts them and gives the environment that makes `terraform` use them instead of downloads.
"""

from tests.rehearsal.provider.server import serving

__all__ = ["serving"]
