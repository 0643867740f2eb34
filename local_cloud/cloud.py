"""The emulator as seen from outside: started, deployed to, asked, and ended with all that it started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3

from deploy.artifacts import ROOT, code, everything, upload
from deploy.lambdas import build
from deploy.stack import carry_out, plan
from local_cloud.account import KEYS, REGION, environment
from spark_app import __version__

ARTIFACTS, RAW, PROCESSED = "lakehouse-artifacts", "lakehouse-raw", "lakehouse-processed"
_STARTS_WITHIN = 60
_WAIT_SCALE = "0.05"
"""Waits of the state machine, and pauses between its retries, pass twenty times as fast."""


class CloudError(Exception):
    """The local cloud did not do what it should; the message says what, and where to look."""


@dataclass
class Cloud:
    """A local cloud that runs. `home` keeps its logs, and the number of its process."""

    home: Path
    port: int
    outputs: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, home: Path, python: str, port: int = 0) -> Cloud:
        """Starts the emulator in a session of its own, on any port when none is named. Raises CloudError."""
        if (home / "cloud.json").is_file():
            raise CloudError(f"a local cloud runs already, or was not ended: make cloud-down ({home})")
        home.mkdir(parents=True, exist_ok=True)
        cloud = cls(home, port or free_port())
        with (home / "emulator.log").open("wb") as log:
            cloud._process = process = subprocess.Popen(
                [python, "-m", "local_cloud.emulator"], cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | cloud._environment(),
            )  # fmt: skip
        (home / "cloud.json").write_text(json.dumps({"pid": process.pid, "port": cloud.port}))
        cloud._await_ready(process)
        return cloud

    @classmethod
    def found(cls, home: Path) -> Cloud:
        """The one that was started there. Raises CloudError."""
        if not (home / "cloud.json").is_file():
            raise CloudError(f"no local cloud runs in {home}: make cloud")
        return cls(home, json.loads((home / "cloud.json").read_text())["port"])

    def stop(self) -> None:
        """Ends the emulator, its functions and its jobs, and removes what it kept."""
        for pid in (json.loads((self.home / "cloud.json").read_text())["pid"], *self._pids_of_jobs()):
            _end(pid)
        if self._process:
            self._process.wait()
        shutil.rmtree(self.home)

    def _pids_of_jobs(self) -> list[int]:
        return [int(file.read_text()) for file in (self.home / "jobs").glob("*/pid")]

    def _environment(self) -> dict[str, str]:
        return self.environment() | {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "LAMBDA_EXECUTOR": "local",
            "SFN_WAIT_SCALE": _WAIT_SCALE,
            "LOCAL_CLOUD_HOME": str(self.home),
            "LOCAL_CLOUD_PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.home),
        }

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until and process.poll() is None:
            try:
                with urlopen(f"{self.address}/_ministack/health", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.2)
        raise CloudError(f"the emulator did not start: {(self.home / 'emulator.log').read_text()[-2000:]}")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def step_functions(self) -> Any:
        return self.client("stepfunctions")

    def deploy(self, parameters: Mapping[str, str], dist: Path | None = None) -> None:
        """template.yaml itself, with every target; `dist`: where the functions are built already.

        Raises deploy.stack.DeploymentFailed.
        """
        if dist is None:
            build(dist := self.home / "dist")
        if not any(bucket["Name"] == ARTIFACTS for bucket in self.s3.list_buckets()["Buckets"]):
            self.s3.create_bucket(Bucket=ARTIFACTS)
        keys, artifacts = everything(code(dist, with_packages=False))
        list(upload(self.s3, ARTIFACTS, artifacts))
        chosen = keys | {
            "ArtifactsBucket": ARTIFACTS,
            "RawBucketName": RAW,
            "ProcessedBucketName": PROCESSED,
            "Targets": "glue,emr,container",
            "SmallTarget": "container",
            "LargeBytes": "50000000",
            "EmrImage": "lakehouse-emr:local",
            "ContainerImage": f"lakehouse:{__version__}",
            "Subnets": "subnet-00000000",
        }
        client = self.client("cloudformation")
        self.outputs = carry_out(client, plan(client, "lakehouse", ROOT / "template.yaml", chosen | dict(parameters)))

    def environment(self) -> dict[str, str]:
        """What a command of this machine needs to reach it."""
        return environment(self.address)


def _end(pid: int) -> None:
    """A session and all in it: at first asked, then without asking."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
