"""A run on EMR Serverless as code: `python emr/request.py --application ID --role ARN --bucket B` prints StartJobRun.

`aws emr-serverless start-job-run --cli-input-json "$(python emr/request.py …)"`. With `--archive` the Python
environment comes from S3 (`make emr-archive`); without, from the application's custom image (`make image-emr`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from spark_app.engine.classic import DELTA_SESSION

DELTA = "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
_IN_IMAGE, _IN_ARCHIVE = "/usr/bin/python3.11", "./environment/bin/python"


def request(
    application: str, role: str, bucket: str, region: str, run_id: str, options: Sequence[str] = (), *, archive: bool
) -> dict[str, Any]:
    """The request of StartJobRun. The same run id is the same token, so a repeated call starts nothing twice."""
    script = f"s3://{bucket}/artifacts/emr/lakehouse_job.py" if archive else "local:///opt/lakehouse/lakehouse_job.py"
    return {
        "applicationId": application,
        "clientToken": run_id,
        "executionRoleArn": role,
        "name": run_id,
        "executionTimeoutMinutes": 120,
        "retryPolicy": {"maxAttempts": 1},  # the state machine retries, and knows what may be retried
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": script,
                "entryPointArguments": ["--root", f"s3://{bucket}", "--run-id", run_id, *options],
                "sparkSubmitParameters": " ".join(
                    f"--conf {name}={value}" for name, value in settings(bucket, region, archive=archive).items()
                ),
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"s3://{bucket}/logs/"}}
        },
    }


def settings(bucket: str, region: str, *, archive: bool) -> dict[str, str]:
    """Spark's settings: Python named for driver and executors, Delta, the catalog, the region, cores and memory."""
    python = _IN_ARCHIVE if archive else _IN_IMAGE
    chosen = {
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        "spark.jars": DELTA,
        **DELTA_SESSION,
        "spark.hadoop.fs.s3a.endpoint.region": region,
        "spark.driver.cores": "2",
        "spark.driver.memory": "6g",
        "spark.executor.cores": "4",
        "spark.executor.memory": "14g",
        "spark.executor.instances": "1",
        "spark.dynamicAllocation.maxExecutors": "8",
    }
    if archive:
        chosen["spark.archives"] = f"s3://{bucket}/artifacts/emr/lakehouse-emr.tar.gz#environment"
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("application", "role", "bucket", "run-id"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--archive", action="store_true")
    parser.add_argument("options", nargs="*", help="further ones of `lakehouse run`, after --")
    given = parser.parse_args()
    print(
        json.dumps(
            request(
                given.application,
                given.role,
                given.bucket,
                given.region,
                given.run_id,
                given.options,
                archive=given.archive,
            ),
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
