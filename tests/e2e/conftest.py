"""Docker's engine, the S3 server's container, and what a lake must be in the end."""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # its reaper is an image of its own

from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

import docker
from tests import s3_server
from tests.e2e.targets import TARGETS

BASE = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")


@pytest.fixture(scope="session")
def engine_of_docker() -> docker.DockerClient:
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        pytest.skip(f"no Docker engine answers: {type(error).__name__}")
    return client


@pytest.fixture(scope="session")
def images(engine_of_docker: docker.DockerClient) -> None:
    """The images are here. They are made by `make e2e`; a missing one is a failure, not a reason to skip."""
    for target in TARGETS:
        engine_of_docker.images.get(target.image)


@pytest.fixture(scope="session")
def network(engine_of_docker: docker.DockerClient) -> Iterator[Network]:
    with Network() as made:
        yield made


@dataclass(frozen=True)
class Storage:
    """The S3 server: its address for containers, and a client for whoever is outside."""

    inside: dict[str, str]
    client: Any


@pytest.fixture(scope="session")
def storage(
    engine_of_docker: docker.DockerClient, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Storage]:
    context = tmp_path_factory.mktemp("s3-image")
    shutil.copy(Path(__file__).parent / "s3" / "Dockerfile", context)
    shutil.copy(Path(sysconfig.get_path("scripts")) / "weed", context / "weed")
    key, secret = s3_server.OWNER
    owner = {"name": "owner", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}
    (context / "s3.json").write_text(json.dumps({"identities": [owner]}))
    engine_of_docker.images.build(path=str(context), tag="lakehouse-s3:local", buildargs={"BASE_IMAGE": BASE}, rm=True)
    # On the port that this process was told of when the server of the other tests was chosen.
    server = DockerContainer("lakehouse-s3:local").with_network(network).with_network_aliases("s3")
    with server.with_bind_ports(8333, s3_server.PORT):
        s3_server.await_ready(lambda: True, lambda: str(server.get_logs()))
        inside = s3_server.ENVIRONMENT | {"AWS_ENDPOINT_URL": "http://s3:8333", "AWS_ENDPOINT": "http://s3:8333"}
        yield Storage(inside, s3_server.client())
