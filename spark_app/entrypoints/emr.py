"""EMR Serverless: its `entryPointArguments` are those of `lakehouse`."""

from __future__ import annotations

import os
import sys

from spark_app.entrypoints.submitted import carry_out


def main() -> None:
    """The entry point of the job."""
    job = os.environ.get("EMR_SERVERLESS_JOB_RUN_ID", "")
    carry_out(lambda: sys.argv[1:], f"EMR Serverless job {job}".rstrip())
