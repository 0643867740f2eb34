"""One connection to S3 a process, and the same settings for all who need them: boto3, deltalake, Arrow, the engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from spark_app.aws import DEFAULT_REGION, PATIENT
from spark_app.storage.s3_faults import refusals

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

_FOUND_BY_ALL = {"env", "iam-role", "container-role", "assume-role-with-web-identity"}
"""Ways to credentials (botocore's words) that the engines, deltalake and Arrow know too."""
_PATH_STYLE = Config(s3={"addressing_style": "path"})
"""An emulator has no host name for each bucket."""


@dataclass(frozen=True)
class Connection:
    """A client, and what it was made from."""

    client: Any
    region: str
    endpoint: str  # empty: Amazon's own
    credentials: Any

    def options(self) -> Mapping[str, str]:
        """What `deltalake`, and a process in its environment, must find to reach the same storage."""
        found = {
            "AWS_REGION": self.region,
            **self._keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        }
        if self.endpoint:
            found |= {
                "AWS_ENDPOINT": self.endpoint,
                "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_ALLOW_HTTP": str(self.endpoint.startswith("http://")).lower(),
                "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
            }
        return found

    def _keys(self, *names: str) -> dict[str, str]:
        """The credentials under these names; none of those that everyone finds, and renews, by itself."""
        if self.credentials.method in _FOUND_BY_ALL:
            return {}
        keys = self.credentials.get_frozen_credentials()
        given = zip(names, (keys.access_key, keys.secret_key, keys.token), strict=True)
        return {name: value for name, value in given if value}

    def arrow(self) -> S3FileSystem:
        """Arrow's file system of this storage."""
        from pyarrow.fs import S3FileSystem

        address = urlsplit(self.endpoint)
        given = {"endpoint_override": address.netloc, "scheme": address.scheme} if self.endpoint else {}
        return S3FileSystem(region=self.region, **self._keys("access_key", "secret_key", "session_token"), **given)


@cache
def connection() -> Connection:
    """The process's connection. Raises StorageDenied when there are no credentials."""
    with refusals("find credentials", "AWS"):
        session = boto3.Session()
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        region = session.region_name or DEFAULT_REGION
        client = session.client("s3", region_name=region, config=PATIENT)
        endpoint = client.meta.endpoint_url
        if endpoint.endswith(".amazonaws.com"):
            return Connection(client, region, "", credentials)
        client = session.client("s3", region_name=region, config=PATIENT.merge(_PATH_STYLE))
        return Connection(client, region, endpoint, credentials)
