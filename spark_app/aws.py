"""Clients of AWS: patient, and in a region even where none is named."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

DEFAULT_REGION = "us-east-1"
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=10, read_timeout=60)
"""A call that is throttled or gets no answer is made again, each time after a longer pause."""


def client(service: str) -> Any:
    """A client of a service, by the credentials and the region of the environment."""
    session = boto3.Session()
    return session.client(service, region_name=session.region_name or DEFAULT_REGION, config=PATIENT)
