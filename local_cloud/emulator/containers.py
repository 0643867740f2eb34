"""The ECS task: the image by Docker where there is one, else the container's command as a process, and it says so.

MiniStack's own stays green when an image is missing or a container fails.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

from ministack.services import ecs

from local_cloud.emulator.jobs import PYTHON, REPOSITORY, Job, Refused, account

_SECONDS = 7200.0
_REVISION = '{{index .Config.Labels "org.opencontainers.image.revision"}}'


def run_task(asked: dict[str, Any]) -> dict[str, Any]:
    """RunTask, and what DescribeTasks says in the end. Raises Refused."""
    cluster, family = asked["Cluster"].rsplit("/", 1)[-1], asked["TaskDefinition"].rsplit("/", 1)[-1]
    if cluster not in ecs._clusters:
        raise Refused("ClusterNotFoundException", f"The cluster {cluster} was not found")
    definition = _definition(family)
    override = asked["Overrides"]["ContainerOverrides"][0]
    container = next(c for c in definition["containerDefinitions"] if c["name"] == override["Name"])
    environment = {e["name"]: e["value"] for e in container.get("environment", [])}
    environment |= {e["Name"]: e["Value"] for e in override.get("Environment", [])}
    number = uuid.uuid4().hex
    job = Job(number, *_command(container["image"], override["Command"], environment), _SECONDS)
    job.run()
    ended = {"Name": container["name"], "ExitCode": job.exit_code, "Reason": job.error}
    return {"TaskArn": f"arn:aws:ecs:us-east-1:000000000000:task/{cluster}/{number}", "Containers": [ended],
            "LastStatus": "STOPPED", "StopCode": "EssentialContainerExited"}  # fmt: skip


def _definition(family: str) -> dict[str, Any]:
    for name, found in ecs._task_defs.items():
        if str(name) == family or str(name).rsplit(":", 1)[0] == family:
            return dict(found)
    raise Refused("ClientException", f"The task definition {family} was not found")


def _command(image: str, given: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    if why := _why_no_image(image):
        print(f"local cloud: {why}: the container's command runs as a process", flush=True)
        return [str(Path(PYTHON).with_name("lakehouse")), *given], account() | environment | {
            "LAKEHOUSE_ENGINE": "sail"
        }
    named = {k: v for k, v in (account() | environment).items() if k != "PYTHONPATH"}
    told = [part for name, value in named.items() for part in ("-e", f"{name}={value}")]
    limits = ["--network", "host", "--read-only", "--tmpfs", "/tmp", "--memory", "4g"]
    return ["docker", "run", "--rm", *limits, *told, image, *given], {}


def _why_no_image(image: str) -> str:
    """Why the image cannot stand for this checkout; empty when it can."""
    docker = shutil.which("docker")
    if docker is None:
        return "no Docker is here"
    found = subprocess.run([docker, "image", "inspect", "--format", _REVISION, image], capture_output=True, text=True)
    if found.returncode:
        return f"Docker has no image {image}"
    here = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    return "" if found.stdout.strip() == here.strip() else f"the image {image} is of another revision (make image)"
