"""Jobs as processes of this machine: what Glue, EMR Serverless and ECS would start elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.account import environment

REPOSITORY = Path(__file__).parents[2]
HOME = Path(os.environ["LOCAL_CLOUD_HOME"])
PYTHON = os.environ.get("LOCAL_CLOUD_PYTHON", sys.executable)
"""The environment that has the application, both engines and the jars' folder beside it."""
JARS = Path(os.environ.get("LAKEHOUSE_JARS", REPOSITORY / ".jars"))
PORT = os.environ.get("GATEWAY_PORT", "4566")


class Refused(Exception):
    """What a service would answer instead of starting a job: the error's name, and a message."""


@dataclass
class Job:
    """A process with its log. `state`: RUNNING, SUCCEEDED, FAILED, STOPPED, TIMEOUT."""

    id: str
    command: Sequence[str]
    environment: Mapping[str, str]
    seconds: float
    state: str = "RUNNING"
    exit_code: int | None = None
    ended: float = 0.0

    @property
    def log(self) -> Path:
        return HOME / "jobs" / self.id / "output.log"

    @property
    def error(self) -> str:
        """The last lines that it said, when it failed."""
        if self.state in ("RUNNING", "SUCCEEDED"):
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"exit code {self.exit_code}: {' | '.join(lines[-5:])}"[:900]

    def run(self) -> None:
        """Blocks until the process has ended."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                [*self.command], stdout=output, stderr=output, env={**os.environ, **self.environment},
                cwd=self.log.parent, start_new_session=True,
            )  # fmt: skip
            (self.log.parent / "pid").write_text(str(process.pid))
            try:
                self.exit_code = process.wait(self.seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                self.exit_code, self.state = process.wait(), "TIMEOUT"
        self.ended = time.time()
        if self.state == "RUNNING":
            self.state = "SUCCEEDED" if self.exit_code == 0 else "FAILED"

    def stop(self) -> None:
        self.state = "STOPPED"
        os.killpg(int((self.log.parent / "pid").read_text()), 15)


def account() -> dict[str, str]:
    """What every job finds in its environment: the emulator's address and keys that it accepts."""
    return environment(f"http://127.0.0.1:{PORT}") | {"PYTHONPATH": str(REPOSITORY)}


def spark_submit(settings: Mapping[str, str], script: str, arguments: Sequence[str]) -> list[str]:
    """The command by which both platforms start a job, with this machine's jars, memory and Python."""
    here = {
        "spark.jars": ",".join(sorted(map(str, JARS.glob("*.jar")))),
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.pyspark.python": PYTHON,
    }
    confs = [part for name, value in (settings | here).items() for part in ("--conf", f"{name}={value}")]
    home = Path(_spark_home())
    return [str(home / "bin" / "spark-submit"), "--master", "local[2]", *confs, script, *arguments]


def spark_environment() -> dict[str, str]:
    return account() | {
        "SPARK_HOME": _spark_home(),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": PYTHON,
        "PYSPARK_DRIVER_PYTHON": PYTHON,
    }


def _spark_home() -> str:
    told = [PYTHON, "-c", "import os, pyspark; print(os.path.dirname(pyspark.__file__))"]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
