"""EMR Serverless: its `entryPointArguments` are those of `lakehouse`."""

from __future__ import annotations

import sys

from spark_app.entrypoints.submitted import carry_out


def main() -> None:
    """The entry point of the job."""
    carry_out(lambda: sys.argv[1:], "EMR Serverless")
