"""The product's own command, as its users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

LAKEHOUSE = [sys.executable, "-c", "from spark_app.cli import main; main()"]


def on_engine(engine: str) -> dict[str, str]:
    """The environment of a run on an engine."""
    return {**os.environ, "LAKEHOUSE_ENGINE": engine}


def run_to_end(command: list[str], environment: Mapping[str, str]) -> None:
    subprocess.run(command, env=dict(environment), check=True, capture_output=True)
