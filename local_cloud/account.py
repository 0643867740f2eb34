"""The account that the local cloud has: any keys are good, and there is one region."""

from __future__ import annotations

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def environment(address: str) -> dict[str, str]:
    """What a process needs to reach the cloud at an address, whatever its own environment says."""
    endpoint = {"AWS_ENDPOINT_URL": address, "AWS_ENDPOINT": address}
    return endpoint | KEYS | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
