"""The Glue job as code: prints the request of CreateJob, where template.yaml is not used.

`aws glue create-job --cli-input-json "$(python glue/job.py --bucket B --role ARN --script S3 --wheelhouse S3)"`.
A run's own arguments (`--run-id`, `--run-mode`, …) come with StartJobRun.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spark_app.engine.classic import DELTA_SESSION

WORKERS = {"type": "G.1X", "number": 2}


@dataclass(frozen=True)
class Artifacts:
    """Where on S3 glue/lakehouse_job.py and the zip of `make wheelhouse` lie."""

    script: str
    wheelhouse: str


def definition(
    bucket: str, role: str, region: str, artifacts: Artifacts, glue: str = "6.0", name: str = "lakehouse"
) -> dict[str, Any]:
    """The request of CreateJob."""
    return {
        "Name": name,
        "Role": role,
        "GlueVersion": glue,  # pinned: the service's default moves
        "Command": {
            "Name": "glueetl",
            "PythonVersion": "3",
            "ScriptLocation": artifacts.script,
        },
        "DefaultArguments": arguments(bucket, region, artifacts.wheelhouse),
        "ExecutionProperty": {
            "MaxConcurrentRuns": 1
        },  # Glue 5.1's S3A may not put if absent, so nothing else may write
        "MaxRetries": 0,  # the state machine retries, and knows what may be retried
        "Timeout": 120,
        "WorkerType": WORKERS["type"],
        "NumberOfWorkers": WORKERS["number"],
        "ExecutionClass": "STANDARD",
        "JobRunQueuingEnabled": False,
    }


def arguments(bucket: str, region: str, wheelhouse: str) -> dict[str, str]:
    """Glue's own arguments, and those of every run."""
    return {
        "--additional-python-modules": wheelhouse,
        "--python-modules-installer-option": "--no-index",
        "--datalake-formats": "delta",
        "--conf": _one_argument(DELTA_SESSION | {"spark.hadoop.fs.s3a.endpoint.region": region}),
        "--enable-metrics": "",
        "--enable-observability-metrics": "true",
        "--job-bookmark-option": "job-bookmark-disable",
        "--TempDir": f"s3://{bucket}/tmp/",
        "--root": f"s3://{bucket}",
    }


def _one_argument(settings: Mapping[str, str]) -> str:
    """Glue takes one `--conf`, whose value may go on with others. Without a region, S3A of Glue 5.1 asks us-east-2."""
    return " --conf ".join(f"{name}={value}" for name, value in settings.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--role", required=True)
    parser.add_argument("--script", required=True)
    parser.add_argument("--wheelhouse", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--glue", choices=("6.0", "5.1"), default="6.0")
    given = parser.parse_args()
    artifacts = Artifacts(given.script, given.wheelhouse)
    print(json.dumps(definition(given.bucket, given.role, given.region, artifacts, given.glue), indent=1))


if __name__ == "__main__":
    main()
