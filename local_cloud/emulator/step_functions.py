"""Integrations that MiniStack lacks: Glue, EMR Serverless, ECS, Athena with `.sync`; GetObject, and SNS attributes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ministack.services import s3, stepfunctions

from local_cloud.emulator import containers, emr_serverless
from local_cloud.emulator.jobs import Refused

_STEP = 0.3
Data = dict[str, Any]


_publish = stepfunctions._invoke_sns_publish


def install() -> None:
    stepfunctions._SERVICE_DISPATCH |= {
        "arn:aws:states:::glue:startJobRun": _glue,
        "arn:aws:states:::emr-serverless:startJobRun": _emr,
        "arn:aws:states:::ecs:runTask": _ecs,
        "arn:aws:states:::athena:startQueryExecution": _athena,
        "arn:aws:states:::aws-sdk:s3:getObject": _object,
        "arn:aws:states:::sns:publish": _tell,
        "arn:aws:states:::athena:getQueryResults": lambda _resource, data: _sdk("athena", "getQueryResults", data),
    }


def _sdk(service: str, action: str, data: Data) -> Data:
    resource = f"arn:aws:states:::aws-sdk:{service}:{action}"
    found: Data = stepfunctions._invoke_aws_sdk_integration(resource, data)
    return found


def _object(_resource: str, data: Data) -> Data:
    body = s3._get_object_data(data["Bucket"], data["Key"])
    if body is None:
        raise stepfunctions._ExecutionError("S3.NoSuchKeyException", "The specified key does not exist.")
    return {"Body": bytes(body).decode(), "ContentLength": len(body)}


def _tell(resource: str, data: Data) -> Data:
    """Attributes as SNS itself is asked for them: MiniStack's loses them on this way."""
    asked = dict(data)
    for number, (name, value) in enumerate(asked.pop("MessageAttributes", {}).items(), start=1):
        entry = f"MessageAttributes.entry.{number}"
        asked |= {f"{entry}.Name": name} | {f"{entry}.Value.{key}": text for key, text in value.items()}
    answer: Data = _publish(resource, asked)
    return answer


@contextmanager
def _refusals(service: str) -> Iterator[None]:
    """A service's refusals under the names that Step Functions gives them."""
    try:
        yield
    except Refused as refused:
        name, message = refused.args
        raise stepfunctions._ExecutionError(f"{service}.{name}", message) from refused


def _await(look: Callable[[], Data], state: Callable[[Data], str], good: set[str], bad: set[str]) -> Data:
    while True:
        found = look()
        if state(found) in good:
            return found
        if state(found) in bad:
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(found, default=str))
        time.sleep(_STEP)


def _glue(resource: str, data: Data) -> Data:
    job = data["JobName"]
    going = _sdk("glue", "getJobRuns", {"JobName": job}).get("JobRuns", [])
    if any(run["JobRunState"] in ("STARTING", "RUNNING") for run in going):
        raise stepfunctions._ExecutionError("Glue.ConcurrentRunsExceededException", f"{job} is running")
    started = _sdk("glue", "startJobRun", data)
    if not resource.endswith(".sync"):
        return started
    run = {"JobName": job, "RunId": started["JobRunId"]}
    return _await(
        lambda: dict(_sdk("glue", "getJobRun", run)["JobRun"]),
        lambda found: str(found["JobRunState"]),
        {"SUCCEEDED"},
        {"FAILED", "STOPPED", "TIMEOUT", "ERROR"},
    )


def _emr(resource: str, data: Data) -> Data:
    with _refusals("EMRServerless"):
        started = emr_serverless.start_job_run(data["ApplicationId"], _camel(data))
    if not resource.endswith(".sync"):
        return dict(_pascal(started))
    return _await(
        lambda: dict(_pascal(emr_serverless.view(started["jobRunId"]))),
        lambda found: str(found["State"]),
        {"SUCCESS"},
        {"FAILED", "CANCELLED"},
    )


def _ecs(_resource: str, data: Data) -> Data:
    with _refusals("ECS"):
        ended = containers.run_task(data)
    if any(container["ExitCode"] for container in ended["Containers"]):
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(ended))
    return ended


def _athena(resource: str, data: Data) -> Data:
    started = _sdk("athena", "startQueryExecution", data)
    if not resource.endswith(".sync"):
        return started
    return _await(
        lambda: _sdk("athena", "getQueryExecution", started),
        lambda found: str(found["QueryExecution"]["Status"]["State"]),
        {"SUCCEEDED"},
        {"FAILED", "CANCELLED"},
    )


def _camel(value: Any) -> Any:
    return _renamed(value, str.lower)


def _pascal(value: Any) -> Any:
    return _renamed(value, str.upper)


def _renamed(value: Any, first: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {first(name[:1]) + name[1:]: _renamed(item, first) for name, item in value.items()}
    return [_renamed(item, first) for item in value] if isinstance(value, list) else value
