"""A place by its address."""

from __future__ import annotations

from pathlib import Path

from spark_app.storage.local import LocalPlace
from spark_app.storage.place import Place

_S3 = "s3://"


def place_at(address: str | Path) -> Place:
    """The place of a path, or of `s3://bucket/key`."""
    if isinstance(address, str) and address.startswith(_S3):
        from spark_app.storage.s3 import S3Place  # boto3 is for S3 only

        return S3Place.of(address)
    return LocalPlace(Path(address).absolute())
