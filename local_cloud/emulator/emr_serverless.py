"""EMR Serverless, which MiniStack lacks: applications, job runs by spark-submit, and the stack's resource type."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import types
import uuid
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from local_cloud.emulator.jobs import REPOSITORY, Job, Refused, spark_environment, spark_submit

_STATES = {
    "RUNNING": "RUNNING",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "FAILED",
    "TIMEOUT": "FAILED",
    "STOPPED": "CANCELLED",
}
_DRIVER, _IN_IMAGE = "spark.emr-serverless.driverEnv.", "local:///opt/lakehouse/"
_PATH = re.compile(r"^/applications(?:/(?P<application>[^/]+))?(?:/(?P<part>jobruns))?(?:/(?P<run>[^/]+))?$")

applications: dict[str, dict[str, Any]] = {}
runs: dict[str, dict[str, Any]] = {}
JOBS: dict[str, Job] = {}


def install() -> None:
    module = types.ModuleType("ministack.services.emr_serverless")
    vars(module).update(
        handle_request=_handle,
        reset=lambda: (applications.clear(), runs.clear()),
        get_state=dict,
        load_persisted_state=lambda _: None,
    )
    sys.modules[module.__name__] = module
    app._loaded_modules["emr_serverless"] = module
    app.SERVICE_REGISTRY["emr-serverless"] = {"module": "emr_serverless"}
    app.SERVICE_HANDLERS["emr-serverless"] = _handle
    provisioners._RESOURCE_HANDLERS["AWS::EMRServerless::Application"] = {
        "create": _provision, "delete": lambda physical, _properties: applications.pop(physical, None),
    }  # fmt: skip


def _provision(_logical: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
    made = create_application(properties["Name"], properties["ReleaseLabel"])
    return made["applicationId"], {"ApplicationId": made["applicationId"], "Arn": made["arn"]}


def create_application(name: str, release: str) -> dict[str, Any]:
    number = f"00{uuid.uuid4().hex[:14]}"
    arn = f"arn:aws:emr-serverless:{get_region()}:{get_account_id()}:/applications/{number}"
    applications[number] = {
        "applicationId": number, "name": name, "arn": arn, "releaseLabel": release, "type": "SPARK",
        "state": "CREATED", "createdAt": time.time(), "updatedAt": time.time(),
    }  # fmt: skip
    return applications[number]


def start_job_run(application: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The same token is the same run. Raises Refused."""
    if application not in applications:
        raise Refused("ResourceNotFoundException", f"Application {application} does not exist")
    for run in runs.values():
        if run["clientToken"] == asked.get("clientToken"):
            return run
    number = f"00{uuid.uuid4().hex[:14]}"
    runs[number] = {
        "applicationId": application, "jobRunId": number, "arn": f"{applications[application]['arn']}/jobruns/{number}",
        "name": asked.get("name"), "clientToken": asked.get("clientToken"), "createdAt": time.time(),
    }  # fmt: skip
    JOBS[number] = _job(number, asked)
    threading.Thread(target=JOBS[number].run, daemon=True).start()
    return runs[number]


def _job(number: str, asked: dict[str, Any]) -> Job:
    submit = asked["jobDriver"]["sparkSubmit"]
    told = dict(re.findall(r"--conf\s+([^=\s]+)=(\S+)", submit.get("sparkSubmitParameters", "")))
    driver = {name.removeprefix(_DRIVER) for name in told if name.startswith(_DRIVER)}
    if {"PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"} - driver or "spark.master" in told:
        raise Refused("ValidationException", "Python is named for the driver, and spark.master is not")
    settings = {n: v for n, v in told.items() if not n.startswith(_DRIVER) and "PYTHON" not in n}
    script = submit["entryPoint"].replace(_IN_IMAGE, f"{REPOSITORY / 'emr'}/")
    command = spark_submit(settings, script, submit.get("entryPointArguments") or [])
    return Job(number, command, spark_environment(), asked.get("executionTimeoutMinutes", 120) * 60.0)


def view(number: str) -> dict[str, Any]:
    job = JOBS[number]
    return {
        **runs[number],
        "state": _STATES[job.state],
        "stateDetails": job.error,
        "updatedAt": job.ended or time.time(),
    }


async def _handle(method: str, path: str, _headers: Any, body: bytes, _query: Any) -> tuple[int, dict[str, str], bytes]:
    asked, found = json.loads(body) if body else {}, _PATH.match(path)
    try:
        answer = _answer(method, found.groupdict() if found else {}, asked)
    except Refused as refused:
        name, message = refused.args
        return (
            400,
            {"Content-Type": "application/json", "x-amzn-errortype": name},
            json.dumps({"message": message}).encode(),
        )
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _answer(method: str, at: dict[str, str | None], asked: dict[str, Any]) -> dict[str, Any]:
    application, run = at.get("application"), at.get("run")
    if run:
        if method == "DELETE":
            JOBS[run].stop()
        return {"jobRun": view(run)} if method == "GET" else {"applicationId": application, "jobRunId": run}
    if at.get("part"):
        started = method == "POST"
        return start_job_run(str(application), asked) if started else {"jobRuns": [view(number) for number in runs]}
    if method == "DELETE":
        applications.pop(str(application), None)
        return {}
    if application:
        return {"application": applications[application]}
    if method == "POST":
        return create_application(asked["name"], asked["releaseLabel"])
    return {"applications": [{**found, "id": number} for number, found in applications.items()]}
