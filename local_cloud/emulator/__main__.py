"""`python -m local_cloud.emulator`: serves on GATEWAY_PORT of loopback until it is stopped."""

from __future__ import annotations

import os

os.environ.setdefault("BIND_HOST", "127.0.0.1")
os.environ.setdefault("LAMBDA_EXECUTOR", "local")

from ministack import app

from local_cloud.emulator import alarms, athena, emr_serverless, glue, step_functions

if __name__ == "__main__":
    for seam in (alarms, athena, emr_serverless, glue, step_functions):
        seam.install()
    app.main()
